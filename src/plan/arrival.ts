import type { Profile } from "./profile.js";
import { createRandom } from "./random.js";
import { ALL_STARTS, type Deal, numberOf } from "./share.js";

/** The due times of one scenario's starts, in order, one at a time. */
export interface Arrivals {
  /** Elapsed milliseconds when the next start is due; Infinity when there is none up to the end. */
  readonly nextMs: number;
  /** Goes on to the start after that. Allocates nothing. */
  advance(): void;
}

/**
 * Lists the starts of a profile up to and including `endMs`.
 *
 * - `even`: start number k (1, 2, …) is due where N reaches k.
 * - `poisson`: an inhomogeneous Poisson process by change of time: the points of a Poisson process of
 *   rate 1 (its gaps are exponential with mean 1) are carried through the inverse of N. The number
 *   of starts between two times is then Poisson with mean N(later) - N(earlier).
 *
 * @param seed for `poisson`, an integer from 0 to 2^32 - 1
 * @param deal which of them: each is due when it is in the whole
 */
export function createArrivals(
  profile: Profile,
  kind: "even" | "poisson",
  seed: number,
  endMs: number,
  deal: Deal = ALL_STARTS,
): Arrivals {
  return kind === "even"
    ? new EvenArrivals(profile, endMs, deal)
    : new PoissonArrivals(profile, createRandom(seed), endMs, deal);
}

class EvenArrivals implements Arrivals {
  readonly #profile: Profile;
  readonly #endMs: number;
  readonly #deal: Deal;
  #taken = 0;
  nextMs = 0;

  constructor(profile: Profile, endMs: number, deal: Deal) {
    this.#profile = profile;
    this.#endMs = endMs;
    this.#deal = deal;
    this.advance();
  }

  advance(): void {
    const started = numberOf(this.#deal, this.#taken++) + 1;
    this.nextMs = upTo(this.#endMs, this.#profile.timeOf(started));
  }
}

class PoissonArrivals implements Arrivals {
  readonly #profile: Profile;
  readonly #endMs: number;
  readonly #random: () => number;
  readonly #deal: Deal;
  #taken = 0;
  #drawn = 0;
  #expectedStarts = 0;
  nextMs = 0;

  constructor(profile: Profile, random: () => number, endMs: number, deal: Deal) {
    this.#profile = profile;
    this.#endMs = endMs;
    this.#random = random;
    this.#deal = deal;
    this.advance();
  }

  /** Those of the other threads are drawn as well: they are what the next one comes after. */
  advance(): void {
    const number = numberOf(this.#deal, this.#taken++);
    while (this.#drawn <= number) this.#draw();
  }

  #draw(): void {
    this.#drawn++;
    this.#expectedStarts -= Math.log(1 - this.#random());
    const dueMs = upTo(this.#endMs, this.#profile.timeOf(this.#expectedStarts));
    // Of two starts at nearly the same moment, rounding may put the later one a bit before.
    this.nextMs = Math.max(this.nextMs, dueMs);
  }
}

/** A start that only rounding puts behind the end (n × 1000 / rate, rate = 5/60) is still in. */
function upTo(endMs: number, dueMs: number): number {
  if (dueMs <= endMs) return dueMs;
  return dueMs - endMs <= 8 * Number.EPSILON * endMs ? endMs : Infinity;
}
