import { observe, observeSpaced } from "../ledger/histogram.js";
import { FLAG, type InFlightTable } from "../ledger/in-flight-table.js";
import type { EngineCell, EntryHistogram, Layout } from "../ledger/layout.js";
import type { Entry } from "./entry.js";
import type { ExceptionRows } from "./exception-rows.js";
import type { UserPace } from "./user-pace.js";

/** Writes what happened into the ledger: the only writer of its thread's cells but for the gauges. */
export class Books {
  readonly #cells: Float64Array;
  readonly #layout: Layout;
  readonly #table: InFlightTable;
  readonly #exceptions: ExceptionRows;
  readonly #lagCell: number;
  readonly #lagLastSecondCell: number;

  constructor(
    cells: Float64Array,
    layout: Layout,
    table: InFlightTable,
    exceptions: ExceptionRows,
  ) {
    this.#cells = cells;
    this.#layout = layout;
    this.#table = table;
    this.#exceptions = exceptions;
    this.#lagCell = layout.engine("dispatchLagMaxSeconds");
    this.#lagLastSecondCell = layout.engine("dispatchLagLastSecond");
  }

  /** `cell` is one of an entry's counters. */
  count(cell: number): void {
    this.#cells[cell]! += 1;
  }

  countEngine(cell: EngineCell): void {
    this.count(this.#layout.engine(cell));
  }

  /** A failed or revoked task, by the class of its exception. */
  countException({ index }: Entry, exception: string): void {
    const row = this.#exceptions.rowOf(index, exception);
    this.count(this.#layout.exception(row));
    if (row === index && exception !== "") this.countEngine("foldedExceptions");
  }

  /** A time of the task in a slot, in milliseconds; tasks of the warm-up are left out. */
  observe(slot: number, { histograms }: Entry, histogram: EntryHistogram, valueMs: number): void {
    if ((this.#table.flags[slot]! & FLAG.warmup) !== 0) return;
    observe(this.#cells, histograms[histogram], valueMs);
  }

  /**
   * The latency of a task that a user has waited for, and those of the starts that this has kept the user from: at its
   * pace they would have come `paceMs` after one another, and waited that much less each. None is shorter than
   * `usualMs`, what a task takes that nothing holds up.
   */
  compensate(slot: number, { compensated }: Entry, latencyMs: number, pace: UserPace): void {
    if (compensated === null || (this.#table.flags[slot]! & FLAG.warmup) !== 0) return;
    observe(this.#cells, compensated, latencyMs);
    const { paceMs, usualMs } = pace;
    if (paceMs === Number.POSITIVE_INFINITY) return;
    const missed = Math.floor((latencyMs - usualMs) / paceMs);
    observeSpaced(this.#cells, compensated, latencyMs - paceMs, paceMs, missed);
  }

  /** Instead of a time of the task in a slot: as `count`, but for tasks of the warm-up. */
  countInstead(slot: number, cell: number): void {
    if ((this.#table.flags[slot]! & FLAG.warmup) === 0) this.count(cell);
  }

  /** How late a start was. */
  noteLag(lagMs: number): void {
    const lagSeconds = lagMs / 1000;
    if (lagSeconds <= this.#cells[this.#lagLastSecondCell]!) return;
    this.#cells[this.#lagLastSecondCell] = lagSeconds;
    if (lagSeconds > this.#cells[this.#lagCell]!) this.#cells[this.#lagCell] = lagSeconds;
  }
}
