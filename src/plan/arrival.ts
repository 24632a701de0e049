import type { Curve } from "./piecewise-linear.js";
import { createRandom } from "./random.js";
import { ALL_STARTS, type Deal, numberOf, takenBefore } from "./share.js";

/** How starts follow one another at a rate. */
export type Arrival = "even" | "poisson" | { readonly burstOf: number };

/** How many starts are due when N is so much; of Poisson arrivals how many are expected. */
export function startsAt(n: number, arrival: Arrival): number {
  const size = burstSize(arrival);
  return Math.floor(n / size) * size;
}

function burstSize(arrival: Arrival): number {
  return typeof arrival === "string" ? 1 : arrival.burstOf;
}

/** When starts are due: a profile, or a timeline. */
type Due = Pick<Curve, "timeOf">;

/** The due times of one scenario's starts, in order, one at a time. */
export interface Arrivals {
  /** Elapsed milliseconds when the next start is due; Infinity when there is none up to the end. */
  readonly nextMs: number;
  /** Its number in the plan, from 0. */
  readonly nextNumber: number;
  /** Goes on to the start after that. Allocates nothing. */
  advance(): void;
  /** The plan has changed: the starts that are left are due when the new one says. */
  follow(due: Due, endMs: number): void;
  /**
   * The number of the first start that comes after N has reached so much; null when that is not known before the next
   * start, which comes earlier, is taken. For one N, in growing order, no start of which has been taken.
   */
  firstAfter(starts: number): number | null;
}

/**
 * Lists the starts of a profile up to and including `endMs`.
 *
 * - `even`: start number k (1, 2, …) is due where N reaches k.
 * - `burstOf` n: the starts up to number n k are due together where N reaches n k.
 * - `poisson`: an inhomogeneous Poisson process by change of time: the points of a Poisson process of
 *   rate 1 (its gaps are exponential with mean 1) are carried through the inverse of N. The number
 *   of starts between two times is then Poisson with mean N(later) - N(earlier).
 *
 * @param seed for `poisson`, an integer from 0 to 2^32 - 1
 * @param deal which of them: each is due when it is in the whole
 * @param startsBefore what N is at the beginning; the starts up to there have been in former lives
 */
export function createArrivals(
  due: Due,
  kind: Arrival,
  seed: number,
  endMs: number,
  deal: Deal = ALL_STARTS,
  startsBefore = 0,
): Arrivals {
  return kind === "poisson"
    ? new PoissonArrivals(due, createRandom(seed), endMs, deal, startsBefore)
    : new EvenArrivals(due, kind, endMs, deal, startsBefore);
}

class EvenArrivals implements Arrivals {
  readonly #deal: Deal;
  readonly #arrival: Arrival;
  /** Starts that are due together. */
  readonly #size: number;
  #due: Due;
  #endMs: number;
  #taken: number;
  nextMs = 0;
  nextNumber = 0;

  constructor(due: Due, arrival: Arrival, endMs: number, deal: Deal, startsBefore: number) {
    this.#due = due;
    this.#arrival = arrival;
    this.#size = burstSize(arrival);
    this.#endMs = endMs;
    this.#deal = deal;
    this.#taken = takenBefore(deal, this.firstAfter(startsBefore));
    this.advance();
  }

  advance(): void {
    this.nextNumber = numberOf(this.#deal, this.#taken++);
    this.nextMs = this.#dueMs();
  }

  follow(due: Due, endMs: number): void {
    this.#due = due;
    this.#endMs = endMs;
    this.nextMs = this.#dueMs();
  }

  firstAfter(starts: number): number {
    return startsAt(starts, this.#arrival);
  }

  #dueMs(): number {
    const together = (Math.floor(this.nextNumber / this.#size) + 1) * this.#size;
    return upTo(this.#endMs, this.#due.timeOf(together));
  }
}

class PoissonArrivals implements Arrivals {
  readonly #random: () => number;
  readonly #deal: Deal;
  #due: Due;
  #endMs: number;
  #taken: number;
  #drawn: number;
  /** Where N is when the starts are due that were drawn since the last one that is ours; that of the next is the last. */
  readonly #positions: number[] = [];
  #position: number;
  nextMs = 0;
  nextNumber = 0;

  constructor(due: Due, random: () => number, endMs: number, deal: Deal, startsBefore: number) {
    this.#due = due;
    this.#endMs = endMs;
    this.#random = random;
    this.#deal = deal;
    this.#drawn = Math.floor(startsBefore);
    this.#position = startsBefore;
    this.#taken = takenBefore(deal, this.#drawn);
    this.advance();
  }

  /** Those of the other threads are drawn as well: they are what the next one comes after. */
  advance(): void {
    this.nextNumber = numberOf(this.#deal, this.#taken++);
    this.#positions.length = 0;
    for (; this.#drawn <= this.nextNumber; this.#drawn++) {
      this.#position -= Math.log(1 - this.#random());
      this.#positions.push(this.#position);
    }
    // Of two starts at nearly the same moment, rounding may put the later one a bit before.
    this.nextMs = Math.max(this.nextMs, this.#dueMs());
  }

  follow(due: Due, endMs: number): void {
    this.#due = due;
    this.#endMs = endMs;
    this.nextMs = this.#dueMs();
  }

  firstAfter(starts: number): number | null {
    const place = this.#positions.findIndex((position) => position > starts);
    return place < 0 ? null : this.nextNumber - (this.#positions.length - 1 - place);
  }

  #dueMs(): number {
    return upTo(this.#endMs, this.#due.timeOf(this.#position));
  }
}

/** A start that only rounding puts behind the end (n × 1000 / rate, rate = 5/60) is still in. */
function upTo(endMs: number, dueMs: number): number {
  if (dueMs <= endMs) return dueMs;
  return dueMs - endMs <= 8 * Number.EPSILON * endMs ? endMs : Infinity;
}
