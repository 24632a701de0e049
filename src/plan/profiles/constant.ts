import type { Profile } from "../profile.js";
import { rateText } from "../stage-name.js";
import { hold, profileOfLines } from "./lines.js";

/** One rate, without an end. */
export interface ConstantSpec {
  readonly ratePerSecond: number;
}

/** @throws RangeError for what `createProfile` names */
export function constant({ ratePerSecond }: ConstantSpec): Profile {
  return profileOfLines(`constant ${rateText(ratePerSecond)}`, [hold(ratePerSecond, Infinity)]);
}
