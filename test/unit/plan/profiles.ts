import fc from "fast-check";
import { type RecordableTask, Recorder } from "../../../src/data/recording.js";
import type { OrderableSpec, RatedSpec } from "../../../src/plan/profile.js";

/** Any specification whose rate is a row of straight lines. */
export type LinesSpec = RatedSpec<"constant" | "steps" | "ramp">;

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

/** Profiles of every kind that is a row of straight lines. */
export const anySpec = specsOf(rate, durationMs);

/** Profiles whose stages have whole totals (ramps: times two). */
export const wholeSpec = specsOf(wholeRate, wholeSeconds);

const zone = fc.constantFrom("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC");

/** Sines by the plan's own time, and by the clocks of a zone. */
export const sineSpec: fc.Arbitrary<RatedSpec<"sine">> = fc
  .record({
    meanPerSecond: rate,
    amplitudePerSecond: rate,
    period: fc.oneof(
      fc.record({ periodMs: fc.integer({ min: 100, max: 5_000_000 }), zone: fc.constant(null) }),
      fc.record({ periodMs: fc.constantFrom(20_000, 3_600_000, 86_400_000), zone }),
      fc.record({ periodMs: fc.constant(7 * 86_400_000), zone }),
    ),
    part: fc.double({ min: 0, max: 0.999, noNaN: true }),
  })
  .map(({ period: { periodMs, zone }, part, ...rates }) => ({
    ...{ kind: "sine", ...rates, periodMs },
    peak: { atMs: Math.floor(part * periodMs), zone },
  }));

/** Weeks with a rate at some of their seconds. */
export const weekSpec: fc.Arbitrary<RatedSpec<"week">> = fc
  .record({
    zone,
    isStepped: fc.boolean(),
    first: rate,
    others: fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 604_799 }), rate), {
      maxLength: 12,
      selector: ([second]) => second,
    }),
  })
  .map(({ zone, isStepped, first, others }) => ({
    ...{ kind: "week", zone, isStepped },
    points: [[0, first] as const, ...others.sort(([one], [other]) => one - other)].map(
      ([second, ratePerSecond]) => ({ atMs: second * 1000, ratePerSecond }),
    ),
  }));

/** Profiles of every kind that an order may name. */
export const anyShape: fc.Arbitrary<OrderableSpec> = fc.oneof(anySpec, sineSpec, weekSpec);

const A_TASK: RecordableTask = { key: "a", name: "app.a", queue: "celery", isFixedAs: null };
const MIX: readonly RecordableTask[] = [A_TASK, { ...A_TASK, key: "b", name: "app.b" }];

/** Replays of starts, some at the same time, or of counts; of the tasks `a` and `b`. */
export const replaySpec: fc.Arbitrary<RatedSpec<"replay">> = fc
  .record({
    rows: fc.array(
      fc.record({
        timeMs: fc.oneof(fc.integer({ min: 0, max: 60_000 }), fc.constantFrom(0, 500, 7_000)),
        task: fc.constantFrom("a", "b"),
        count: fc.integer({ min: 1, max: 30 }),
      }),
      { minLength: 1, maxLength: 60 },
    ),
    hasCount: fc.boolean(),
    hasTask: fc.boolean(),
    speed: fc.constantFrom(1, 2, 60, 0.5),
    loop: fc.boolean(),
    maxGapMs: fc.constantFrom(null, 1_000, 20_000),
  })
  .map(({ rows, hasCount, hasTask, speed, loop, maxGapMs }) => {
    const recorder = new Recorder({ speed, maxGapMs, tasks: MIX });
    for (const { timeMs, task, count } of rows) {
      recorder.add({
        ...{ timeMs, queue: null, priority: null },
        ...{ task: hasTask ? task : null, count: hasCount ? count : null },
      });
    }
    const recording = recorder.finish("");
    return { kind: "replay", file: "starts.csv", speed, loop, maxGapMs, recording };
  });

/** Profiles of every kind. */
export const anyPlan: fc.Arbitrary<RatedSpec> = fc.oneof(anyShape, replaySpec);

function specsOf(
  ratePerSecond: fc.Arbitrary<number>,
  duration: fc.Arbitrary<number>,
): fc.Arbitrary<LinesSpec> {
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
export function linesOf(spec: LinesSpec): Line[] {
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
