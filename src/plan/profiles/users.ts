import type { RateLine } from "../piecewise-linear.js";
import type { Profile } from "../profile.js";
import { usersStageName, usersText } from "../stage-name.js";
import { profileOfLines } from "./lines.js";

/**
 * A closed loop of users, as Locust's: each starts a task, waits for its end, then for a while, and starts the next.
 * How many there are follows a plan; how many tasks they start, the workers decide.
 */
export interface UsersSpec {
  readonly kind: "users";
  /** How many there are in each stage, one after another; a single one without an end has `durationMs` null. */
  readonly stages: readonly UserStage[];
  readonly repeat: boolean;
  /** How many come in a second at most; null: all that are wanted come at once. Those that are too many go at once. */
  readonly spawnPerSecond: number | null;
  /** Each time a user waits so long, evenly drawn between the two. */
  readonly waitMs: { readonly least: number; readonly most: number };
  /** What all of them together start in a second at most; null: no limit. */
  readonly maxPerSecond: number | null;
}

export interface UserStage {
  readonly from: number;
  /** The same, or where their number moves to in a straight line. */
  readonly to: number;
  readonly durationMs: number | null;
}

/** How many users there should be when, as a profile whose rate is their number. */
export function userNumbers({ stages, repeat }: UsersSpec): Profile {
  const lines = stages.map(
    ({ from, to, durationMs }): RateLine => ({
      fromPerSecond: from,
      toPerSecond: to,
      durationMs: durationMs ?? Infinity,
    }),
  );
  const [first] = stages;
  const title = stages.length === 1 ? usersText(first!.to) : "users";
  return profileOfLines(title, lines, { repeat, nameOf: usersStageName });
}

/** The most users that there ever are. */
export function mostUsers({ stages }: UsersSpec): number {
  return Math.max(...stages.flatMap(({ from, to }) => [from, to]));
}

/** What they start in a second at most, if tasks take no time and every wait is the shortest. */
export function mostStartsPerSecond(spec: UsersSpec): number {
  const { least } = spec.waitMs;
  const ofWaits = least > 0 ? (mostUsers(spec) * 1000) / least : Infinity;
  return Math.min(ofWaits, spec.maxPerSecond ?? Infinity);
}

/** How many of them stay within a rate, whatever the workers do. */
export function mostUsersWithin({ waitMs, maxPerSecond }: UsersSpec, perSecond: number): number {
  if (maxPerSecond !== null && maxPerSecond <= perSecond) return Infinity;
  return Math.floor((perSecond * waitMs.least) / 1000);
}
