import type { Profile, Stage } from "../profile.js";
import type { PieceCurve } from "../shifted.js";

export interface ClockShape {
  readonly title: string;
  /** It has one stage, which never ends. */
  readonly stage: Pick<Stage, "name" | "kind">;
  readonly zone: string;
  /** Its highest rate ever. */
  readonly peakPerSecond: number;
  /** Its starts since a Unix time. */
  curveSince(unixMs: number): PieceCurve;
}

/** The profile whose rate follows the clock on the wall, without an end. */
export function profileOnClock(shape: ClockShape): Profile {
  // Every change of a timeline asks for the one it had before.
  let last: { readonly unixMs: number; readonly profile: Profile } | undefined;
  const since = (unixMs: number): Profile => {
    if (last?.unixMs !== unixMs) last = { unixMs, profile: profileSince(shape, unixMs, since) };
    return last.profile;
  };
  return since(0);
}

function profileSince(shape: ClockShape, unixMs: number, since: Profile["since"]): Profile {
  const { title, stage, zone, peakPerSecond } = shape;
  return {
    ...shape.curveSince(unixMs),
    ...{ title, zone, since },
    stages: [{ ...stage, durationMs: Infinity }],
    endMs: Infinity,
    cycleMs: Infinity,
    stageAt: () => ({ index: 0, remainingMs: Infinity }),
    stageOfStart: () => ({ index: 0, untilMs: Infinity }),
    peakBy: () => peakPerSecond,
  };
}
