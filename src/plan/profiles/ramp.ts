import type { Profile } from "../profile.js";
import { profileOfLines } from "./lines.js";

/** Rates that change in straight lines, each from where the one before has ended. */
export interface RampSpec {
  readonly fromPerSecond: number;
  readonly stages: readonly {
    readonly toPerSecond: number;
    readonly durationMs: number;
  }[];
}

/** @throws RangeError for what `createProfile` names */
export function ramp({ fromPerSecond, stages }: RampSpec): Profile {
  let before = fromPerSecond;
  const segments = stages.map(({ toPerSecond, durationMs }) => {
    const segment = { fromPerSecond: before, toPerSecond, durationMs };
    before = toPerSecond;
    return segment;
  });
  return profileOfLines("ramp", segments);
}
