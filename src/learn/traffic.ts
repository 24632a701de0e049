/**
 * What is known of a deployment's traffic: how many tasks of which name went to which queue, when, and how long they
 * ran. Names and numbers only. What a task was called with is not in here, and no reader keeps it.
 */
export interface Traffic {
  /** What it was learned from, in words: `celery-exporter in Prometheus`. */
  readonly source: string;
  /** Unix time at which the first step begins. */
  readonly fromUnixMs: number;
  readonly stepMs: number;
  /** Whether it is known what was sent in each step. */
  readonly isKnown: readonly boolean[];
  /** At least one that was sent. */
  readonly tasks: readonly TaskTraffic[];
  /** How unevenly tasks follow one another, at each scale that is known. */
  readonly dispersions: readonly Dispersion[];
  /** When each task was sent, Unix milliseconds, ascending; null where only counts are known. */
  readonly timesUnixMs: Float64Array | null;
  /** What is to be known of it, in sentences. */
  readonly remarks: readonly string[];
}

/** One name on one queue. */
export interface TaskTraffic {
  readonly name: string;
  /** Null: not told. */
  readonly queue: string | null;
  /** Sent in each step; 0 where it is not known. */
  readonly counts: ArrayLike<number>;
  /** Null: not told. */
  readonly runTimes: RunTimes | null;
}

/** Quantiles of the run time of those that succeeded, in seconds. */
export interface RunTimes {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** The index of dispersion (variance ÷ mean of counts) in windows of a length: 0 even, 1 Poisson, n bursts of n. */
export interface Dispersion {
  readonly seconds: number;
  readonly index: number;
  /** The mean number of tasks in a window. */
  readonly mean: number;
}

/** How many of each task were sent in all, in the order of the tasks. */
export function totalsOf({ tasks }: Pick<Traffic, "tasks">): number[] {
  return tasks.map(({ counts }) => sum(counts));
}

/** What was sent in each step, of all tasks. */
export function countsOf({ tasks, isKnown }: Pick<Traffic, "tasks" | "isKnown">): Float64Array {
  const all = new Float64Array(isKnown.length);
  for (const { counts } of tasks) {
    for (let step = 0; step < all.length; step++) all[step]! += counts[step]!;
  }
  return all;
}

export function sum(numbers: ArrayLike<number>): number {
  let total = 0;
  for (let index = 0; index < numbers.length; index++) total += numbers[index]!;
  return total;
}
