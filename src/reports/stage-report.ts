import { FINE } from "../ledger/layout.js";
import { createStageLayout, STAGE_COUNTERS, type StageCounter } from "../ledger/stage-rows.js";
import type { Stage } from "../plan/profile.js";
import { DROP_REASONS, OUTCOMES, PUBLISH_FAILURE_KINDS } from "../readings/label-values.js";
import type { Subject } from "../readings/subject.js";
import { type LatencyReport, latencyReport } from "./task-report.js";

/** What became of the starts that were planned in one stage, in all cycles together, as `--json` prints it. */
export interface StageReport {
  readonly scenario: string;
  /** From 1; 0 is what plans before the last reload had that this one has not. */
  readonly number: number;
  /** How many stages are in this row: 1, or those from `number` on where there are too many for rows of their own. */
  readonly stages: number;
  /** As the configuration writes it: `20/s for 5s`. */
  readonly name: string;
  readonly kind: Stage["kind"];
  /** How long starts were planned in it. */
  readonly seconds: number;
  /** Starts a second in that time that were planned, and that were published; null for no time. */
  readonly plannedRate: number | null;
  readonly achievedRate: number | null;
  readonly planned: number;
  readonly published: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly publishFailures: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly latencySeconds: LatencyReport;
}

/** One row of the counts by stage, with its counts by the names of the ledger. */
export interface StageSummary {
  readonly scenario: string;
  readonly number: number;
  readonly stages: number;
  readonly name: string;
  readonly kind: Stage["kind"];
  readonly seconds: number;
  readonly counters: Readonly<Record<StageCounter, number>>;
  readonly latencies: Float64Array;
}

/** Reads `cells`, the counts by stage of all threads. The rows are in the order of the configuration. */
export function summarizeStages(cells: Float64Array, subject: Subject): StageSummary[] {
  const layout = createStageLayout(subject.scenarios.map(({ stages }) => stages.length));
  return subject.scenarios.flatMap(({ name: scenario, stages }, index) => {
    const rows = layout.rowsOf[index]!;
    return stages.slice(0, rows).map(({ name, kind }, stage) => {
      const row = layout.row(index, stage);
      const folded = stage === rows - 1 ? stages.length - rows + 1 : 1;
      const latenciesAt = layout.fineAt(row);
      return {
        scenario,
        number: stage + 1,
        stages: folded,
        name: folded === 1 ? name : `${folded} further stages`,
        kind,
        seconds: cells[layout.lastedAt(row)]! / 1000,
        counters: Object.fromEntries(
          STAGE_COUNTERS.map((counter) => [counter, cells[layout.counter(row, counter)]!]),
        ) as Record<StageCounter, number>,
        latencies: cells.subarray(latenciesAt, latenciesAt + FINE.size),
      };
    });
  });
}

/**
 * The stages of a plan with what the plans before it have counted: a stage that is the same goes on, and all others of a
 * scenario are one row, so that the rows add up to the whole run.
 */
export function withFormerStages(
  stages: readonly StageSummary[],
  former: readonly StageSummary[],
): StageSummary[] {
  const rows = new Map(stages.map((row) => [keyOf(row), row]));
  for (const row of former) {
    const into = rows.has(keyOf(row)) ? row : { ...row, number: 0, name: FORMER, stages: 1 };
    const before = rows.get(keyOf(into));
    rows.set(keyOf(into), before === undefined ? into : added(before, into));
  }
  return [...rows.values()];
}

const FORMER = "stages of plans before";

function keyOf({ scenario, number, stages, name }: StageSummary): string {
  return JSON.stringify([scenario, number, stages, name]);
}

function added(one: StageSummary, other: StageSummary): StageSummary {
  return {
    ...one,
    seconds: one.seconds + other.seconds,
    counters: Object.fromEntries(
      STAGE_COUNTERS.map((counter) => [counter, one.counters[counter] + other.counters[counter]]),
    ) as Record<StageCounter, number>,
    latencies: one.latencies.map((count, cell) => count + other.latencies[cell]!),
  };
}

export function stageReport({ counters, latencies, ...stage }: StageSummary): StageReport {
  const rate = (starts: number) => (stage.seconds > 0 ? starts / stage.seconds : null);
  const byLabel = (names: Readonly<Record<string, StageCounter>>) =>
    Object.fromEntries(Object.entries(names).map(([label, name]) => [label, counters[name]]));
  return {
    ...stage,
    plannedRate: rate(counters.planned),
    achievedRate: rate(counters.published),
    planned: counters.planned,
    published: counters.published,
    dropped: byLabel(DROP_REASONS),
    publishFailures: byLabel(PUBLISH_FAILURE_KINDS),
    outcomes: byLabel(OUTCOMES),
    latencySeconds: latencyReport(latencies),
  };
}
