import { createLocalCurve, WEEK_MS } from "../clock/local-curve.js";
import { profileOnClock } from "../clock/on-clock.js";
import { createPiecewiseLinear, type RateLine } from "../piecewise-linear.js";
import type { Profile } from "../profile.js";
import { hold } from "./lines.js";

/** Rates by weekday and hour of a zone, every week. */
export interface WeekSpec {
  readonly zone: string;
  /** Ascending; the first one is at 0, a Monday 00:00. */
  readonly points: readonly WeekPoint[];
  /** A rate is held until the next point; else it goes there in a straight line. */
  readonly isStepped: boolean;
}

export interface WeekPoint {
  /** Local time since a Monday 00:00, below a week. */
  readonly atMs: number;
  readonly ratePerSecond: number;
}

/** @throws RangeError for what `createProfile` names, and for points that are not in order */
export function week({ zone, points, isStepped }: WeekSpec): Profile {
  refuseDisorder(points);
  const lines = points.map(({ atMs, ratePerSecond }, index): RateLine => {
    const next = points[index + 1] ?? { ...points[0]!, atMs: WEEK_MS };
    const durationMs = next.atMs - atMs;
    if (isStepped) return hold(ratePerSecond, durationMs);
    return { fromPerSecond: ratePerSecond, toPerSecond: next.ratePerSecond, durationMs };
  });
  const ofWeek = createPiecewiseLinear(lines, true);
  return profileOnClock({
    title: `week of ${zone}`,
    stage: { name: `week of ${zone}`, kind: "week" },
    zone,
    peakPerSecond: Math.max(...points.map(({ ratePerSecond }) => ratePerSecond)),
    curveSince: (unixMs) => createLocalCurve(ofWeek, zone, unixMs),
  });
}

function refuseDisorder(points: readonly WeekPoint[]): void {
  const isInOrder = points.every(({ atMs }, index) =>
    index === 0 ? atMs === 0 : atMs > points[index - 1]!.atMs && atMs < WEEK_MS,
  );
  if (points.length === 0 || !isInOrder) {
    throw new RangeError("The points of a week must ascend from its beginning to its end");
  }
}
