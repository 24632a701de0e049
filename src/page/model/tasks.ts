import type { HistoryAnswer } from "../../history/answer.js";
import type { LiveStatus } from "../../reports/live-status.js";
import type { TaskStatus } from "../../reports/status.js";
import { columnOf } from "./history.js";

/** A part of a latency. */
export interface Phase {
  readonly name: "dispatch" | "publish" | "queue" | "run" | "work" | "delivery";
  readonly seconds: number;
  /** Of all parts together. */
  readonly share: number;
}

export interface TaskRow {
  readonly task: string;
  /** Of the last ten seconds; null: not known. */
  readonly rate: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** Of the last half minute, on average; empty: not known. */
  readonly phases: readonly Phase[];
  readonly errors: number;
  /** Of what ended. */
  readonly errorShare: number | null;
  readonly retries: number;
  readonly inFlight: number;
  readonly dropped: number;
  readonly side: TaskStatus["verdict"]["side"];
  readonly evidence: string;
}

/** Sides of a bottleneck, in words. */
export const SIDE_WORDS: Readonly<Record<TaskRow["side"], string>> = {
  generator: "this daemon",
  broker: "the broker",
  workers_busy: "workers are busy",
  workers_idle_but_waiting: "workers idle, tasks wait",
  code: "the task itself",
  backend: "the result backend",
  none: "nothing stands out",
};

/** A row for each task. `recent`: a moment of about ten seconds, by series. */
export function taskRows(
  { status }: LiveStatus,
  series: HistoryAnswer["series"],
  recent: readonly (number | null)[],
): TaskRow[] {
  return Object.entries(status.tasks).map(([task, report]) => {
    const value = (what: "published" | "p50" | "p95" | "p99") => {
      return recent[columnOf(series, "task", task, what)] ?? null;
    };
    const { succeeded = 0, ...others } = report.outcomes;
    const errors = sum(Object.values(others));
    return {
      task,
      rate: value("published"),
      p50: value("p50"),
      p95: value("p95"),
      p99: value("p99"),
      phases: phasesOf(report),
      errors,
      errorShare: errors + succeeded === 0 ? null : errors / (errors + succeeded),
      retries: report.retries,
      inFlight: report.inFlight + report.publishing,
      dropped: sum(Object.values(report.dropped)) + sum(Object.values(report.publishFailures)),
      side: report.verdict.side,
      evidence: report.verdict.text,
    };
  });
}

/** What is neither published, waiting, run nor delivered was before: dispatch. */
export function phasesOf({ verdict: { evidence } }: TaskStatus): Phase[] {
  if (evidence === null || evidence.latencyMs === null) return [];
  const { publishMs, queueMs, runMs, workMs, deliveryMs, latencyMs } = evidence;
  const known: (readonly [Phase["name"], number | null])[] =
    runMs === null
      ? [
          ["publish", publishMs],
          ["work", workMs],
          ["delivery", deliveryMs],
        ]
      : [
          ["publish", publishMs],
          ["queue", queueMs],
          ["run", runMs],
          ["delivery", deliveryMs],
        ];
  const rest = latencyMs - sum(known.map(([, ms]) => ms ?? 0));
  const parts = [["dispatch", Math.max(0, rest)] as const, ...known];
  const all = sum(parts.map(([, ms]) => ms ?? 0));
  return parts.flatMap(([name, ms]) =>
    ms === null || all === 0 ? [] : [{ name, seconds: ms / 1000, share: ms / all }],
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((all, each) => all + each, 0);
}

/** Errors by exception of all tasks, or of one, the most frequent first. */
export function errorsByException(
  { status }: LiveStatus,
  task: string | null,
): readonly (readonly [exception: string, count: number])[] {
  const errors = task === null ? status.total.errors : (status.tasks[task]?.errors ?? {});
  return Object.entries(errors).sort((a, b) => b[1] - a[1]);
}
