import type { Profile } from "../profile.js";
import { durationText, rateText } from "../stage-name.js";
import { hold, profileOfLines } from "./lines.js";

/**
 * Profiles whose rate follows what is observed (`feeds/`). Here they are the highest rate that they may have; the regime
 * says which part of it is wanted just now, and it is none before anything is known.
 */
export interface BacklogSpec {
  /** null: that of all tasks of the mix. */
  readonly queue: string | null;
  /** Messages that wait in it. */
  readonly min: number;
  readonly max: number;
  /** From the least to the most, and back; null: the most, all the time. */
  readonly periodMs: number | null;
  readonly maxPerSecond: number;
}

export interface TopUpSpec {
  readonly queue: string | null;
  /** Of ours and everybody else's tasks together. */
  readonly toPerSecond: number;
}

export function backlog({ queue, min, max, periodMs, maxPerSecond }: BacklogSpec): Profile {
  const of = queue === null ? "" : ` in ${queue}`;
  const swing =
    periodMs === null
      ? `${max} messages`
      : `${min} to ${max} messages over ${durationText(periodMs)}`;
  return fed(`backlog of ${swing}${of}`, "backlog", maxPerSecond);
}

export function topUp({ queue, toPerSecond }: TopUpSpec): Profile {
  const of = queue === null ? "" : ` in ${queue}`;
  return fed(`top up to ${rateText(toPerSecond)}${of}`, "topUp", toPerSecond);
}

function fed(title: string, kind: "backlog" | "topUp", mostPerSecond: number): Profile {
  const profile: Profile = {
    ...profileOfLines(title, [hold(mostPerSecond, Infinity)]),
    ...{ stages: [{ name: title, kind, durationMs: Infinity }], isFed: true },
    since: () => profile,
  };
  return profile;
}
