import { type Arrival, type Arrivals, createArrivals, startsAt } from "./arrival.js";
import { type Choose, countShares, type Mix, mixOf, startAfter } from "./mix.js";
import { nearlyWhole } from "./piecewise-linear.js";
import type { RecordedTasks } from "./profiles/replay.js";
import { seedOf } from "./random.js";
import type { Deal } from "./share.js";
import type { Timeline } from "./timeline.js";

export interface StartsOptions {
  readonly timeline: Timeline;
  readonly arrival: Arrival;
  readonly choose: Choose;
  /** For what is drawn: an integer from 0 to 2^32 - 1. */
  readonly seed: number;
  /** Which starts of the timeline are done here. */
  readonly deal: Deal;
  /** Of the scenario's entries; a regime may have others. */
  readonly weights: readonly number[];
  /** Of what rows are taken; left out: of nothing. */
  readonly rows?: RowsOfStarts | undefined;
  /** Which entry each start of the profile is, where a file says that; left out: the mix does. */
  readonly recorded?: RecordedStarts | null;
}

/** Which entry of the mix each start of a profile is; in a loop again and again. */
export interface RecordedStarts extends Pick<RecordedTasks, "kindOf"> {
  readonly loop: boolean;
}

/** Which entries of a mix take a row of which data for each of their starts. */
export interface RowsOfStarts {
  /** By place in the mix: the number of the data; -1: none. */
  readonly dataOf: readonly number[];
  /** By data: after how many rows the starts end; Infinity: never. */
  readonly most: readonly number[];
}

/** The starts of a timeline that are done in one place: when each is due, and which entry of the mix it is. */
export class Starts {
  readonly #arrivals: Arrivals;
  readonly #choose: Choose;
  readonly #seed: number;
  readonly #weights: readonly number[];
  readonly #rows: RowsOfStarts | undefined;
  readonly #recorded: RecordedMix | null;
  #mix: DealtMix;
  /** Number in the plan of the first start that has no row any more. */
  #endNumber = Number.POSITIVE_INFINITY;
  /** Mixes that begin later than the next start. */
  readonly #later: { readonly startsBefore: number; readonly weights: readonly number[] }[] = [];

  constructor(options: StartsOptions) {
    const { timeline, arrival, choose, seed, deal, weights, rows, recorded = null } = options;
    const { startsBefore, regime } = timeline;
    this.#arrivals = createArrivals(timeline, arrival, seed, timeline.endMs, deal, startsBefore);
    this.#choose = choose;
    this.#seed = seed;
    this.#weights = weights;
    this.#rows = rows;
    this.#recorded = recorded === null ? null : new RecordedMix(recorded, timeline);
    this.#mix = this.#dealtMix(regime.weights ?? weights, startsAt(startsBefore, arrival), null);
  }

  /** True when no row is left for a start of its own. */
  get isOutOfRows(): boolean {
    if (this.#later.length > 0) this.#changeMix();
    return this.#arrivals.nextNumber >= this.#endNumber;
  }

  /** How many starts up to now took a row of a data. */
  takenOf(data: number): number {
    return this.#mix.takenOf(data);
  }

  /** Of the start that was taken last: how many starts before it took a row of the same data. */
  get ordinal(): number {
    return this.#mix.ordinal;
  }

  /** Elapsed milliseconds when the next start is due; Infinity when there is none. */
  get nextMs(): number {
    return this.#rows !== undefined && this.isOutOfRows
      ? Number.POSITIVE_INFINITY
      : this.#arrivals.nextMs;
  }

  /** Its number in the plan, from 0. */
  get nextNumber(): number {
    return this.#arrivals.nextNumber;
  }

  /** Takes the next start: the place of its entry in the mix. Allocates nothing. */
  take(): number {
    if (this.#later.length > 0) this.#changeMix();
    const entry = this.#mix.entryOf(this.#arrivals.nextNumber);
    this.#arrivals.advance();
    return entry;
  }

  /** Goes on with a timeline that is the old one, changed. */
  follow(timeline: Timeline): void {
    this.#arrivals.follow(timeline, timeline.endMs);
    if (this.#recorded !== null) this.#recorded.timeline = timeline;
    const weights = timeline.regime.weights ?? this.#weights;
    const last = this.#later.at(-1)?.weights ?? this.#mix.weights;
    // What stays goes on where it is: only another mix begins anew.
    if (weights.some((weight, entry) => weight !== last[entry])) {
      this.#later.push({ startsBefore: timeline.startsBefore, weights });
    }
  }

  #dealtMix(weights: readonly number[], first: number, last: DealtMix | null): DealtMix {
    const rows = this.#rows;
    const mix =
      this.#recorded?.from(first) ??
      mixOf(this.#choose, weights, seedOf(`mix ${first}`, this.#seed));
    if (rows === undefined) return new DealtMix(mix, weights, first, null, null);
    const taken = last?.takenBefore(first) ?? takenRows(rows, weights, first);
    const ends = rows.most.map((most, data) => {
      if (most === Number.POSITIVE_INFINITY) return most;
      const left = Math.max(0, most - taken[data]!);
      return first + startAfter(weights, (entry) => rows.dataOf[entry] === data, left);
    });
    this.#endNumber = Math.min(...ends);
    return new DealtMix(mix, weights, first, rows.dataOf, taken);
  }

  /** Every start beyond the N at which a mix begins is one of its own, in all threads. */
  #changeMix(): void {
    for (const { startsBefore, weights } of [...this.#later]) {
      const first = this.#arrivals.firstAfter(startsBefore);
      if (first === null || first > this.#arrivals.nextNumber) return;
      this.#mix = this.#dealtMix(weights, first, this.#mix);
      this.#later.shift();
    }
  }
}

/** The entries that a recording names, start by start of the plan's profile, whatever was ordered meanwhile. */
class RecordedMix implements Mix {
  timeline: Timeline;
  readonly #kindOf: Uint16Array;
  readonly #loop: boolean;
  #next = 0;

  constructor({ kindOf, loop }: RecordedStarts, timeline: Timeline) {
    this.#kindOf = new Uint16Array(kindOf);
    this.#loop = loop;
    this.timeline = timeline;
  }

  /** The start that it deals out next, by its number. */
  from(number: number): this {
    this.#next = number;
    return this;
  }

  take(): number {
    this.#next++;
    const planned = Math.ceil(nearlyWhole(this.timeline.plannedStarts(this.#next))) - 1;
    const { length } = this.#kindOf;
    // A rate that was ordered may go on behind the last one.
    return this.#kindOf[
      this.#loop ? Math.max(0, planned) % length : clamp(planned, 0, length - 1)
    ]!;
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** Entry by entry, as numbers: rows that were taken of each data before the start number `first`. */
function takenRows({ dataOf, most }: RowsOfStarts, weights: readonly number[], first: number) {
  const taken = new Float64Array(most.length);
  for (const [entry, count] of countShares(weights, first).entries()) {
    const data = dataOf[entry]!;
    if (data >= 0) taken[data]! += count;
  }
  return taken;
}

/** A mix of which only the starts of a deal are taken: the others are dealt out unseen. */
class DealtMix {
  readonly weights: readonly number[];
  /** Of the start that was dealt out last. */
  ordinal = 0;
  readonly #mix: Mix;
  readonly #dataOf: readonly number[] | null;
  readonly #taken: Float64Array | null;
  /** The number in the plan of the start that the mix deals out next. */
  #next: number;

  /** `taken`: of each data the rows that were taken before. */
  constructor(
    mix: Mix,
    weights: readonly number[],
    first: number,
    dataOf: readonly number[] | null,
    taken: Float64Array | null,
  ) {
    this.weights = weights;
    this.#mix = mix;
    this.#dataOf = dataOf;
    this.#taken = taken;
    this.#next = first;
  }

  entryOf(number: number): number {
    this.#passTo(number);
    this.#next++;
    return this.#takeOne();
  }

  takenOf(data: number): number {
    return this.#taken?.[data] ?? 0;
  }

  /** Rows that are taken of each data by the starts before a number. */
  takenBefore(number: number): Float64Array {
    this.#passTo(number);
    return Float64Array.from(this.#taken!);
  }

  #passTo(number: number): void {
    for (; this.#next < number; this.#next++) this.#takeOne();
  }

  #takeOne(): number {
    const entry = this.#mix.take();
    if (this.#dataOf === null) return entry;
    const data = this.#dataOf[entry]!;
    if (data >= 0) this.ordinal = this.#taken![data]!++;
    return entry;
  }
}
