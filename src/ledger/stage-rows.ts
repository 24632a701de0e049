import { DROP_COUNTERS, PUBLISH_FAILURE_COUNTERS } from "./balance.js";
import { FINE } from "./layout.js";

/** What is counted of the starts of a stage, in memory order; as the counters of an entry. */
export const STAGE_COUNTERS = [
  "planned",
  "published",
  ...DROP_COUNTERS,
  ...PUBLISH_FAILURE_COUNTERS,
  "succeeded",
  "failed",
  "revoked",
  "timedOut",
  "unknown",
] as const;
export type StageCounter = (typeof STAGE_COUNTERS)[number];

/** Rows of all scenarios together at most: of each 13 KB are written when it has latencies. */
export const MAX_STAGE_ROWS = 1_000;

/**
 * Where the starts of each stage are counted: memory of its own beside the ledger's halves, as nobody reads it
 * before the end, and a scrape would have to copy it. A start belongs to the stage in which it was planned. Where a
 * scenario has more stages than its part of the rows, the last row is that of all further ones.
 */
export interface StageLayout {
  /** Float64 cells of all rows. */
  readonly cellCount: number;
  /** Rows of each scenario. */
  readonly rowsOf: readonly number[];
  /** The row of a scenario's stage. */
  row(scenario: number, stage: number): number;
  counter(row: number, counter: StageCounter): number;
  /** The fine table of the latencies of those that succeeded or failed. */
  fineAt(row: number): number;
  /** For how many milliseconds of the plan starts were planned in it, the same in every thread. */
  lastedAt(row: number): number;
}

/** `stagesOf` is the number of stages of each scenario. */
export function createStageLayout(
  stagesOf: readonly number[],
  maxRows = MAX_STAGE_ROWS,
): StageLayout {
  const most = Math.max(1, Math.floor(maxRows / stagesOf.length));
  const rowsOf = stagesOf.map((stages) => Math.min(stages, most));
  const firstRows = rowsOf.map((_, scenario) => sum(rowsOf.slice(0, scenario)));
  const size = STAGE_COUNTERS.length + FINE.size + 1;
  return {
    cellCount: sum(rowsOf) * size,
    rowsOf,
    row: (scenario, stage) => firstRows[scenario]! + Math.min(stage, rowsOf[scenario]! - 1),
    counter: (row, counter) => row * size + STAGE_COUNTERS.indexOf(counter),
    fineAt: (row) => row * size + STAGE_COUNTERS.length,
    lastedAt: (row) => (row + 1) * size - 1,
  };
}

/** The counts of all threads as one. */
export function mergeStageCells(
  layout: StageLayout,
  [first, ...others]: readonly Float64Array[],
): Float64Array {
  const cells = first!.slice();
  for (const other of others) {
    for (let cell = 0; cell < cells.length; cell++) cells[cell]! += other[cell]!;
  }
  for (let row = 0; row < sum(layout.rowsOf); row++) {
    const at = layout.lastedAt(row);
    cells[at] = Math.max(first![at]!, ...others.map((other) => other[at]!));
  }
  return cells;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
