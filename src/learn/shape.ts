import { DAY_MS, FIRST_MONDAY_MS, WEEK_MS } from "../plan/clock/local-curve.js";
import { offsetAt } from "../plan/clock/zone.js";
import type { RatedSpec } from "../plan/profile.js";
import { countsOf, type Traffic } from "./traffic.js";

const HOUR_MS = 3_600_000;

/** The kinds of profile that are learned. */
export type LearnedProfile = RatedSpec<"constant" | "steps" | "week">;

/** Which day is replayed instead of all that is known. */
export type DayChoice = "typical" | "peak";

/**
 * The rates of a traffic as a profile: by weekday and hour when a week of hours is known, else in steps, of which those
 * that chance alone can tell apart are one; a constant rate when that leaves one.
 *
 * @param zone whose weekdays and hours
 */
export function learnProfile(traffic: Traffic, zone: string): LearnedProfile {
  return learnWeek(traffic, zone) ?? learnSteps(traffic);
}

/** A day's rates, for each day of the week. */
export function learnDay(traffic: Traffic, zone: string): LearnedProfile {
  const size = traffic.stepMs <= QUARTER_MS ? QUARTER_MS : HOUR_MS;
  const slots = localSlots(traffic, zone, DAY_MS, size);
  const rates = filled(slots.map(rateOf));
  const points = Array.from({ length: 7 }, (_, day) =>
    rates.map((ratePerSecond, slot) => ({ atMs: day * DAY_MS + slot * size, ratePerSecond })),
  );
  return { kind: "week", zone, points: points.flat().filter(isChange), isStepped: true };
}

const QUARTER_MS = 15 * 60_000;

/** So many hours of a week must be known, each for a half of it at least. */
const LEAST_HOURS = 160;

function learnWeek(traffic: Traffic, zone: string): LearnedProfile | null {
  if (traffic.stepMs > HOUR_MS) return null;
  const hours = localSlots(traffic, zone, WEEK_MS, HOUR_MS);
  if (hours.filter(({ knownMs }) => knownMs >= HOUR_MS / 2).length < LEAST_HOURS) return null;
  const rates = filled(hours.map(rateOf));
  const points = rates.map((ratePerSecond, hour) => ({ atMs: hour * HOUR_MS, ratePerSecond }));
  return { kind: "week", zone, points: points.filter(isChange), isStepped: true };
}

interface Slot {
  count: number;
  knownMs: number;
}

/** What was sent by local time since Monday 00:00, or since midnight. */
function localSlots(traffic: Traffic, zone: string, cycleMs: number, sizeMs: number): Slot[] {
  const slots = Array.from({ length: cycleMs / sizeMs }, (): Slot => ({ count: 0, knownMs: 0 }));
  const counts = countsOf(traffic);
  traffic.isKnown.forEach((isKnown, step) => {
    if (!isKnown) return;
    const unixMs = traffic.fromUnixMs + (step + 0.5) * traffic.stepMs;
    const localMs = unixMs + offsetAt(zone, unixMs) - FIRST_MONDAY_MS;
    const inCycle = ((localMs % cycleMs) + cycleMs) % cycleMs;
    const slot = slots[Math.floor(inCycle / sizeMs)]!;
    slot.count += counts[step]!;
    slot.knownMs += traffic.stepMs;
  });
  return slots;
}

function rateOf({ count, knownMs }: Slot): number | null {
  return knownMs === 0 ? null : roundRate((count / knownMs) * 1000);
}

/** What is not known is as the known before it; at the beginning, as the last one. */
function filled(rates: readonly (number | null)[]): number[] {
  let last = rates.findLast((rate) => rate !== null) ?? 0;
  return rates.map((rate) => {
    last = rate ?? last;
    return last;
  });
}

/** A rate is held until the next one that differs; each day begins with its own. */
function isChange(
  { atMs, ratePerSecond }: { readonly atMs: number; readonly ratePerSecond: number },
  index: number,
  all: readonly { readonly ratePerSecond: number }[],
): boolean {
  return atMs % DAY_MS === 0 || ratePerSecond !== all[index - 1]?.ratePerSecond;
}

/** Rates are told to four digits. */
export function roundRate(ratePerSecond: number): number {
  return Number(ratePerSecond.toPrecision(4));
}

/** Steps begin as windows of one of these lengths. */
const WINDOWS_MS = [10_000, 60_000, 300_000, QUARTER_MS, HOUR_MS, 6 * HOUR_MS, DAY_MS];
const MOST_WINDOWS = 200;

/** The length of windows in which a traffic is looked at: at most 200 of them, each a whole number of steps. */
export function windowSteps({ stepMs, isKnown }: Pick<Traffic, "stepMs" | "isKnown">): number {
  const lengthMs = isKnown.length * stepMs;
  const window = WINDOWS_MS.find((ms) => lengthMs / ms <= MOST_WINDOWS && ms >= stepMs);
  return Math.ceil((window ?? lengthMs / MOST_WINDOWS) / stepMs);
}

interface Segment extends Slot {
  lengthMs: number;
}

/** Two rates of which chance makes such a difference once in 16,000 times are one, as many are compared; so are two within 5 %. */
const SIGMAS = 4;
const SAME_SHARE = 0.05;

function learnSteps(traffic: Traffic): LearnedProfile {
  const segments = windowsOf(traffic);
  const dispersion = Math.max(1, ...traffic.dispersions.map(({ index }) => index));
  for (;;) {
    const costs = segments
      .slice(1)
      .map((segment, index) => difference(segments[index]!, segment, dispersion));
    const least = Math.min(...costs, SIGMAS);
    if (least >= SIGMAS) break;
    const first = costs.indexOf(least);
    const [one, other] = segments.splice(first, 2) as [Segment, Segment];
    segments.splice(first, 0, joined(one, other));
  }
  const stages = segments.map((segment) => ({
    ...{ ratePerSecond: rateOf(segment) ?? 0, durationMs: segment.lengthMs },
  }));
  const [only, ...more] = stages;
  if (more.length > 0) return { kind: "steps", stages, repeat: true };
  return { kind: "constant", ratePerSecond: only?.ratePerSecond ?? 0 };
}

/** Windows from the first known step to the last. */
function windowsOf(traffic: Traffic): Segment[] {
  const { isKnown, stepMs } = traffic;
  const counts = countsOf(traffic);
  const size = windowSteps(traffic);
  const windows: Segment[] = [];
  const end = isKnown.lastIndexOf(true) + 1;
  for (let first = isKnown.indexOf(true); first >= 0 && first < end; first += size) {
    const window = { count: 0, knownMs: 0, lengthMs: 0 };
    for (let step = first; step < Math.min(first + size, end); step++) {
      window.lengthMs += stepMs;
      if (!isKnown[step]) continue;
      window.knownMs += stepMs;
      window.count += counts[step]!;
    }
    windows.push(window);
  }
  return windows;
}

function joined(one: Segment, other: Segment): Segment {
  return {
    count: one.count + other.count,
    knownMs: one.knownMs + other.knownMs,
    lengthMs: one.lengthMs + other.lengthMs,
  };
}

/** How many standard deviations lie between two rates, with counts that have the given index of dispersion. */
function difference(one: Segment, other: Segment, dispersion: number): number {
  if (one.knownMs === 0 || other.knownMs === 0) return 0;
  const both = joined(one, other);
  if (both.count === 0) return 0;
  const [first, second] = [one.count / one.knownMs, other.count / other.knownMs];
  const variance = dispersion * (both.count / both.knownMs) * (1 / one.knownMs + 1 / other.knownMs);
  const share = Math.abs(first - second) / Math.max(first, second);
  return Math.min(Math.abs(first - second) / Math.sqrt(variance), (SIGMAS * share) / SAME_SHARE);
}
