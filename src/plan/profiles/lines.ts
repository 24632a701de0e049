import { createPiecewiseLinear, type RateLine } from "../piecewise-linear.js";
import type { Profile, Stage } from "../profile.js";
import { stageName } from "../stage-name.js";

/**
 * The profile whose rate is a row of straight lines, each of them a stage.
 *
 * @throws RangeError for what `createProfile` names
 */
export function profileOfLines(
  title: string,
  segments: readonly RateLine[],
  { repeat = false, nameOf = stageName } = {},
): Profile {
  const stages = segments.map((segment) => stageOf(segment, nameOf(segment)));
  const profile: Profile = {
    ...createPiecewiseLinear(segments, repeat),
    title,
    stages,
    cycleMs: repeat ? stages.reduce((sum, { durationMs }) => sum + durationMs, 0) : Infinity,
    peakBy: (elapsedMs) => peakOf(segments, elapsedMs),
    zone: null,
    since: () => profile,
  };
  return profile;
}

/** A rate that stays. */
export function hold(ratePerSecond: number, durationMs: number): RateLine {
  return { fromPerSecond: ratePerSecond, toPerSecond: ratePerSecond, durationMs };
}

function stageOf(segment: RateLine, name: string): Stage {
  const kind = segment.fromPerSecond === segment.toPerSecond ? "hold" : "ramp";
  return { name, kind, durationMs: segment.durationMs };
}

/** A straight line is highest at one of its ends. One of 0 ms is a jump: nothing starts at its rates. */
function peakOf(lines: readonly RateLine[], untilMs: number): number {
  let startMs = 0;
  let peakPerSecond = 0;
  for (const { fromPerSecond, toPerSecond, durationMs } of lines) {
    if (startMs >= untilMs) break;
    const part = Math.min(1, (untilMs - startMs) / durationMs);
    const lastPerSecond =
      fromPerSecond === toPerSecond
        ? toPerSecond
        : fromPerSecond + (toPerSecond - fromPerSecond) * part;
    if (durationMs > 0) peakPerSecond = Math.max(peakPerSecond, fromPerSecond, lastPerSecond);
    startMs += durationMs;
  }
  return peakPerSecond;
}
