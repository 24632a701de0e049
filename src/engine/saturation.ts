import type { Layout } from "../ledger/layout.js";
import { MAX_CATCH_UP_MS } from "./task-life.js";

/** Share of time that an event loop may be busy before its delays count as ours. */
const MAX_UTILIZATION = 0.95;

/**
 * Once a second: is the generator itself the bottleneck? `dispatch_lag`: a start was later than the
 * catch-up limit within the last second (or was dropped for it). `event_loop`: this thread had
 * nothing left to give.
 */
export class Saturation {
  readonly #cells: Float64Array;
  readonly #layout: Layout;
  #last = performance.eventLoopUtilization();
  #droppedBefore = 0;

  constructor(cells: Float64Array, layout: Layout) {
    this.#cells = cells;
    this.#layout = layout;
  }

  check(): void {
    const lagCell = this.#layout.engine("dispatchLagLastSecond");
    const lagMaxSeconds = this.#cells[lagCell]!;
    this.#cells[lagCell] = 0;
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#last);
    this.#last = now;
    const dropped = this.#droppedSaturated();
    const isLate = lagMaxSeconds * 1000 > MAX_CATCH_UP_MS || dropped > this.#droppedBefore;
    this.#droppedBefore = dropped;
    this.#set("eventLoopUtilization", utilization);
    this.#set("saturatedDispatchLag", isLate ? 1 : 0);
    this.#set("saturatedEventLoop", utilization > MAX_UTILIZATION ? 1 : 0);
  }

  #droppedSaturated(): number {
    let total = 0;
    for (let entry = 0; entry < this.#layout.dimensions.entries; entry++) {
      total += this.#cells[this.#layout.entryCounter(entry, "droppedSaturated")]!;
    }
    return total;
  }

  #set(
    cell: "eventLoopUtilization" | "saturatedDispatchLag" | "saturatedEventLoop",
    value: number,
  ): void {
    this.#cells[this.#layout.engine(cell)] = value;
  }
}
