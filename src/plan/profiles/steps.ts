import type { Profile } from "../profile.js";
import { hold, profileOfLines } from "./lines.js";

/** Rates that are held one after another, once or for ever. */
export interface StepsSpec {
  readonly stages: readonly {
    readonly ratePerSecond: number;
    readonly durationMs: number;
  }[];
  readonly repeat: boolean;
}

/** @throws RangeError for what `createProfile` names */
export function steps({ stages, repeat }: StepsSpec): Profile {
  return profileOfLines(
    repeat ? "repeated steps" : "steps",
    stages.map(({ ratePerSecond, durationMs }) => hold(ratePerSecond, durationMs)),
    { repeat },
  );
}
