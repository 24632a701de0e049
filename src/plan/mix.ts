import { createRandom } from "./random.js";

/** Deals starts out to the entries of a mix. */
export interface Mix {
  /** The index of the entry that the next start belongs to. */
  take(): number;
}

/**
 * Interleaves the entries of a mix exactly: after any number n of starts, each entry has had
 * n w / W of them, off by less than 1 (W = sum of the weights w). Deterministic.
 *
 * This is Tijdeman's chairman assignment problem (R. Tijdeman, Discrete Mathematics 32, 1980), dealt
 * by earliest deadline. "Off by less than 1" gives start number x + 1 of an entry a window: not
 * before n > x W / w (or the entry is 1 ahead), and by n ≥ (x + 1) W / w (or it is 1 behind).
 * Unit jobs with whole windows on one machine: if they can all be met, earliest deadline first meets
 * them, and Tijdeman showed that they can.
 *
 * With whole weights, `lag` = n w - x W is a whole number below W, and both ends of the window are
 * read off it: open when lag > 0, closing in ⌈(W - lag) / w⌉ starts. Nothing grows with n.
 *
 * @param weights at least one above 0; an entry of weight 0 is never taken. Decimal weights are
 * exact; others (1/3) to 15 digits.
 * @throws RangeError when a weight is negative or not finite, or when none is above 0
 */
export function createMix(weights: readonly number[]): Mix {
  const { whole, total } = wholeWeights(weights);
  const dealer = new Dealer(whole, total);
  if (total > LONGEST_CYCLE) return dealer;
  return new CycleOf(Uint32Array.from({ length: total }, () => dealer.take()));
}

/** How the entries of a mix are dealt out: interleaved exactly, or each drawn with the probability of its weight. */
export type Choose = "exact" | "random";

/** @param seed for `random`, an integer from 0 to 2^32 - 1 */
export function mixOf(choose: Choose, weights: readonly number[], seed: number): Mix {
  return choose === "exact" ? createMix(weights) : createRandomMix(weights, createRandom(seed));
}

/**
 * Draws each start's entry by itself.
 *
 * @param weights and errors as of `createMix`
 */
function createRandomMix(weights: readonly number[], random: () => number): Mix {
  const { whole, total } = wholeWeights(weights);
  let sum = 0;
  const upTo = whole.map((weight) => {
    sum += weight;
    return sum;
  });
  return {
    take() {
      const drawn = random() * total;
      let low = 0;
      let high = upTo.length - 1;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (drawn < upTo[middle]!) high = middle;
        else low = middle + 1;
      }
      return low;
    },
  };
}

/**
 * How many of the first `starts` starts go to each entry.
 * The numbers that `createMix` deals out (of a mix that is drawn, what is expected), except that a mix with a cycle of more than 65,536 starts
 * is rounded (off by less than 1, the sum still right).
 */
export function countShares(weights: readonly number[], starts: number): number[] {
  const { whole, total } = wholeWeights(weights);
  const cycles = total > LONGEST_CYCLE ? 0 : Math.floor(starts / total);
  const rest = starts - cycles * total;
  if (total > LONGEST_CYCLE && rest > LONGEST_CYCLE) return roundedShares(whole, total, starts);
  const counts = whole.map((weight) => weight * cycles);
  const dealer = new Dealer(whole, total);
  for (let start = 0; start < rest; start++) counts[dealer.take()]! += 1;
  return counts;
}

/**
 * The number, from 0, of the start that is the one after `count` starts of the entries that `isCounted`, when a mix
 * deals from its beginning; Infinity when it never comes.
 */
export function startAfter(
  weights: readonly number[],
  isCounted: (entry: number) => boolean,
  count: number,
): number {
  const { whole, total } = wholeWeights(weights);
  const inCycle = whole.reduce((sum, weight, entry) => sum + (isCounted(entry) ? weight : 0), 0);
  if (inCycle === 0) return Number.POSITIVE_INFINITY;
  const cycles = total > LONGEST_CYCLE ? 0 : Math.floor(count / inCycle);
  const dealer = new Dealer(whole, total);
  let left = count - cycles * inCycle;
  for (let number = cycles * total; ; number++) {
    if (!isCounted(dealer.take())) continue;
    if (left === 0) return number;
    left--;
  }
}

/** Longer cycles are dealt out as they go: the table would cost more memory than it saves time. */
const LONGEST_CYCLE = 65_536;

class Dealer implements Mix {
  readonly #weights: Float64Array;
  readonly #total: number;
  readonly #lags: Float64Array;

  constructor(weights: readonly number[], total: number) {
    this.#weights = Float64Array.from(weights);
    this.#total = total;
    this.#lags = new Float64Array(weights.length);
  }

  take(): number {
    const weights = this.#weights;
    const lags = this.#lags;
    let chosen = -1;
    let earliest = Infinity;
    let furthest = 0;
    for (let entry = 0; entry < lags.length; entry++) {
      const weight = weights[entry]!;
      const lag = lags[entry]! + weight;
      lags[entry] = lag;
      if (lag <= 0) continue;
      const deadline = Math.ceil((this.#total - lag) / weight);
      // Of equal deadlines the one that is furthest behind, so that mixes are off by little.
      if (deadline < earliest || (deadline === earliest && lag > furthest)) {
        furthest = lag;
        earliest = deadline;
        chosen = entry;
      }
    }
    lags[chosen]! -= this.#total;
    return chosen;
  }
}

class CycleOf implements Mix {
  readonly #entries: Uint32Array;
  #next = 0;

  constructor(entries: Uint32Array) {
    this.#entries = entries;
  }

  take(): number {
    const entry = this.#entries[this.#next]!;
    this.#next = this.#next + 1 === this.#entries.length ? 0 : this.#next + 1;
    return entry;
  }
}

/** Whole numbers in the ratio of the weights, without a common divisor. */
function wholeWeights(weights: readonly number[]): { whole: number[]; total: number } {
  for (const weight of weights) {
    if (!(weight >= 0 && weight < Infinity)) {
      throw new RangeError(`A weight must be finite and not negative, not ${weight}`);
    }
  }
  const largest = Math.max(0, ...weights);
  if (largest === 0) throw new RangeError("A mix must have an entry with a weight above 0");
  const scaled = scaledByTen(weights) ?? scaledByTwo(weights, largest);
  const divisor = scaled.reduce(greatestCommonDivisor);
  const whole = scaled.map((weight) => weight / divisor);
  return { whole, total: whole.reduce((sum, weight) => sum + weight) };
}

/** 0.1 and 0.25 are 10 and 25: decimal weights as they were meant, not as binary fractions. */
function scaledByTen(weights: readonly number[]): number[] | undefined {
  for (let factor = 1; factor <= 1e9; factor *= 10) {
    const scaled = weights.map((weight) => Math.round(weight * factor));
    const isExact = scaled.every((weight, entry) => weight / factor === weights[entry]);
    if (isExact && scaled.reduce((sum, weight) => sum + weight) < LARGEST_TOTAL) return scaled;
  }
  return undefined;
}

function scaledByTwo(weights: readonly number[], largest: number): number[] {
  const factor = LARGEST_TOTAL / 2 / weights.length / largest;
  return weights.map((weight) => Math.round(weight * factor));
}

/** Below this the lags, their sums and the rounded-up quotients of them are exact in a double. */
const LARGEST_TOTAL = 2 ** 51;

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Largest remainders (Hamilton's method). */
function roundedShares(weights: readonly number[], total: number, starts: number): number[] {
  const exact = weights.map((weight) => (weight / total) * starts);
  const counts = exact.map(Math.floor);
  const left = starts - counts.reduce((sum, count) => sum + count);
  const byRemainder = exact
    .map((value, entry) => ({ entry, remainder: value - Math.floor(value) }))
    .sort((one, other) => other.remainder - one.remainder);
  for (const { entry } of byRemainder.slice(0, left)) counts[entry]! += 1;
  return counts;
}
