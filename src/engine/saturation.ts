import type { EngineCell, Layout } from "../ledger/layout.js";
import { MAX_CATCH_UP_MS } from "./task-life.js";

/** Share of time that an event loop may be busy before its delays count as ours. */
const MAX_UTILIZATION = 0.95;

const CELLS = [
  "dispatchLagLastSecond",
  "eventLoopUtilization",
  "saturatedDispatchLag",
  "saturatedEventLoop",
  "saturatedSeconds",
] as const satisfies readonly EngineCell[];

/** The thread turns this often at least; when a turn comes later by the catch-up limit, it was held up. */
const TURN_MS = 100;
const HELD_UP_MS = TURN_MS + MAX_CATCH_UP_MS;

/**
 * Once a second: is the generator itself the bottleneck? `dispatch_lag`: a start was later than the
 * catch-up limit within the last second (or was dropped for it). `event_loop`: this thread had
 * nothing left to give, or was held up (by another process, or a signal).
 */
export class Saturation {
  readonly #cells: Float64Array;
  readonly #layout: Layout;
  readonly #cell: Readonly<Record<(typeof CELLS)[number], number>>;
  #last = performance.eventLoopUtilization();
  #lastMs = performance.now();
  #droppedBefore = 0;
  #turnedMs = Number.POSITIVE_INFINITY;
  #wasHeldUp = false;
  #wasHeldUpThisSecond = false;

  constructor(cells: Float64Array, layout: Layout) {
    this.#cells = cells;
    this.#layout = layout;
    this.#cell = Object.fromEntries(CELLS.map((cell) => [cell, layout.engine(cell)])) as Record<
      (typeof CELLS)[number],
      number
    >;
  }

  /** Called at each turn of the sweeper, before anything is decided by the time. */
  turned(nowMs: number): void {
    // Until the next turn the results are read that have been waiting since before.
    this.#wasHeldUp = nowMs - this.#turnedMs > HELD_UP_MS;
    this.#wasHeldUpThisSecond ||= this.#wasHeldUp;
    this.#turnedMs = nowMs;
  }

  /**
   * Is what happens now seen too late through our own fault? Besides what `generator_saturated` says of
   * the last second, this knows of this one.
   */
  isSaturated(nowMs: number): boolean {
    const cells = this.#cells;
    return (
      cells[this.#cell.saturatedDispatchLag] === 1 ||
      cells[this.#cell.saturatedEventLoop] === 1 ||
      cells[this.#cell.dispatchLagLastSecond]! * 1000 > MAX_CATCH_UP_MS ||
      this.#wasHeldUp ||
      nowMs - this.#turnedMs > HELD_UP_MS
    );
  }

  check(): void {
    const cells = this.#cells;
    const lagMaxSeconds = cells[this.#cell.dispatchLagLastSecond]!;
    cells[this.#cell.dispatchLagLastSecond] = 0;
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#last);
    this.#last = now;
    const dropped = this.#droppedSaturated();
    const isLate = lagMaxSeconds * 1000 > MAX_CATCH_UP_MS || dropped > this.#droppedBefore;
    this.#droppedBefore = dropped;
    cells[this.#cell.eventLoopUtilization] = utilization;
    cells[this.#cell.saturatedDispatchLag] = isLate ? 1 : 0;
    const isBusy = utilization > MAX_UTILIZATION || this.#wasHeldUpThisSecond;
    this.#wasHeldUpThisSecond = false;
    cells[this.#cell.saturatedEventLoop] = isBusy ? 1 : 0;
    const nowMs = performance.now();
    if (isLate || isBusy) cells[this.#cell.saturatedSeconds]! += (nowMs - this.#lastMs) / 1000;
    this.#lastMs = nowMs;
  }

  #droppedSaturated(): number {
    let total = 0;
    for (let entry = 0; entry < this.#layout.dimensions.entries; entry++) {
      total += this.#cells[this.#layout.entryCounter(entry, "droppedSaturated")]!;
    }
    return total;
  }
}
