import { DAY_MS } from "./local-curve.js";
import { offsetAt } from "./zone.js";

/** A day by the clocks of a zone, as Unix times: of 24 hours, or of 23 or 25 when they are changed on it. */
export interface LocalDay {
  readonly fromUnixMs: number;
  readonly untilUnixMs: number;
}

/** Reads `2027-03-28` as its midnight as if it were in UTC; undefined when it is something else. */
export function dateOf(text: string): number | undefined {
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // 2027-02-30 would be a day in March.
  return date >= 0 && new Date(date).toISOString().startsWith(text) ? date : undefined;
}

/** The day of a date in a zone. `date` is its midnight as if it were in UTC. */
export function localDay(zone: string, date: number): LocalDay {
  return { fromUnixMs: unixOf(zone, date), untilUnixMs: unixOf(zone, date + DAY_MS) };
}

/** The date that it is in a zone, as its midnight as if it were in UTC. */
export function localDate(zone: string, unixMs: number): number {
  return Math.floor((unixMs + offsetAt(zone, unixMs)) / DAY_MS) * DAY_MS;
}

/** What the clocks of a zone show, `09:05`. */
export function clockText(zone: string, unixMs: number): string {
  return new Date(unixMs + offsetAt(zone, unixMs)).toISOString().slice(11, 16);
}

/** When the clocks first show a local time, or the next one where they pass over it. */
function unixOf(zone: string, localMs: number): number {
  const offsets = [localMs - DAY_MS, localMs + DAY_MS].map((ms) => offsetAt(zone, ms));
  const times = offsets.map((offsetMs) => localMs - offsetMs);
  return Math.min(...times.filter((ms) => ms + offsetAt(zone, ms) >= localMs));
}
