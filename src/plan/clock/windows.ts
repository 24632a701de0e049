import { type PieceCurve, shifted } from "../shifted.js";
import { DAY_MS, FIRST_MONDAY_MS } from "./local-curve.js";
import { createPatchwork } from "./patchwork.js";
import { offsetFrom } from "./zone.js";

/** When a scenario may start anything, by the clocks of a zone. */
export interface Windows {
  readonly zone: string;
  /** Within one of these; null: always. */
  readonly on: readonly DayWindow[] | null;
  /** Never within these. */
  readonly off: readonly DayWindow[];
  /** Dates, as their midnights as if they were in UTC: what begins on one of them is left out. */
  readonly except: readonly number[];
}

/** A part of some days of the week. It belongs to the day on which it begins, also beyond midnight. */
export interface DayWindow {
  /** From 0 for Monday. */
  readonly days: readonly number[];
  /** Local time since midnight, milliseconds; below a day. */
  readonly fromMs: number;
  /** After `fromMs`, at most a day; beyond a day on the next one. */
  readonly untilMs: number;
}

/** Whether it is open at a Unix time, and until when that is so at least. */
export interface Opening {
  readonly isOpen: boolean;
  readonly untilMs: number;
}

/** So far ahead a border is looked for: all of a week, whatever a window of the day before reaches into. */
const LOOK_DAYS = 9;

/** Pure, as the rules of zones are. What a clock shows decides: an hour that comes twice is in a window twice, or not at all. */
export function openingAt({ zone, on, off, except }: Windows, unixMs: number): Opening {
  const { offsetMs, untilMs } = offsetFrom(zone, unixMs);
  const localMs = unixMs + offsetMs;
  const today = Math.floor(localMs / DAY_MS);
  let nextMs = (today + LOOK_DAYS) * DAY_MS;
  /** Is it within one of these? Their borders are met on the way. */
  const isWithin = (windows: readonly DayWindow[]) => {
    let within = false;
    for (let day = today - 1; day < today + LOOK_DAYS; day++) {
      if (except.includes(day * DAY_MS)) continue;
      for (const window of windows) {
        if (!window.days.includes(weekdayOf(day))) continue;
        const [fromMs, endMs] = [day * DAY_MS + window.fromMs, day * DAY_MS + window.untilMs];
        if (fromMs <= localMs && localMs < endMs) within = true;
        for (const ms of [fromMs, endMs]) if (ms > localMs && ms < nextMs) nextMs = ms;
      }
    }
    return within;
  };
  const isOff = isWithin(off);
  const isOpen = (on === null || isWithin(on)) && !isOff;
  return { isOpen, untilMs: Math.min(untilMs, nextMs - offsetMs) };
}

/** When it is open next, from a Unix time on; Infinity: not within years. */
export function opensAt(windows: Windows, unixMs: number): number {
  let ms = unixMs;
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const { isOpen, untilMs } = openingAt(windows, ms);
    if (isOpen) return ms;
    ms = untilMs;
  }
  return Infinity;
}

/** A border, or nine days without one. */
const MOST_LOOKS = 1_000;

/** The starts of a curve while the windows are open: what it has outside of them is not made up for. */
export function withinWindows(curve: PieceCurve, windows: Windows, zeroUnixMs: number): PieceCurve {
  return createPatchwork((fromMs) => {
    const { isOpen, untilMs } = openingAt(windows, zeroUnixMs + fromMs);
    return { untilMs: untilMs - zeroUnixMs, curve: isOpen ? shifted(curve, fromMs) : null };
  });
}

/** From 0 for Monday. */
function weekdayOf(day: number): number {
  return (((day - FIRST_MONDAY_MS / DAY_MS) % 7) + 7) % 7;
}
