import { type PieceCurve, shifted } from "../shifted.js";
import { createPatchwork } from "./patchwork.js";
import { offsetFrom } from "./zone.js";

/** Where weeks begin: a Monday, 1970-01-05 00:00. Every week of local time is so many milliseconds after it. */
export const FIRST_MONDAY_MS = 4 * 86_400_000;
export const DAY_MS = 86_400_000;
export const WEEK_MS = 7 * DAY_MS;

/**
 * The starts of a rate that is given by what a clock on the wall of a zone shows. Where the clock is put forward, the
 * hour that does not exist has no starts, and where it is put back, the hour that comes twice has its starts twice;
 * between two changes it is the given curve, moved.
 *
 * @param ofWeek the rate by local time since a Monday 00:00; it repeats every week, or in a part of one
 * @param sinceUnixMs where time 0 is
 */
export function createLocalCurve(
  ofWeek: PieceCurve,
  zone: string,
  sinceUnixMs: number,
): PieceCurve {
  // From the Monday before, so that the numbers stay small and exact.
  const mondayMs = mondayBefore(sinceUnixMs + offsetFrom(zone, sinceUnixMs).offsetMs);
  return createPatchwork((fromMs) => {
    const { offsetMs, untilMs } = offsetFrom(zone, sinceUnixMs + fromMs);
    const localMs = sinceUnixMs + offsetMs - mondayMs;
    return { untilMs: untilMs - sinceUnixMs, curve: shifted(ofWeek, localMs + fromMs) };
  });
}

/** The local time of the last Monday 00:00. */
export function mondayBefore(localMs: number): number {
  return Math.floor((localMs - FIRST_MONDAY_MS) / WEEK_MS) * WEEK_MS + FIRST_MONDAY_MS;
}
