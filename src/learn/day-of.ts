import { DAY_MS } from "../plan/clock/local-curve.js";
import { localDate, localDay } from "../plan/clock/local-day.js";
import type { DayChoice } from "./shape.js";
import { countsOf, sum, type Traffic } from "./traffic.js";

/** So much of a day must be known. */
const LEAST_SHARE = 0.95;

export interface ChosenDay {
  /** Its date, 2026-11-30. */
  readonly date: string;
  readonly traffic: Traffic;
}

/**
 * One day of a traffic, by the clocks of a zone: the one with the most tasks, or the one with the median number of them.
 * A real day and no mean of days, so that its peaks are as high as they were. Null when no day is known as a whole.
 */
export function dayOf(traffic: Traffic, choice: DayChoice, zone: string): ChosenDay | null {
  const days = daysOf(traffic, zone)
    .map((day) => ({ ...day, count: sum(countsOf(day.traffic)) }))
    .sort((one, other) => one.count - other.count);
  return days.at(choice === "peak" ? -1 : Math.floor((days.length - 1) / 2)) ?? null;
}

function daysOf(traffic: Traffic, zone: string): ChosenDay[] {
  const { fromUnixMs, stepMs, isKnown } = traffic;
  const untilUnixMs = fromUnixMs + isKnown.length * stepMs;
  const days: ChosenDay[] = [];
  for (let date = localDate(zone, fromUnixMs); ; date += DAY_MS) {
    const day = localDay(zone, date);
    if (day.fromUnixMs >= untilUnixMs) return days;
    const first = Math.round((day.fromUnixMs - fromUnixMs) / stepMs);
    const end = Math.round((day.untilUnixMs - fromUnixMs) / stepMs);
    const part = sliced(traffic, Math.max(0, first), end);
    const known = part.isKnown.filter(Boolean).length;
    if (known < LEAST_SHARE * (end - first)) continue;
    days.push({ date: new Date(date).toISOString().slice(0, 10), traffic: part });
  }
}

function sliced(traffic: Traffic, first: number, end: number): Traffic {
  const fromUnixMs = traffic.fromUnixMs + first * traffic.stepMs;
  const untilUnixMs = traffic.fromUnixMs + end * traffic.stepMs;
  const tasks = traffic.tasks.map((task) => ({
    ...task,
    counts: Array.prototype.slice.call(task.counts, first, end) as number[],
  }));
  return {
    ...traffic,
    fromUnixMs,
    isKnown: traffic.isKnown.slice(first, end),
    tasks: tasks.filter(({ counts }) => sum(counts) > 0),
    timesUnixMs:
      traffic.timesUnixMs?.filter((unixMs) => unixMs >= fromUnixMs && unixMs < untilUnixMs) ?? null,
  };
}
