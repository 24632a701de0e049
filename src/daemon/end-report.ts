import { DROP_REASONS, OUTCOMES, PUBLISH_FAILURE_KINDS } from "../exposition/label-values.js";
import type { LedgerView } from "../exposition/ledger-view.js";
import type { Subject } from "../exposition/subject.js";
import { quantileMs } from "../ledger/histogram.js";
import type { EntryCounter } from "../ledger/layout.js";
import { type SloReport, sloLines, sloReports } from "./slo-report.js";
import { entriesByTask, errorsOf, latencyText, type Summary, summarize } from "./summary.js";

/** What a run did, as `--json` prints it. Latencies are seconds, null when there is none. */
export interface EndReport {
  readonly seconds: number;
  readonly stoppedBySignal: boolean;
  readonly balanced: boolean;
  readonly total: TaskReport;
  readonly tasks: Readonly<Record<string, TaskReport>>;
  readonly slos: Readonly<Record<string, SloReport>>;
}

export interface TaskReport {
  readonly planned: number;
  readonly published: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly publishFailures: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly retries: number;
  readonly late: number;
  readonly duplicate: number;
  readonly recovered: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly latencySeconds: Readonly<Record<"p50" | "p95" | "p99" | "p999" | "max", number | null>>;
}

export function endReport(
  ledger: LedgerView,
  subject: Subject,
  seconds: number,
  stoppedBySignal: boolean,
): EndReport {
  const all = [...subject.entries.keys()];
  const report = (entries: readonly number[]) =>
    taskReport(summarize(ledger, entries), Object.fromEntries(errorsOf(ledger, subject, entries)));
  return {
    seconds,
    stoppedBySignal,
    balanced: all.every((entry) => {
      const balance = ledger.balance(entry);
      return balance.planned === 0 && balance.published === 0;
    }),
    total: report(all),
    tasks: Object.fromEntries(
      [...entriesByTask(subject)].map(([task, entries]) => [task, report(entries)]),
    ),
    slos: sloReports(ledger, subject),
  };
}

/** The report as a terminal shows it. */
export function reportText(ledger: LedgerView, subject: Subject, seconds: number): string {
  const rows = [
    [
      "task",
      "planned",
      "published",
      "succeeded",
      "failed",
      "revoked",
      "timed out",
      "unknown",
      "dropped",
      "p50",
      "p95",
      "p99",
    ],
  ];
  const row = (name: string, entries: readonly number[]) => {
    const summary = summarize(ledger, entries);
    const { counters } = summary;
    rows.push([
      name,
      ...[
        counters.planned,
        counters.published,
        counters.succeeded,
        counters.failed,
        counters.revoked,
        counters.timedOut,
        counters.unknown,
        summary.dropped,
      ].map(String),
      ...[0.5, 0.95, 0.99].map((q) => latencyText(summary.latencies, q)),
    ]);
  };
  const byTask = entriesByTask(subject);
  for (const [task, entries] of byTask) row(task, entries);
  if (byTask.size > 1) row("all", [...subject.entries.keys()]);
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]!.length)),
  );
  const table = rows.map((cells) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
      )
      .join("  "),
  );
  const errors = [...byTask].flatMap(([task, entries]) =>
    errorsOf(ledger, subject, entries).map(([name, count]) => `  ${task}: ${name} × ${count}`),
  );
  const slos = sloLines(sloReports(ledger, subject));
  return [
    `Ran for ${seconds.toFixed(1)} s.`,
    ...table,
    ...(errors.length > 0 ? ["errors", ...errors] : []),
    ...(slos.length > 0 ? ["SLOs", ...slos] : []),
  ].join("\n");
}

function taskReport(summary: Summary, errors: Record<string, number>): TaskReport {
  const { counters, latencies } = summary;
  const seconds = (q: number) => {
    const ms = quantileMs(latencies, q);
    return Number.isNaN(ms) ? null : ms / 1000;
  };
  return {
    planned: counters.planned,
    published: counters.published,
    dropped: byLabel(DROP_REASONS, counters),
    publishFailures: byLabel(PUBLISH_FAILURE_KINDS, counters),
    outcomes: byLabel(OUTCOMES, counters),
    retries: counters.retries,
    late: counters.late,
    duplicate: counters.duplicate,
    recovered: counters.recovered,
    errors,
    latencySeconds: {
      p50: seconds(0.5),
      p95: seconds(0.95),
      p99: seconds(0.99),
      p999: seconds(0.999),
      max: seconds(1),
    },
  };
}

/** Counts under the label values of the metrics. */
function byLabel(
  names: Readonly<Record<string, EntryCounter>>,
  counters: Summary["counters"],
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(names).map(([label, counter]) => [label, counters[counter]]),
  );
}
