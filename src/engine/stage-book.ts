import type { StartEnd } from "../ledger/balance.js";
import { observeFine } from "../ledger/histogram.js";
import { FLAG, type InFlightTable } from "../ledger/in-flight-table.js";
import { STAGE_COUNTERS, type StageCounter, type StageLayout } from "../ledger/stage-rows.js";

/** Counts the starts by the stage in which they were planned, whenever they end. */
export class StageBook {
  readonly #cells: Float64Array;
  readonly #layout: StageLayout;
  readonly #table: InFlightTable;
  /** By slot: the row of the start that it holds, as the place of the row's first cell. */
  readonly #rows: Uint32Array;

  constructor(cells: Float64Array, layout: StageLayout, table: InFlightTable) {
    this.#cells = cells;
    this.#layout = layout;
    this.#table = table;
    this.#rows = new Uint32Array(table.capacity);
  }

  /** So many milliseconds of the plan starts were planned in each stage of a scenario. */
  lasted(scenario: number, timesMs: readonly number[]): void {
    for (const [stage, ms] of timesMs.entries()) {
      this.#cells[this.#layout.lastedAt(this.#layout.row(scenario, stage))]! += ms;
    }
  }

  /** Counts a start as planned and returns the place of its row. */
  planned(scenario: number, stage: number): number {
    const row = this.#layout.counter(this.#layout.row(scenario, stage), STAGE_COUNTERS[0]);
    this.#cells[row]! += 1;
    return row;
  }

  /** It ended where it began. */
  dropped(row: number, end: StartEnd): void {
    this.#cells[row + PLACE[end]]! += 1;
  }

  /** It got a slot. */
  started(row: number, slot: number): void {
    this.#rows[slot] = row;
  }

  published(slot: number): void {
    this.#cells[this.#rows[slot]! + PLACE.published]! += 1;
  }

  /** How long it took; starts of the warm-up are left out, as in the histograms. */
  took(slot: number, latencyMs: number): void {
    if ((this.#table.flags[slot]! & FLAG.warmup) !== 0) return;
    observeFine(this.#cells, this.#rows[slot]! + STAGE_COUNTERS.length, latencyMs);
  }

  ended(slot: number, end: StartEnd): void {
    this.#cells[this.#rows[slot]! + PLACE[end]]! += 1;
  }
}

/** Place of a counter in its row. */
const PLACE = Object.fromEntries(STAGE_COUNTERS.map((name, place) => [name, place])) as Readonly<
  Record<StageCounter, number>
>;
