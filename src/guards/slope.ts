/** How steeply a series grows. */
export interface Slope {
  /** From one value to the next: by least squares. */
  readonly each: number;
  /** Half of the interval that holds the true one with 95 %. */
  readonly margin: number;
}

/** With fewer values nothing is said. */
export const MIN_VALUES = 6;

/**
 * The slope of values that are equally far apart; null when there are too few. What is not known is NaN and left out.
 *
 * Queues remember: each value resembles the one before, and ordinary least squares would take their wandering for a
 * trend. So the margin is that of as many independent values as they are worth, n (1 − r) / (1 + r), where r is the
 * correlation of what the line leaves with what it left before (Bayley & Hammersley 1946), made larger by its own
 * standard error.
 */
export function slopeOf(values: readonly number[]): Slope | null {
  const points = values.flatMap((y, x) => (Number.isNaN(y) ? [] : { x, y }));
  const count = points.length;
  if (count < MIN_VALUES) return null;
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / count;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spread = count * mean(({ x }) => (x - meanX) ** 2);
  const each = (count * mean(({ x, y }) => (x - meanX) * (y - meanY))) / spread;
  const rest = points.map(({ x, y }) => y - meanY - each * (x - meanX));
  const squares = rest.reduce((sum, value) => sum + value ** 2, 0);
  if (squares === 0) return { each, margin: 0 };
  const worth = Math.max(3, effectiveCount(rest, squares));
  const error = Math.sqrt(squares / (worth - 2) / spread);
  return { each, margin: studentT95(worth - 2) * error };
}

function effectiveCount(rest: readonly number[], squares: number): number {
  const count = rest.length;
  const products = rest.slice(1).reduce((sum, value, index) => sum + value * rest[index]!, 0);
  // Of so few values the correlation comes out too low (Kendall 1954), and a line has been taken away.
  const raw = products / squares;
  const unbiased = Math.min(0.95, raw + (1 + 4 * Math.max(0, raw)) / count);
  const resemblance = Math.min(
    0.95,
    Math.max(0, unbiased + Math.sqrt((1 - unbiased ** 2) / count)),
  );
  return (count * (1 - resemblance)) / (1 + resemblance);
}

/** The 97.5 % point of Student's t, by the expansion of Cornish and Fisher; exact where it matters most, below 2. */
function studentT95(freedom: number): number {
  if (freedom <= 2) return freedom <= 1 ? 12.71 : 12.71 + (freedom - 1) * (4.303 - 12.71);
  const z = 1.95996;
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
  ];
  return terms.reduce((sum, term, index) => sum + term / freedom ** (index + 1), z);
}
