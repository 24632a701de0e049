/** A rate that goes in a straight line from one value to another (starts a second, milliseconds). */
export interface RateLine {
  readonly fromPerSecond: number;
  readonly toPerSecond: number;
  /** 0 is a jump; Infinity is legal for a single segment that holds its rate. */
  readonly durationMs: number;
}

/**
 * The starts of a rate over time. Pure: it knows elapsed active time, not the clock.
 * Times before 0 count as 0.
 */
export interface Curve {
  /** N(t): the cumulative expected number of starts, real-valued, never decreasing. */
  startsBy(elapsedMs: number): number;
  /** N'(t) in starts a second; at the border of two stages the rate of the later one, 0 from the end on. */
  rateAt(elapsedMs: number): number;
  /**
   * The earliest elapsed time in milliseconds at which N reaches n; Infinity when it never does.
   * Border times are exact: where a stage ends with n starts in all, `timeOf(n)` is its end.
   */
  timeOf(n: number): number;
  /** Where the rate ends by itself; Infinity for a constant one and for cycles. */
  readonly endMs: number;
  /** The stage at that time and how long it still lasts; the last one with 0 after the end. */
  stageAt(elapsedMs: number): { index: number; remainingMs: number };
  /**
   * The stage that a start belongs to which is due at that time, and until when (inclusive) it is so: at the border
   * of two stages a start is the last one of the earlier stage. Exact for the times of `timeOf`.
   */
  stageOfStart(dueMs: number): { index: number; untilMs: number };
}

/**
 * The curve whose rate is the given straight lines one after the other, once or for ever.
 *
 * One segment: the rate goes from a to b (starts a second) over d milliseconds. u ms into it
 *
 *     rate(u) = a + (b - a) u / d
 *     starts(u) = ∫ rate = u (a + rate(u)) / 2000          (area of a trapezium; 1000 ms a second)
 *     A = starts(d) = d (a + b) / 2000                     (the whole segment)
 *     starts(u) = A - (d - u) (rate(u) + b) / 2000         (the same, counted from the end)
 *
 * Growing rates use the first form, falling ones the last: each of their floating-point steps then
 * goes one way as u grows, and rounding keeps order, so that N never decreases, not by one bit.
 *
 * Its inverse: x starts into the segment, (b - a)/(2d) u² + a u - 1000 x = 0. The usual root
 * subtracts two nearly equal numbers when b is near a, and divides by zero when they are equal;
 * multiplied by its conjugate it is
 *
 *     u = 2000 x / (a + √D),   D = a² + 2000 (b - a) x / d = rate(u)²
 *
 * For a falling rate D would subtract, badly so near b = 0; counted from the end it adds:
 * D = b² + 2000 (a - b) (A - x) / d. With a = b this is u = 1000 x / a.
 *
 * Cycles: with C starts and T ms a cycle, N(t) = C ⌊t/T⌋ + N(t mod T): nothing accumulates, so that
 * integer C and T stay exact for as long as doubles count integers.
 *
 * @throws RangeError for what `createProfile` names
 */
export function createPiecewiseLinear(segments: readonly RateLine[], repeat: boolean): Curve {
  refuseWhatHasNoMeaning(segments, repeat);
  const only = segments[0]!;
  if (only.durationMs === Infinity) return constant(only.fromPerSecond);
  return repeat ? repeated(once(segments)) : once(segments);
}

function refuseWhatHasNoMeaning(segments: readonly RateLine[], repeat: boolean): void {
  if (segments.length === 0) throw new RangeError("A profile must have at least one stage");
  let cycleMs = 0;
  for (const { fromPerSecond, toPerSecond, durationMs } of segments) {
    for (const ratePerSecond of [fromPerSecond, toPerSecond]) {
      if (!(ratePerSecond >= 0 && ratePerSecond < Infinity)) {
        throw new RangeError(`A rate must be finite and not negative, not ${ratePerSecond}/s`);
      }
    }
    const isEndlessHold = segments.length === 1 && !repeat && fromPerSecond === toPerSecond;
    if (!(durationMs >= 0 && (durationMs < Infinity || isEndlessHold))) {
      throw new RangeError(`A stage's duration must be finite and not negative: ${durationMs} ms`);
    }
    cycleMs += durationMs;
  }
  if (repeat && cycleMs === 0) throw new RangeError("A cycle of 0 ms cannot be repeated");
}

function constant(ratePerSecond: number): Curve {
  return {
    startsBy: (elapsedMs) => (elapsedMs > 0 ? (ratePerSecond * elapsedMs) / 1000 : 0),
    rateAt: () => ratePerSecond,
    timeOf: (n) => (n > 0 ? (n * 1000) / ratePerSecond : 0),
    endMs: Infinity,
    stageAt: () => ({ index: 0, remainingMs: Infinity }),
    stageOfStart: () => ({ index: 0, untilMs: Infinity }),
  };
}

/** A curve that ends, with what its repetition needs to know. */
interface Once extends Curve {
  readonly totalStarts: number;
  /** `timeOf`, where n is known but for ± slack: at a border, the border is meant. */
  timeAround(n: number, slack: number): number;
  /** `stageOfStart` of a cycle that begins at `fromMs`. */
  stageOfStartFrom(fromMs: number, dueMs: number): { index: number; untilMs: number };
}

function once(segments: readonly RateLine[]): Once {
  const last = segments.length - 1;
  // Borders, one more than segments: where segment i begins, and how many starts there were by then.
  const borderMs = new Float64Array(segments.length + 1);
  const borderStarts = new Float64Array(segments.length + 1);
  for (const [index, segment] of segments.entries()) {
    borderMs[index + 1] = borderMs[index]! + segment.durationMs;
    borderStarts[index + 1] = nearlyWhole(borderStarts[index]! + areaOf(segment));
  }
  const endMs = borderMs[last + 1]!;
  const totalStarts = borderStarts[last + 1]!;

  const segmentAt = (elapsedMs: number) => {
    // The last segment that begins by then: at a border the later one, and never one of 0 ms.
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (borderMs[middle]! <= elapsedMs) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  const segmentOfStart = (n: number, slack: number) => {
    // The first segment that ends with n starts or more: the earliest time, past none of rate 0.
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (borderStarts[middle + 1]! >= n - slack) high = middle;
      else low = middle + 1;
    }
    return low;
  };

  const timeAround = (n: number, slack: number) => {
    if (!(n > 0)) return 0;
    if (n - slack > totalStarts) return Infinity;
    const index = segmentOfStart(n, slack);
    if (borderStarts[index + 1]! - n <= slack) return borderMs[index + 1]!;
    const intoMs = timeInto(segments[index]!, n - borderStarts[index]!);
    return Math.min(borderMs[index]! + intoMs, borderMs[index + 1]!);
  };

  const stageOfStartFrom = (fromMs: number, dueMs: number) => {
    // The first segment that ends then or later. Both times are sums of the same two numbers: no rounding
    // comes between them.
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (fromMs + borderMs[middle + 1]! >= dueMs) high = middle;
      else low = middle + 1;
    }
    return { index: low, untilMs: fromMs + borderMs[low + 1]! };
  };

  return {
    startsBy(elapsedMs) {
      if (!(elapsedMs > 0)) return 0;
      if (elapsedMs >= endMs) return totalStarts;
      const index = segmentAt(elapsedMs);
      const inside = startsInto(segments[index]!, elapsedMs - borderMs[index]!);
      return Math.min(borderStarts[index]! + inside, borderStarts[index + 1]!);
    },
    rateAt(elapsedMs) {
      const sinceStartMs = Math.max(0, elapsedMs);
      if (sinceStartMs >= endMs) return 0;
      const index = segmentAt(sinceStartMs);
      return rateInto(segments[index]!, sinceStartMs - borderMs[index]!);
    },
    timeOf: (n) => timeAround(n, ROUNDING * n),
    timeAround,
    endMs,
    totalStarts,
    stageAt(elapsedMs) {
      const sinceStartMs = Math.max(0, elapsedMs);
      if (sinceStartMs >= endMs) return { index: last, remainingMs: 0 };
      const index = segmentAt(sinceStartMs);
      return { index, remainingMs: borderMs[index + 1]! - sinceStartMs };
    },
    stageOfStart: (dueMs) => stageOfStartFrom(0, dueMs),
    stageOfStartFrom,
  };
}

function repeated(cycle: Once): Curve {
  const { endMs: cycleMs, totalStarts: cycleStarts } = cycle;

  /** The number of whole cycles before `elapsedMs`; the division may be off by one bit at a border. */
  const cyclesBefore = (elapsedMs: number) => {
    if (!(elapsedMs > 0)) return 0;
    const cycles = Math.floor(elapsedMs / cycleMs);
    if (cycles * cycleMs > elapsedMs) return cycles - 1;
    return (cycles + 1) * cycleMs <= elapsedMs ? cycles + 1 : cycles;
  };

  return {
    startsBy(elapsedMs) {
      const cycles = cyclesBefore(elapsedMs);
      const inside = cycle.startsBy(elapsedMs - cycles * cycleMs);
      return Math.min(cycles * cycleStarts + inside, (cycles + 1) * cycleStarts);
    },
    rateAt(elapsedMs) {
      return cycle.rateAt(elapsedMs - cyclesBefore(elapsedMs) * cycleMs);
    },
    timeOf(n) {
      if (!(n > 0)) return 0;
      if (cycleStarts === 0) return Infinity;
      // A start at the border of two cycles belongs to the earlier one.
      const cycles = Math.ceil(nearlyWhole(n / cycleStarts)) - 1;
      const inside = Math.min(n - cycles * cycleStarts, cycleStarts);
      return cycles * cycleMs + cycle.timeAround(inside, ROUNDING * n);
    },
    endMs: Infinity,
    stageAt(elapsedMs) {
      return cycle.stageAt(elapsedMs - cyclesBefore(elapsedMs) * cycleMs);
    },
    stageOfStart(dueMs) {
      // A start at the border of two cycles belongs to the earlier one, as in `timeOf`.
      let cycles = cyclesBefore(dueMs);
      if (cycles > 0 && (cycles - 1) * cycleMs + cycleMs >= dueMs) cycles--;
      return cycle.stageOfStartFrom(cycles * cycleMs, dueMs);
    },
  };
}

/** A, kept an exact integer where rate × duration is one. */
function areaOf({ fromPerSecond, toPerSecond, durationMs }: RateLine): number {
  return ((fromPerSecond + toPerSecond) * durationMs) / 2000;
}

function rateInto({ fromPerSecond, toPerSecond, durationMs }: RateLine, intoMs: number): number {
  if (fromPerSecond === toPerSecond) return fromPerSecond;
  return Math.max(0, fromPerSecond + ((toPerSecond - fromPerSecond) * intoMs) / durationMs);
}

function startsInto(segment: RateLine, intoMs: number): number {
  const { fromPerSecond, toPerSecond, durationMs } = segment;
  if (fromPerSecond === toPerSecond) return (fromPerSecond * intoMs) / 1000;
  const rate = rateInto(segment, intoMs);
  if (toPerSecond > fromPerSecond) return (intoMs * (fromPerSecond + rate)) / 2000;
  return Math.max(0, areaOf(segment) - ((durationMs - intoMs) * (rate + toPerSecond)) / 2000);
}

function timeInto(segment: RateLine, starts: number): number {
  const { fromPerSecond, toPerSecond, durationMs } = segment;
  if (fromPerSecond === toPerSecond) return (starts * 1000) / fromPerSecond;
  const squaredRate =
    toPerSecond > fromPerSecond
      ? fromPerSecond ** 2 + (2000 * (toPerSecond - fromPerSecond) * starts) / durationMs
      : toPerSecond ** 2 +
        (2000 * (fromPerSecond - toPerSecond) * Math.max(0, areaOf(segment) - starts)) / durationMs;
  return (2000 * starts) / (fromPerSecond + Math.sqrt(squaredRate));
}

/**
 * The whole number that was meant, when rounding alone keeps the value from it: 5/m is
 * 0.08333…/s, and 10 minutes of it must be 50 starts, not 49.99999999999999 of which the last is
 * never due.
 */
export function nearlyWhole(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) <= ROUNDING * value ? whole : value;
}

/** More than the few operations from a configured rate to a count can lose, relative to the count. */
const ROUNDING = 8 * Number.EPSILON;
