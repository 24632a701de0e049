/** A value of something that is watched, at a time in milliseconds. */
export interface Point {
  readonly atMs: number;
  readonly value: number;
}

export interface Drift {
  /** Theil-Sen slope: the median of the slopes between all pairs of points (Sen 1968). */
  readonly perHour: number;
  /** Whether chance would hardly make such a slope; docs/drift.md says how hardly. */
  readonly isSignificant: boolean;
}

/** What is watched, docs/drift.md says what each is and in which unit. */
export const WATCHED = [
  "latency_p50",
  "latency_p99",
  "rate",
  "retries",
  "queue_length",
  "worker_pool_size",
  "result_backend_memory",
  "resident_memory",
] as const;

/** The drift of one thing; its labels say of which task, connection or queue. */
export interface WatchedDrift extends Drift {
  readonly what: (typeof WATCHED)[number];
  readonly labels: Readonly<Partial<Record<"task" | "connection" | "queue", string>>>;
}

/** With fewer points nothing is said. */
export const MIN_POINTS = 20;
/** Two-sided level of 0.01 % of the normal distribution: a window is judged anew with each point. */
const TREND_LEVEL = 3.89;
/** The same of Student's t with MIN_POINTS - 2 degrees of freedom, the fewest that there are. */
const STEPS_LEVEL = 4.97;
const HOUR_MS = 3_600_000;

/**
 * The slope of a series in the order of time, and whether it is more than chance. Two tests, either of which
 * is enough; each asks about another kind of chance:
 *
 * - noise around a level, each point more or less like the one before: the Mann-Kendall test (1945, 1975),
 *   with the variance that such noise has (Yue & Wang 2004)
 * - a random walk, which wanders off without any direction: is the mean step other than 0?
 *
 * Null when there are too few points.
 */
export function driftOf(points: readonly Point[]): Drift | null {
  if (points.length < MIN_POINTS) return null;
  const slope = senSlope(points);
  return {
    perHour: slope * HOUR_MS,
    isSignificant: isTrend(points, slope) || isDirected(points),
  };
}

/** A millisecond. */
function senSlope(points: readonly Point[]): number {
  const slopes = new Float64Array((points.length * (points.length - 1)) / 2);
  let pair = 0;
  for (const [index, { atMs, value }] of points.entries()) {
    for (const earlier of points.slice(0, index)) {
      slopes[pair++] = (value - earlier.value) / (atMs - earlier.atMs);
    }
  }
  slopes.sort();
  const middle = slopes.length / 2;
  return (slopes[Math.floor(middle - 0.5)]! + slopes[Math.floor(middle)]!) / 2;
}

/** Mann-Kendall: do later values exceed earlier ones more often than noise of this kind does? */
function isTrend(points: readonly Point[], slope: number): boolean {
  const values = points.map(({ value }) => value);
  let score = 0;
  for (const [index, value] of values.entries()) {
    for (const earlier of values.slice(0, index)) score += Math.sign(value - earlier);
  }
  const rest = ranks(points.map(({ atMs, value }) => value - slope * (atMs - points[0]!.atMs)));
  const variance = scoreVariance(values) * inflation(correlation(rest), values.length);
  // Kendall's correction for continuity.
  return variance > 0 && Math.max(0, Math.abs(score) - 1) / Math.sqrt(variance) > TREND_LEVEL;
}

/** Of independent values; ties lessen it (Kendall 1975). */
function scoreVariance(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const term = (count: number) => count * (count - 1) * (2 * count + 5);
  const ties = [...counts.values()].reduce((sum, count) => sum + term(count), 0);
  return (term(values.length) - ties) / 18;
}

/** How much larger the variance is when each value resembles the one before by so much. */
function inflation(resemblance: number, count: number): number {
  let sum = 1;
  for (let lag = 1; lag < count; lag++) sum += 2 * (1 - lag / count) * resemblance ** lag;
  return sum;
}

/**
 * Correlation of each value with the one before. What is computed from few values is too low, by
 * (2 + 4ρ) / n when a line was taken away from them, and uncertain: that is made good, and one standard error
 * is put on top, so that what happens by chance is rather called chance.
 */
function correlation(values: readonly number[]): number {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  let variance = 0;
  let covariance = 0;
  for (const [index, value] of values.entries()) {
    variance += (value - mean) ** 2;
    if (index > 0) covariance += (value - mean) * (values[index - 1]! - mean);
  }
  if (variance === 0) return 0;
  const unbiased = Math.min(1, ((count * covariance) / variance + 2) / (count - 4));
  const error = Math.sqrt((1 - unbiased ** 2) / count);
  return Math.min(1, Math.max(0, unbiased + error));
}

/** Ties have the mean of their ranks. */
function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    let below = 0;
    let same = 0;
    for (const other of values) {
      if (other < value) below++;
      else if (other === value) same++;
    }
    return below + (same - 1) / 2;
  });
}

/** Student's t of the steps from point to point. */
function isDirected(points: readonly Point[]): boolean {
  const steps = points.slice(1).map(({ value }, index) => value - points[index]!.value);
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
  const variance =
    steps.reduce((sum, step) => sum + (step - mean) ** 2, 0) / (steps.length - 1) / steps.length;
  return mean !== 0 && Math.abs(mean) > STEPS_LEVEL * Math.sqrt(variance);
}
