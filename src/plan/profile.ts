import { type Curve, createPiecewiseLinear, type Segment } from "./piecewise-linear.js";
import { stageName } from "./stage-name.js";

/** A profile as the configuration writes it, in starts a second and milliseconds. */
export type ProfileSpec =
  | { readonly kind: "constant"; readonly ratePerSecond: number }
  | { readonly kind: "steps"; readonly stages: readonly StepSpec[]; readonly repeat: boolean }
  | { readonly kind: "ramp"; readonly fromPerSecond: number; readonly stages: readonly RampSpec[] }
  | { readonly kind: "max" };

/** One stage of a profile that has stages. */
export type StageSpec = StepSpec | RampSpec;

/** A rate that is held for a while. */
export interface StepSpec {
  readonly ratePerSecond: number;
  readonly durationMs: number;
}

/** A rate that goes in a straight line from that of the stage before to `toPerSecond`. */
export interface RampSpec {
  readonly toPerSecond: number;
  readonly durationMs: number;
}

/** How many starts are due by when, and in which stage: a curve with names on it. */
export interface Profile extends Curve {
  /** At least one; those of one cycle when the profile repeats. */
  readonly stages: readonly Stage[];
}

/** One stage of a profile, as it is shown. */
export interface Stage {
  /** As the configuration writes it: `20/s for 5s`, `5/s to 200/s over 15m`, `20/s`. */
  readonly name: string;
  readonly kind: "hold" | "ramp";
  readonly fromPerSecond: number;
  readonly toPerSecond: number;
  /** Infinity for a constant rate. */
  readonly durationMs: number;
}

/**
 * Makes the profile of a specification. Everything but `max` (which has no rate of its own: it is a
 * closed loop) is a row of straight lines.
 *
 * @throws RangeError when a rate or duration is negative or not finite, when there are no stages, or
 * when a repeated cycle has no length. The configuration's schema refuses all of these first.
 */
export function createProfile(spec: Exclude<ProfileSpec, { kind: "max" }>): Profile {
  const segments = segmentsOf(spec);
  const curve = createPiecewiseLinear(segments, spec.kind === "steps" && spec.repeat);
  return { ...curve, stages: segments.map(stageOf) };
}

/** How many stages a profile has; `max` has one. */
export function stageCountOf(spec: ProfileSpec): number {
  return spec.kind === "steps" || spec.kind === "ramp" ? spec.stages.length : 1;
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

function segmentsOf(spec: Exclude<ProfileSpec, { kind: "max" }>): Segment[] {
  switch (spec.kind) {
    case "constant":
      return [hold(spec.ratePerSecond, Infinity)];
    case "steps":
      return spec.stages.map((step) => hold(step.ratePerSecond, step.durationMs));
    case "ramp":
      return segmentsOfRamp(spec.fromPerSecond, spec.stages);
  }
}

function hold(ratePerSecond: number, durationMs: number): Segment {
  return { fromPerSecond: ratePerSecond, toPerSecond: ratePerSecond, durationMs };
}

function segmentsOfRamp(fromPerSecond: number, stages: readonly RampSpec[]): Segment[] {
  let before = fromPerSecond;
  return stages.map(({ toPerSecond, durationMs }) => {
    const segment = { fromPerSecond: before, toPerSecond, durationMs };
    before = toPerSecond;
    return segment;
  });
}

function stageOf(segment: Segment): Stage {
  const kind = segment.fromPerSecond === segment.toPerSecond ? "hold" : "ramp";
  return { name: stageName(segment), kind, ...segment };
}
