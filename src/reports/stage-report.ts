import { FINE } from "../ledger/layout.js";
import { createStageLayout, STAGE_COUNTERS, type StageCounter } from "../ledger/stage-rows.js";
import { stageTimesMs } from "../plan/profile.js";
import { DROP_REASONS, OUTCOMES, PUBLISH_FAILURE_KINDS } from "../readings/label-values.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { type LatencyReport, latencyReport } from "./task-report.js";

/** What became of the starts that were planned in one stage, in all cycles together, as `--json` prints it. */
export interface StageReport {
  readonly scenario: string;
  /** From 1. */
  readonly number: number;
  /** How many stages are in this row: 1, or those from `number` on where there are too many for rows of their own. */
  readonly stages: number;
  /** As the configuration writes it: `20/s for 5s`. */
  readonly name: string;
  readonly kind: "hold" | "ramp";
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
  readonly kind: "hold" | "ramp";
  readonly seconds: number;
  readonly counters: Readonly<Record<StageCounter, number>>;
  readonly latencies: Float64Array;
}

/** Reads `cells`, the counts by stage of all threads. The rows are in the order of the configuration. */
export function summarizeStages(
  cells: Float64Array,
  ledger: LedgerView,
  subject: Subject,
): StageSummary[] {
  const layout = createStageLayout(subject.scenarios.map(({ stages }) => stages.length));
  return subject.scenarios.flatMap(({ name: scenario, stages }, index) => {
    const timesMs = stageTimesMs(stages, ledger.scenario(index, "plannedSeconds") * 1000);
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
        seconds: sum(timesMs.slice(stage, stage + folded)) / 1000,
        counters: Object.fromEntries(
          STAGE_COUNTERS.map((counter) => [counter, cells[layout.counter(row, counter)]!]),
        ) as Record<StageCounter, number>,
        latencies: cells.subarray(latenciesAt, latenciesAt + FINE.size),
      };
    });
  });
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

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
