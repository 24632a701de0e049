import { type Balance, balanceOf } from "../ledger/balance.js";
import { fineTable, sumMs } from "../ledger/histogram.js";
import {
  type ConnectionCell,
  type DataCell,
  type EngineCell,
  type EntryCounter,
  type EntryHistogram,
  FINE,
  type HistogramPlace,
  type Layout,
  SCENARIO_STATES,
  type ScenarioCell,
  type ScenarioState,
  type SloCounter,
} from "../ledger/layout.js";
import { addCarried, mergeHalves } from "../ledger/merge.js";
import { countInFlight, type Half, type InFlightCounts } from "../ledger/snapshot.js";

/** Reads the engine's ledger by names: that of all its threads together. Cheap to make: one for each snapshot. */
export class LedgerView {
  readonly #layout: Layout;
  readonly #threads: readonly Half[];
  readonly #half: Half;
  readonly #inFlight: InFlightCounts;

  /** `carried`: what engines have counted whose plan was replaced, in the places of this layout (`carried.ts`). */
  constructor(layout: Layout, threads: readonly Half[], carried: readonly Half[] = []) {
    this.#layout = layout;
    this.#threads = threads;
    this.#half = addCarried(mergeHalves(layout, threads), carried);
    this.#inFlight = countInFlight(this.#half, layout.dimensions.entries);
  }

  counter(entry: number, name: EntryCounter): number {
    return this.#cell(this.#layout.entryCounter(entry, name));
  }

  /** Tasks that wait for the broker's answer. */
  publishing(entry: number): number {
    return this.#inFlight.publishing[entry]!;
  }

  /** Published tasks that wait for their result. */
  inFlight(entry: number): number {
    return this.#inFlight.inFlight[entry]!;
  }

  balance(entry: number): Balance {
    return balanceOf({
      counter: (name) => this.counter(entry, name),
      publishing: this.publishing(entry),
      inFlight: this.inFlight(entry),
    });
  }

  /** Adds a histogram's counts by bucket (the last is +Inf) to `counts`; returns its sum in ms. */
  addHistogram(entry: number, name: EntryHistogram, counts: Float64Array): number {
    const place = this.#layout.entryHistogram(entry, name);
    for (let i = 0; i < counts.length; i++) counts[i]! += this.#cell(place.offset + i);
    return sumMs(this.#half.cells, place);
  }

  /** The sum of what a histogram has counted, in ms. */
  sumMs(entry: number, name: EntryHistogram): number {
    return sumMs(this.#half.cells, this.#layout.entryHistogram(entry, name));
  }

  /** As `addHistogram`, of the compensated latencies of an entry whose starts come from users. */
  addCompensated(userRow: number, counts: Float64Array): number {
    const place = this.#layout.compensated(userRow);
    for (let i = 0; i < counts.length; i++) counts[i]! += this.#cell(place.offset + i);
    return sumMs(this.#half.cells, place);
  }

  /** As `fineCounts`, of those. */
  fineCompensated(userRow: number): Float64Array {
    return this.#fineOf(this.#layout.compensated(userRow));
  }

  /** Upper bounds of a histogram's buckets in milliseconds, without +Inf. */
  boundsMs(name: EntryHistogram): readonly number[] {
    return this.#layout.entryHistogram(0, name).boundsMs;
  }

  /**
   * A copy of the high-resolution counts of a latency, for `quantileMs`, or of a phase.
   * @throws {Error} in a reading that is without them: a scrape's, and of phases all but the live one
   */
  fineCounts(entry: number, name: EntryHistogram): Float64Array {
    return this.#fineOf(this.#layout.entryHistogram(entry, name));
  }

  scenario(scenario: number, cell: ScenarioCell): number {
    return this.#cell(this.#layout.scenario(scenario, cell));
  }

  scenarioState(scenario: number): ScenarioState {
    return SCENARIO_STATES[this.scenario(scenario, "state")] ?? "waiting";
  }

  connection(connection: number, cell: ConnectionCell): number {
    return this.#cell(this.#layout.connection(connection, cell));
  }

  data(data: number, cell: DataCell): number {
    return this.#cell(this.#layout.data(data, cell));
  }

  engine(cell: EngineCell): number {
    return this.#cell(this.#layout.engine(cell));
  }

  get threadCount(): number {
    return this.#threads.length;
  }

  /** A cell of one of the engine's threads. */
  thread(thread: number, cell: EngineCell): number {
    return this.#threads[thread]!.cells[this.#layout.engine(cell)]!;
  }

  exceptionCount(row: number): number {
    return this.#cell(this.#layout.exception(row));
  }

  slo(row: number, counter: SloCounter): number {
    return this.#cell(this.#layout.slo(row, counter));
  }

  #fineOf(place: HistogramPlace): Float64Array {
    if (this.#half.cells.length < place.fineOffset + FINE.size) {
      throw new Error("This reading has no fine tables of it.");
    }
    return fineTable(this.#half.cells, place).slice();
  }

  #cell(index: number): number {
    return this.#half.cells[index]!;
  }
}
