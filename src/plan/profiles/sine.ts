import { createLocalCurve } from "../clock/local-curve.js";
import { profileOnClock } from "../clock/on-clock.js";
import { nearlyWhole } from "../piecewise-linear.js";
import type { Profile } from "../profile.js";
import { NOTHING, type PieceCurve } from "../shifted.js";
import { durationText, rateText } from "../stage-name.js";

/** A rate that swings around a mean, without an end; where it would be below 0 it is 0. */
export interface SineSpec {
  readonly meanPerSecond: number;
  readonly amplitudePerSecond: number;
  /** Above 0. */
  readonly periodMs: number;
  readonly peak: SinePeak;
}

/** When the rate is highest. */
export interface SinePeak {
  /** In the plan's time; with a zone in local time since a Monday 00:00. Below the period. */
  readonly atMs: number;
  /** By the clocks of this zone, whose weeks the period divides; null: by the plan's own. */
  readonly zone: string | null;
}

/** @throws RangeError for what `createProfile` names */
export function sine(spec: SineSpec): Profile {
  const { meanPerSecond, amplitudePerSecond, periodMs, peak } = spec;
  refuseWhatHasNoMeaning(spec);
  const swing = `${rateText(meanPerSecond)} ± ${rateText(amplitudePerSecond)} over ${durationText(periodMs)}`;
  const title = `sine ${swing}`;
  const stage = { name: swing, kind: "sine" } as const;
  const highestPerSecond = meanPerSecond + amplitudePerSecond;
  const wave = createWave(spec);
  const { zone } = peak;
  if (zone !== null) {
    const curveSince = (unixMs: number) => createLocalCurve(wave, zone, unixMs);
    return profileOnClock({ title, stage, zone, peakPerSecond: highestPerSecond, curveSince });
  }
  const profile: Profile = {
    ...{ ...wave, title, zone, endMs: Infinity, cycleMs: periodMs },
    stages: [{ ...stage, durationMs: Infinity }],
    stageAt: () => ({ index: 0, remainingMs: Infinity }),
    stageOfStart: () => ({ index: 0, untilMs: Infinity }),
    peakBy: (elapsedMs) =>
      elapsedMs >= peak.atMs ? highestPerSecond : Math.max(wave.rateAt(0), wave.rateAt(elapsedMs)),
    since: () => profile,
  };
  return profile;
}

function refuseWhatHasNoMeaning({ meanPerSecond, amplitudePerSecond, periodMs }: SineSpec): void {
  for (const rate of [meanPerSecond, amplitudePerSecond]) {
    if (!(rate >= 0 && rate < Infinity)) {
      throw new RangeError(`A rate must be finite and not negative, not ${rate}/s`);
    }
  }
  if (!(periodMs > 0 && periodMs < Infinity)) {
    throw new RangeError(`A period must be finite and above 0: ${periodMs} ms`);
  }
}

/**
 * The starts of a swinging rate, with mean m and amplitude a (starts a second) and the period P (ms). With w ms since a
 * lowest point and the angle φ = 2π w / P,
 *
 *     rate = max(0, m - a cos φ)
 *
 * which is 0 up to φ₀: cos φ₀ = m / a where a > m, else φ₀ = 0. In a growing half of a period, x = φ - φ₀ after it:
 *
 *     s(x) = ∫ rate dφ = (m - a cos φ₀) x + a (cos φ₀ (x - sin x) + sin φ₀ (1 - cos x))
 *
 * starts, times P / 2000π. No part of it is negative and each grows, so nothing is lost to subtraction, down to the
 * first start of a month. A falling half is the growing one counted from its end, and with C starts in a period
 * N(w) = C ⌊w/P⌋ + N(w mod P): nothing accumulates.
 *
 * N never decreases, not by one bit: times are read in 2⁴⁸ths of a period (0.3 ns of a day). As s is convex, s(0) = 0, it
 * grows from one to the next by 2⁻⁴⁷ of itself or more, which is above all rounding on the way.
 *
 * The inverse is Kepler's equation, x - e sin x = M, for any a and m: Newton's steps from above. s(x) / x³ falls, so
 * π - φ₀ times the cube root of the part of s is above the root, and as s is convex, so is what each step comes to.
 */
function createWave({
  meanPerSecond: m,
  amplitudePerSecond: a,
  periodMs,
  peak,
}: SineSpec): PieceCurve {
  if (m === 0 && a === 0) return NOTHING;
  const cosine = a > m ? m / a : 1;
  const sine = Math.sqrt((1 - cosine) * (1 + cosine));
  const constant = m - a * cosine;
  const idle = Math.acos(cosine);
  const widest = Math.PI - idle;
  const startsAt = (x: number) =>
    constant * x + a * (cosine * xMinusSine(x) + sine * 2 * Math.sin(x / 2) ** 2);
  const rateAt = (x: number) =>
    constant + a * (cosine * 2 * Math.sin(x / 2) ** 2 + sine * Math.sin(x));
  /** Milliseconds in a unit of the angle. */
  const angleMs = periodMs / (2 * Math.PI);
  const wholeHalf = startsAt(widest);
  const half = a > m ? (wholeHalf * angleMs) / 1000 : (m * periodMs) / 2000;
  const scale = half / wholeHalf;
  const cycleStarts = nearlyWhole(2 * half);
  const quantumMs = periodMs * 2 ** -48;

  /** Starts in so much of a growing half. */
  const grown = (ms: number) => {
    const read = Math.floor(ms / quantumMs) * quantumMs;
    const x = Math.min(widest, read / angleMs - idle);
    return x > 0 ? Math.min(cycleStarts / 2, scale * startsAt(x)) : 0;
  };
  /** How far into a growing half so many starts are, which are not 0. */
  const grownMs = (starts: number) => {
    let x = widest * Math.min(1, Math.cbrt(starts / (cycleStarts / 2)));
    for (let step = 0; step < MOST_STEPS; step++) {
      const next = x - (startsAt(x) - starts / scale) / rateAt(x);
      if (!(next < x && next > 0)) break;
      x = next;
    }
    return (idle + x) * angleMs;
  };
  const inCycle = (ms: number) =>
    ms <= periodMs / 2 ? grown(ms) : cycleStarts - grown(periodMs - ms);
  const startsOf = (ms: number) => {
    const cycles = Math.floor(ms / periodMs);
    const into = Math.min(periodMs, Math.max(0, ms - cycles * periodMs));
    return Math.min(cycles * cycleStarts + inCycle(into), (cycles + 1) * cycleStarts);
  };
  const leadMs = (((periodMs / 2 - peak.atMs) % periodMs) + periodMs) % periodMs;
  const before = startsOf(leadMs);
  return {
    startsBy: (elapsedMs) =>
      elapsedMs > 0 ? Math.max(0, startsOf(elapsedMs + leadMs) - before) : 0,
    rateAt: (elapsedMs) =>
      Math.max(0, m - a * Math.cos((2 * Math.PI * (Math.max(0, elapsedMs) + leadMs)) / periodMs)),
    timeOf(n) {
      if (!(n > 0)) return 0;
      const sinceLowest = before + n;
      // A start at the border of two periods belongs to the earlier one.
      const cycles = Math.ceil(nearlyWhole(sinceLowest / cycleStarts)) - 1;
      const inside = Math.min(cycleStarts, Math.max(0, sinceLowest - cycles * cycleStarts));
      const fromEnd = cycleStarts - inside;
      const isGrowing = inside < fromEnd;
      const starts = isGrowing ? inside : fromEnd;
      const ms = starts > 0 ? grownMs(starts) : idle * angleMs;
      return Math.max(0, cycles * periodMs + (isGrowing ? ms : periodMs - ms) - leadMs);
    },
  };
}

/** Seven are enough nearly always. */
const MOST_STEPS = 60;

/** x - sin x for 0 ≤ x ≤ π without the loss of digits: x³/6 (1 - x²/20 (1 - x²/42 (1 - …))) up to 1. */
function xMinusSine(x: number): number {
  if (x >= 1) return x - Math.sin(x);
  const square = x * x;
  let rest = 1;
  for (let k = 18; k >= 4; k -= 2) rest = 1 - (square / (k * (k + 1))) * rest;
  return ((x * square) / 6) * rest;
}
