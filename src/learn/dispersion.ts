import type { Arrival } from "../plan/arrival.js";
import { type Dispersion, sum } from "./traffic.js";

/** The scales at which burstiness is looked at, in seconds. */
export const SCALES = [1, 10, 60] as const;
/** The one beside them where each task's time is known: bursts that follow each other within a second. */
export const FINE_SCALE = 0.1;

/** With fewer windows an index says little. */
const LEAST_PAIRS = 10;

/**
 * The index of dispersion of counts, with half the mean square of the difference between neighbours (Allan's variance)
 * for the variance: a rate that grows over the day is no burst. Counts that are independent have the same index either way.
 *
 * @param counts in windows one after another; null where it is not known
 * @returns null where too few neighbours are known, or nothing was counted
 */
export function dispersionOf(
  counts: readonly (number | null)[],
  seconds: number,
): Dispersion | null {
  let pairs = 0;
  let squares = 0;
  let total = 0;
  for (let next = 1; next < counts.length; next++) {
    const [one, other] = [counts[next - 1]!, counts[next]!];
    if (one === null || other === null) continue;
    pairs++;
    squares += (other - one) ** 2;
    total += (one + other) / 2;
  }
  if (pairs < LEAST_PAIRS || total === 0) return null;
  return { seconds, index: squares / 2 / total, mean: total / pairs };
}

/** At each scale that the steps make up, those of which all steps are known. */
export function dispersionsOfSteps(
  counts: ArrayLike<number>,
  isKnown: readonly boolean[],
  stepMs: number,
): Dispersion[] {
  return SCALES.flatMap((seconds) => {
    const size = (seconds * 1000) / stepMs;
    if (!Number.isInteger(size)) return [];
    const windows: (number | null)[] = [];
    for (let first = 0; first + size <= counts.length; first += size) {
      let window: number | null = 0;
      for (let step = first; step < first + size; step++) {
        window = window === null || !isKnown[step] ? null : window + counts[step]!;
      }
      windows.push(window);
    }
    return dispersionOf(windows, seconds) ?? [];
  });
}

/** Windows begin at so many phases, of which the median counts: bursts as far apart as windows are long would all be cut alike. */
const PHASES = 4;

/** At each scale, of times in order. */
export function dispersionsOfTimes(
  timesMs: Float64Array,
  fromMs: number,
  untilMs: number,
): Dispersion[] {
  return [FINE_SCALE, ...SCALES].flatMap((seconds) => {
    const phases = Array.from({ length: PHASES }, (_, phase) => {
      const beginMs = fromMs + (phase / PHASES) * seconds * 1000;
      return dispersionOf(countsIn(timesMs, seconds, beginMs, untilMs), seconds);
    }).filter((phase) => phase !== null);
    phases.sort((one, other) => one.index - other.index);
    return phases[Math.floor(phases.length / 2)] ?? [];
  });
}

/** How many of the times are in each whole window. */
function countsIn(
  timesMs: Float64Array,
  seconds: number,
  fromMs: number,
  untilMs: number,
): number[] {
  const length = Math.max(0, Math.floor((untilMs - fromMs) / seconds / 1000));
  const counts = new Array<number>(length).fill(0);
  for (const timeMs of timesMs) {
    const window = Math.floor((timeMs - fromMs) / seconds / 1000);
    if (window >= 0 && window < length) counts[window]!++;
  }
  return counts;
}

/**
 * The index of bursts of n at even intervals (of n = 1: even arrivals) in windows of which each has so many tasks in the
 * mean. With λ bursts a window, of which f is the fraction, windows have ⌊λ⌋ or ⌈λ⌉ bursts; the rarer of the two differ
 * from both neighbours, each by n:  n min(f, 1 - f) / λ.  For λ ≤ 1/2 that is n.
 */
export function indexOfBursts(n: number, mean: number): number {
  const bursts = mean / n;
  const fraction = bursts % 1;
  return (n * Math.min(fraction, 1 - fraction)) / bursts;
}

/** Where two indices are both small they are the same: producers are never even to the millisecond. */
const NOISE = 0.15;
/** Below this nothing is a burst: Poisson arrivals measured in few windows come near it. */
const LEAST_BURST = 2.5;
/** Bursts are apart where at most two of three windows have one; with more in each, a rate that sways has such an index too. */
const LEAST_PART_OF_MEAN = 1.5;
const MOST_IN_BURST = 10_000;

/**
 * The arrival whose index of dispersion is nearest, in the mean over the scales of the distance of logarithms: even,
 * Poisson (an index of 1 at all scales), or bursts of as many as the largest index of windows in which bursts are apart.
 * Null where no scale is known.
 */
export function fitArrival(dispersions: readonly Dispersion[]): Arrival | null {
  if (dispersions.length === 0) return null;
  const distance = (indexAt: (mean: number) => number) =>
    sum(
      dispersions.map(({ index, mean }) =>
        Math.abs(Math.log((index + NOISE) / (indexAt(mean) + NOISE))),
      ),
    );
  const apart = dispersions.filter(
    ({ index, mean }) => index >= Math.max(LEAST_BURST, LEAST_PART_OF_MEAN * mean),
  );
  const burstOf = Math.min(
    MOST_IN_BURST,
    Math.round(Math.max(0, ...apart.map((each) => each.index))),
  );
  const candidates: { readonly arrival: Arrival; readonly distance: number }[] = [
    { arrival: "poisson", distance: distance(() => 1) },
    { arrival: "even", distance: distance((mean) => indexOfBursts(1, mean)) },
    ...(apart.length === 0
      ? []
      : [
          {
            arrival: { burstOf },
            distance: distance((mean) => indexOfBursts(burstOf, mean)),
          },
        ]),
  ];
  return candidates.reduce((best, each) => (each.distance < best.distance ? each : best)).arrival;
}
