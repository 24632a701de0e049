/** How long the fake worker holds a task before it answers. */
export interface Hold {
  /** Milliseconds for the next task; the same series in every run. */
  next(): number;
  /** All tasks are held equally long, so that a batch can be answered together. */
  readonly isEven: boolean;
}

/** Below this share of tasks the times of `pareto` are cut off: 1 s at most with 5 ms. */
const LONGEST_SHARE = 1 / 40_000;

/**
 * - `20`: each for 20 ms; `0` at once.
 * - `pareto:5`: from 5 ms up with a long tail: the median is 7, one in a hundred takes 50, one in a
 *   thousand 158 ms. Percentiles of it differ from each other by far more than a measuring error.
 */
export function holdOf(text: string): Hold {
  const [first, second] = text.split(":") as [string, string?];
  if (second === undefined) return { next: () => Number(first), isEven: true };
  const leastMs = Number(second);
  // Steps of the golden ratio fill the interval evenly, without chance.
  let at = 0;
  return {
    next() {
      at = (at + 0.6180339887498949) % 1;
      return leastMs / Math.sqrt(Math.max(at, LONGEST_SHARE));
    },
    isEven: false,
  };
}
