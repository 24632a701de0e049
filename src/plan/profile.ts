import type { Curve } from "./piecewise-linear.js";
import { type ConstantSpec, constant } from "./profiles/constant.js";
import { type BacklogSpec, backlog, type TopUpSpec, topUp } from "./profiles/fed.js";
import { type RampSpec, ramp } from "./profiles/ramp.js";
import { type RecordedKind, type ReplaySpec, replay } from "./profiles/replay.js";
import { type SineSpec, sine } from "./profiles/sine.js";
import { type StepsSpec, steps } from "./profiles/steps.js";
import { mostStartsPerSecond, type UsersSpec, userNumbers } from "./profiles/users.js";
import { type WeekSpec, week } from "./profiles/week.js";

/** What each kind of profile that has a rate is written with, in starts a second and milliseconds. */
interface RatedSpecs {
  readonly constant: ConstantSpec;
  readonly steps: StepsSpec;
  readonly ramp: RampSpec;
  readonly sine: SineSpec;
  readonly week: WeekSpec;
  readonly replay: ReplaySpec;
  readonly backlog: BacklogSpec;
  readonly topUp: TopUpSpec;
}

type RatedKind = keyof RatedSpecs;

/** A profile with a rate of its own: one of them, or one of the given kind. */
export type RatedSpec<Kind extends RatedKind = RatedKind> = {
  readonly [K in Kind]: { readonly kind: K } & RatedSpecs[K];
}[Kind];

/** Those that need more than they say: a file, or what is observed. */
export const NOT_ORDERED = ["replay", "backlog", "topUp"] as const;

/** One that is whole by itself: an order may name it, and a state file hold it. */
export type OrderableSpec = Exclude<RatedSpec, { readonly kind: (typeof NOT_ORDERED)[number] }>;

/** A closed loop has no rate: `max` keeps as many tasks in flight as it may, and their ends start the next. */
export interface MaxSpec {
  readonly kind: "max";
}

export type ClosedLoopSpec = MaxSpec | UsersSpec;

/** How many tasks to start when, as the configuration writes it. */
export type ProfileSpec = RatedSpec | ClosedLoopSpec;

/** The mathematics of each kind: one that has none here does not compile. */
const PROFILES: { readonly [K in RatedKind]: (spec: RatedSpec<K>) => Profile } = {
  constant,
  steps,
  ramp,
  sine,
  week,
  replay,
  backlog,
  topUp,
};

/**
 * How many starts are due by when, and in which stage: a curve with names on it. Most follow the plan's own time, which
 * begins with the scenario and stands in a pause; those with a zone follow the clocks on its walls, whatever the plan
 * does.
 */
export interface Profile extends Curve {
  /** By whose clocks it goes; null: by the plan's own time. */
  readonly zone: string | null;
  /** The same with its time 0 at a Unix time; one without a zone is the same whenever it begins. */
  since(unixMs: number): Profile;
  /** At least one; those of one cycle when the profile repeats. */
  readonly stages: readonly Stage[];
  /** What it is, in a few words: `constant 20/s`, `repeated steps`. */
  readonly title: string;
  /** After so long it begins anew; Infinity when it does not. */
  readonly cycleMs: number;
  /** Its rate is the highest that it may have, of which the regime says how much is wanted. */
  readonly isFed?: boolean;
  /** The highest rate of the first `elapsedMs`, starts a second; with a zone the highest of all times. */
  peakBy(elapsedMs: number): number;
}

/** What a rate does in a stage. */
export const STAGE_KINDS = ["hold", "ramp", "sine", "week", "replay", "backlog", "topUp"] as const;

/** One stage of a profile, as it is shown. */
export interface Stage {
  /** As the configuration writes it: `20/s for 5s`, `5/s to 200/s over 15m`, `20/s`. */
  readonly name: string;
  readonly kind: (typeof STAGE_KINDS)[number];
  /** Infinity for a constant rate, and for a shape that goes on and on. */
  readonly durationMs: number;
}

/** The one stage of `max`. */
const MAX_STAGE: Stage = { name: "max", kind: "hold", durationMs: Infinity };

/** False for a closed loop. */
export function hasRate(spec: ProfileSpec): spec is RatedSpec {
  return spec.kind !== "max" && spec.kind !== "users";
}

/** True for a rate that follows what is observed. */
export function isFed(spec: ProfileSpec): spec is RatedSpec<"backlog" | "topUp"> {
  return spec.kind === "backlog" || spec.kind === "topUp";
}

/** True for one that an order may name. */
export function isOrderable(spec: RatedSpec): spec is OrderableSpec {
  return !(NOT_ORDERED as readonly string[]).includes(spec.kind);
}

/** What a scenario starts where the file of a replay names it: its entries, in this order; null: those of the mix. */
export function recordedKinds(spec: ProfileSpec): readonly RecordedKind[] | null {
  return spec.kind === "replay" ? (spec.recording?.tasks?.kinds ?? null) : null;
}

/**
 * Makes the profile of a specification.
 *
 * @throws RangeError when a rate or duration is negative or not finite, when there are no stages, when
 * a repeated cycle has no length, or when there is no such zone. The configuration's schema refuses all of these first.
 */
export function createProfile<Kind extends RatedKind>(spec: RatedSpec<Kind>): Profile {
  return PROFILES[spec.kind](spec);
}

/** The stages of any profile, a closed loop included. */
export function stagesOf(spec: ProfileSpec): readonly Stage[] {
  if (hasRate(spec)) return createProfile(spec).stages;
  return spec.kind === "max" ? [MAX_STAGE] : userNumbers(spec).stages;
}

/** When a profile ends by itself, in milliseconds; Infinity when it never does. */
export function endOf(spec: ProfileSpec): number {
  if (hasRate(spec)) return createProfile(spec).endMs;
  return spec.kind === "max" ? Infinity : userNumbers(spec).endMs;
}

/** The highest rate that a profile can hold, starts a second; Infinity for `max`, and for users who need not wait. */
export function peakOf(spec: ProfileSpec): number {
  if (hasRate(spec)) return createProfile(spec).peakBy(Infinity);
  return spec.kind === "max" ? Infinity : mostStartsPerSecond(spec);
}

/**
 * How long each stage of a profile has lasted, all cycles together, when it was followed for `activeMs`: no longer
 * than it is, unless it repeats.
 */
export function stageTimesMs(stages: readonly Stage[], activeMs: number): number[] {
  const lengths = stages.map(({ durationMs }) => durationMs);
  if (lengths[0] === Infinity) return [activeMs];
  const cycleMs = lengths.reduce((sum, length) => sum + length, 0);
  const cycles = cycleMs === 0 ? 0 : Math.floor(activeMs / cycleMs);
  let leftMs = activeMs - cycles * cycleMs;
  return lengths.map((length) => {
    const partMs = Math.min(length, leftMs);
    leftMs -= partMs;
    return cycles * length + partMs;
  });
}
