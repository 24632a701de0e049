import fc from "fast-check";
import type { ProfileSpec } from "../../../src/plan/profile.js";

/** Any specification that has a rate of its own. */
export type RatedSpec = Exclude<ProfileSpec, { kind: "max" }>;

/** The lines of a specification, one cycle of them. */
export interface Line {
  readonly from: number;
  readonly to: number;
  readonly durationMs: number;
}

/** Rates as they are configured: whole ones, decimal ones, some a minute, and 0. */
const rate = fc.oneof(
  fc.integer({ min: 0, max: 2000 }),
  fc.integer({ min: 0, max: 100 }).map((tenths) => tenths / 10),
  fc.integer({ min: 0, max: 600 }).map((perMinute) => perMinute / 60),
);
const wholeRate = fc.integer({ min: 0, max: 2000 });
const durationMs = fc.integer({ min: 0, max: 600_000 });
const wholeSeconds = fc.integer({ min: 1, max: 600 }).map((seconds) => seconds * 1000);

/** Profiles of every kind. */
export const anySpec = specsOf(rate, durationMs);

/** Profiles whose stages have whole totals (ramps: times two). */
export const wholeSpec = specsOf(wholeRate, wholeSeconds);

function specsOf(
  ratePerSecond: fc.Arbitrary<number>,
  duration: fc.Arbitrary<number>,
): fc.Arbitrary<RatedSpec> {
  const step = fc.record({ ratePerSecond, durationMs: duration });
  const ramp = fc.record({ toPerSecond: ratePerSecond, durationMs: duration });
  return fc.oneof(
    fc.record({ kind: fc.constant("constant" as const), ratePerSecond }),
    fc
      .record({
        kind: fc.constant("steps" as const),
        stages: fc.array(step, { minLength: 1, maxLength: 6 }),
        repeat: fc.boolean(),
      })
      .filter(({ stages }) => stages.some((stage) => stage.durationMs > 0)),
    fc.record({
      kind: fc.constant("ramp" as const),
      fromPerSecond: ratePerSecond,
      stages: fc.array(ramp, { minLength: 1, maxLength: 6 }),
    }),
  );
}

/** The lines of a specification, read off it once more and apart from the code under test. */
export function linesOf(spec: RatedSpec): Line[] {
  switch (spec.kind) {
    case "constant":
      return [{ from: spec.ratePerSecond, to: spec.ratePerSecond, durationMs: Infinity }];
    case "steps":
      return spec.stages.map((stage) => ({
        from: stage.ratePerSecond,
        to: stage.ratePerSecond,
        durationMs: stage.durationMs,
      }));
    case "ramp":
      return spec.stages.map((stage, index) => ({
        from: spec.stages[index - 1]?.toPerSecond ?? spec.fromPerSecond,
        to: stage.toPerSecond,
        durationMs: stage.durationMs,
      }));
  }
}
