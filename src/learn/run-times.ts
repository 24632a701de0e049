import type { RunTimes } from "./traffic.js";

/** Neighbours differ by 4 %. */
const GROWTH = Math.log(1.04);

/** Run times of any number of tasks in a bounded space: the logarithm in steps of 4 %. */
export class RunTimeTally {
  readonly #counts = new Map<number, number>();
  #total = 0;

  add(seconds: number): void {
    const step = Math.round(Math.log(Math.max(seconds, 1e-4)) / GROWTH);
    this.#counts.set(step, (this.#counts.get(step) ?? 0) + 1);
    this.#total++;
  }

  /** Null where there was none. */
  quantiles(): RunTimes | null {
    if (this.#total === 0) return null;
    const steps = [...this.#counts].sort(([one], [other]) => one - other);
    const at = (share: number) => {
      let seen = 0;
      for (const [step, count] of steps) {
        seen += count;
        if (seen >= share * this.#total) return Math.exp(step * GROWTH);
      }
      return Math.exp(steps.at(-1)![0] * GROWTH);
    };
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
  }
}

/** A bucket of a Prometheus histogram: how many took at most so long. */
export interface Bucket {
  /** Seconds; Infinity for the last one. */
  readonly upTo: number;
  readonly count: number;
}

/** As Prometheus' `histogram_quantile`, in straight lines within a bucket. Null where nothing was counted. */
export function quantilesOfBuckets(given: readonly Bucket[]): RunTimes | null {
  const buckets = [...given].sort((one, other) => one.upTo - other.upTo);
  const total = buckets.at(-1)?.count ?? 0;
  if (!(total > 0)) return null;
  const at = (share: number) => {
    const rank = share * total;
    const found = buckets.findIndex(({ count }) => count >= rank);
    const { upTo, count } = buckets[found]!;
    const before = buckets[found - 1] ?? { upTo: 0, count: 0 };
    // Longer than the longest bucket: it is not known by how much.
    if (upTo === Number.POSITIVE_INFINITY) return before.upTo;
    return before.upTo + ((upTo - before.upTo) * (rank - before.count)) / (count - before.count);
  };
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}
