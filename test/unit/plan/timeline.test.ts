import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Arrival, startsAt } from "../../../src/plan/arrival.js";
import type { Choose } from "../../../src/plan/mix.js";
import { createProfile, type RatedSpec } from "../../../src/plan/profile.js";
import { firstRegime, type RateOverride, type Regime } from "../../../src/plan/regime.js";
import { ALL_STARTS, type Deal, inBlocks } from "../../../src/plan/share.js";
import { Starts } from "../../../src/plan/starts.js";
import { createTimeline, type Timeline } from "../../../src/plan/timeline.js";
import { anyPlan, anyShape } from "./profiles.js";

/** A change of a timeline, as orders make them: what it is at a moment after the one before. */
interface Step {
  readonly afterMs: number;
  readonly isPaused: boolean;
  readonly override: RateOverride | null;
  readonly overMs: number;
  readonly burst: { readonly count: number; readonly overMs: number } | null;
  readonly weights: readonly number[] | null;
  readonly throttle: number;
  /** Where the plan jumps to; null: it goes on. */
  readonly planMs: number | null;
}

/** 20 s before the clocks of Berlin are put forward. */
const ZERO_UNIX_MS = Date.parse("2027-03-28T00:59:40Z");

const perSecond = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 400 }),
  fc.double({ min: 0.01, max: 50, noNaN: true }),
);
const weights = fc.constantFrom([1, 1], [3, 1], [0, 1], [5, 2]);
const override: fc.Arbitrary<RateOverride> = fc.oneof(
  fc.record({ kind: fc.constant("rate" as const), perSecond }),
  fc.record({
    kind: fc.constant("scale" as const),
    factor: fc.double({ min: 0, max: 5, noNaN: true }),
  }),
  fc.record({ kind: fc.constant("profile" as const), profile: anyShape, fromMs: fc.constant(0) }),
);
const step: fc.Arbitrary<Step> = fc.record({
  afterMs: fc.oneof(
    fc.integer({ min: 0, max: 9_000 }),
    fc.double({ min: 0, max: 2_000, noNaN: true }),
  ),
  isPaused: fc.boolean(),
  override: fc.option(override),
  overMs: fc.constantFrom(0, 1, 750, 6_000),
  burst: fc.option(
    fc.record({ count: fc.integer({ min: 1, max: 60 }), overMs: fc.constantFrom(1, 400, 5_000) }),
  ),
  weights: fc.option(weights),
  throttle: fc.constantFrom(1, 1, 0.01, 0.343),
  planMs: fc.option(fc.integer({ min: 0, max: 60_000 })),
});
const steps = fc.array(step, { maxLength: 8 });
const HORIZON_MS = 60_000;

function planOf(spec: RatedSpec) {
  return { profile: createProfile(spec), endMs: 50_000, untilMs: HORIZON_MS };
}

/** The regimes that the steps make of a timeline, and the timeline after each. */
function follow(
  first: Timeline,
  steps: readonly Step[],
): { regimes: Regime[]; timelines: Timeline[] } {
  const regimes: Regime[] = [];
  const timelines = [first];
  let fromMs = 0;
  for (const { afterMs, isPaused, override, overMs, burst, weights, throttle, planMs } of steps) {
    const before = timelines.at(-1)!;
    fromMs += afterMs;
    const ramp =
      overMs === 0
        ? null
        : { fromMs, fromPerSecond: before.rateAt(fromMs), untilMs: fromMs + overMs };
    const bursts = [
      ...before.regime.bursts,
      ...(burst === null ? [] : [{ count: burst.count, fromMs, untilMs: fromMs + burst.overMs }]),
    ];
    const own = override?.kind === "profile" ? { ...override, fromMs } : override;
    const regime: Regime = {
      ...{ fromMs, planMs: planMs ?? before.planMsAt(fromMs), isPaused, ramp, bursts, weights },
      ...{ throttle, override: own, zeroUnixMs: before.regime.zeroUnixMs },
    };
    regimes.push(regime);
    timelines.push(before.change(regime));
  }
  return { regimes, timelines };
}

test("without a change a timeline is its profile, to the bit", () => {
  fc.assert(
    fc.property(anyPlan, fc.integer({ min: 1, max: 5_000 }), (spec, n) => {
      const profile = createProfile(spec).since(ZERO_UNIX_MS);
      const plan = { profile, endMs: Infinity, untilMs: Infinity };
      const timeline = createTimeline(plan, firstRegime(0, ZERO_UNIX_MS));
      assert.equal(timeline.timeOf(n), profile.timeOf(n));
      assert.equal(timeline.startsBy(n * 7.3), profile.startsBy(n * 7.3));
      assert.equal(timeline.endMs, profile.endMs);
      const late = createTimeline(plan, firstRegime(3_000, ZERO_UNIX_MS));
      assert.equal(late.rateAt(2_999), 0);
      // The clock on the wall does not wait.
      if (profile.zone === null) assert.equal(late.timeOf(n), profile.timeOf(n) + 3_000);
      else assert.equal(late.rateAt(3_000), profile.rateAt(3_000));
    }),
  );
});

test("whatever is ordered, N never falls and has no jump, and its rate is what it grows by", () => {
  fc.assert(
    fc.property(anyShape, steps, (spec, steps) => {
      const { timelines, regimes } = follow(
        createTimeline(planOf(spec), firstRegime(0, ZERO_UNIX_MS)),
        steps,
      );
      const timeline = timelines.at(-1)!;
      for (const { fromMs } of regimes) {
        const [before, after] = [timeline.startsBy(fromMs - 1e-6), timeline.startsBy(fromMs)];
        // A burst at once is 60 starts in a millisecond.
        assert.ok(after - before < 1e-3, `${after - before} starts at ${fromMs} ms`);
      }
      let last = 0;
      for (let ms = 0; ms <= HORIZON_MS; ms += 97) {
        const starts = timeline.startsBy(ms);
        assert.ok(starts >= last - 1e-9 * starts, `N falls at ${ms} ms`);
        last = starts;
      }
    }),
    { numRuns: 300 },
  );
});

test("a start is due where N has reached its number, at the earliest", () => {
  fc.assert(
    fc.property(anyShape, steps, (spec, steps) => {
      const timeline = follow(
        createTimeline(planOf(spec), firstRegime(0, ZERO_UNIX_MS)),
        steps,
      ).timelines.at(-1)!;
      const total = timeline.startsBy(HORIZON_MS);
      // What lies longer ago than late threads can ask for is forgotten.
      const known = timeline.startsBy(Math.max(0, timeline.regime.fromMs - 10_000));
      let lastMs = 0;
      for (let n = Math.ceil(known) + 1; n < Math.min(total, known + 300); n++) {
        const dueMs = timeline.timeOf(n);
        assert.ok(dueMs >= lastMs, `start ${n} is due before the one before`);
        lastMs = dueMs;
        assert.ok(Math.abs(timeline.startsBy(dueMs) - n) < 1e-6 * n + 1e-5, `start ${n}`);
      }
    }),
    { numRuns: 300 },
  );
});

interface Start {
  readonly number: number;
  readonly dueMs: number;
  readonly entry: number;
}

/** Of profiles that have no end. */
const MOST_STARTS = 1_200;

/** What one place starts when it hears of each change `leadMs` before it holds, and looks at what is due at any time. */
function startsOf(
  spec: RatedSpec,
  { arrival, choose }: { readonly arrival: Arrival; readonly choose: Choose },
  steps: readonly Step[],
  deal: Deal,
  startsBefore: number,
): Start[] {
  const first = createTimeline(planOf(spec), firstRegime(0, ZERO_UNIX_MS), startsBefore);
  const { timelines, regimes } = follow(first, steps);
  const due = new Starts({ timeline: first, arrival, choose, seed: 3, deal, weights: [2, 1] });
  const list: Start[] = [];
  const takeUntil = (untilMs: number) => {
    while (due.nextMs <= untilMs && list.length < MOST_STARTS) {
      const { nextNumber: number, nextMs: dueMs } = due;
      list.push({ number, dueMs, entry: due.take() });
    }
  };
  for (const [index, { fromMs }] of regimes.entries()) {
    takeUntil(fromMs - 5);
    due.follow(timelines[index + 1]!);
  }
  takeUntil(Infinity);
  return list;
}

test("threads and segments that hear the same orders do exactly the timeline's starts, each once", () => {
  fc.assert(
    fc.property(
      ...[
        anyPlan,
        fc.record({
          arrival: fc.constantFrom<Arrival>("even", "poisson", { burstOf: 5 }),
          choose: fc.constantFrom<Choose>("exact", "random"),
        }),
        steps,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(1, 4, 16),
        fc.constantFrom(0, 12.25, 400),
      ],
      (spec, how, steps, of, threads, block, startsBefore) => {
        const whole = startsOf(spec, how, steps, ALL_STARTS, startsBefore);
        const first = startsAt(startsBefore, how.arrival);
        assert.deepEqual(
          whole.map(({ number }) => number),
          whole.map((_, index) => first + index),
          "none is lost, none doubled",
        );
        const parts = Array.from({ length: of * threads }, (_, part) => {
          const segment = { index: part % of, of };
          const thread = { index: Math.floor(part / of), of: threads };
          return startsOf(spec, how, steps, inBlocks(segment, thread, block), startsBefore);
        });
        const union = parts.flat().sort((one, other) => one.number - other.number);
        const most = whole.length < MOST_STARTS ? whole.length : (3 / 4) * MOST_STARTS;
        assert.deepEqual(union.slice(0, most), whole.slice(0, most));
        if (whole.length < MOST_STARTS) assert.equal(union.length, whole.length);
      },
    ),
    { numRuns: 150 },
  );
});

const TEN: RatedSpec = { kind: "constant", ratePerSecond: 10 };

test("a ramp is a straight line from the rate that was to the one that is ordered", () => {
  const first = createTimeline(planOf(TEN), firstRegime(0, ZERO_UNIX_MS));
  const timeline = first.change({
    ...firstRegime(0, ZERO_UNIX_MS),
    ...{ fromMs: 1_000, planMs: 1_000, override: { kind: "rate", perSecond: 50 } },
    ramp: { fromMs: 1_000, fromPerSecond: 10, untilMs: 5_000 },
  });
  assert.deepEqual(
    [500, 1_000, 2_000, 3_000, 5_000, 9_000].map((ms) => timeline.rateAt(ms)),
    [10, 10, 20, 30, 50, 50],
  );
  assert.equal(timeline.startsBy(5_000), 10 + 120);
  assert.equal(timeline.startsBy(6_000), 180);
});

test("a burst adds its starts and no more, at once or spread out", () => {
  const rising: RatedSpec = {
    kind: "ramp",
    fromPerSecond: 0,
    stages: [{ toPerSecond: 100, durationMs: 10_000 }],
  };
  for (const spec of [TEN, rising]) {
    const first = createTimeline(planOf(spec), firstRegime(0, ZERO_UNIX_MS));
    for (const overMs of [1, 2_000]) {
      const bursts = [{ count: 100, fromMs: 3_000, untilMs: 3_000 + overMs }];
      const timeline = first.change({
        ...firstRegime(0, ZERO_UNIX_MS),
        fromMs: 3_000,
        planMs: 3_000,
        bursts,
      });
      const more = (ms: number) => timeline.startsBy(ms) - first.startsBy(ms);
      assert.equal(more(3_000), 0);
      assert.ok(Math.abs(more(3_000 + overMs / 2) - 50) < 1e-9);
      assert.ok(Math.abs(more(9_000) - 100) < 1e-9);
      const n = Math.ceil(first.startsBy(3_000)) + 50;
      assert.ok(Math.abs(timeline.startsBy(timeline.timeOf(n)) - n) < 1e-9);
    }
  }
});

test("a pause moves the end of the plan, but not that of the run; an override moves neither", () => {
  const plan = { profile: createProfile(TEN), endMs: 5_000, untilMs: 20_000 };
  const first = createTimeline(plan, firstRegime(0, ZERO_UNIX_MS));
  assert.equal(first.endMs, 5_000);
  const paused = first.change({
    ...firstRegime(0, ZERO_UNIX_MS),
    fromMs: 2_000,
    planMs: 2_000,
    isPaused: true,
  });
  assert.equal(paused.endMs, 20_000);
  const resumed = paused.change({
    ...firstRegime(0, ZERO_UNIX_MS),
    fromMs: 9_000,
    planMs: paused.planMsAt(9_000),
  });
  assert.equal(resumed.endMs, 12_000);
  assert.equal(resumed.startsBy(60_000), 50);
  const late = paused.change({ ...firstRegime(0, ZERO_UNIX_MS), fromMs: 19_000, planMs: 2_000 });
  assert.equal(late.endMs, 20_000);
  assert.equal(late.startsBy(60_000), 30);
  const faster = { kind: "rate", perSecond: 100 } as const;
  const raised = first.change({
    ...firstRegime(0, ZERO_UNIX_MS),
    fromMs: 4_000,
    planMs: 4_000,
    override: faster,
  });
  assert.equal(raised.endMs, 5_000);
  assert.equal(raised.startsBy(60_000), 140);
});
