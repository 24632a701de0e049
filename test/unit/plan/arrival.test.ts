import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Arrival, createArrivals, startsAt } from "../../../src/plan/arrival.js";
import { createProfile } from "../../../src/plan/profile.js";
import { anySpec, type LinesSpec, wholeSpec } from "./profiles.js";

function dueTimes(
  spec: LinesSpec,
  kind: Arrival,
  seed: number,
  endMs: number,
  most = Infinity,
): number[] {
  const arrivals = createArrivals(createProfile(spec), kind, seed, endMs);
  const times: number[] = [];
  while (arrivals.nextMs < Infinity && times.length < most) {
    times.push(arrivals.nextMs);
    arrivals.advance();
  }
  return times;
}

const STEPS: LinesSpec = {
  kind: "steps",
  repeat: true,
  stages: [
    { ratePerSecond: 20, durationMs: 5000 },
    { ratePerSecond: 100, durationMs: 5000 },
    { ratePerSecond: 0, durationMs: 2000 },
  ],
};

const UP_AND_DOWN: LinesSpec = {
  kind: "ramp",
  fromPerSecond: 0,
  stages: [
    { toPerSecond: 40, durationMs: 5000 },
    { toPerSecond: 0, durationMs: 5000 },
  ],
};

test("even arrivals of 50/s for 20s are exactly 1000, 20 ms apart, the last at 20 s", () => {
  const times = dueTimes({ kind: "constant", ratePerSecond: 50 }, "even", 1, 20_000);
  assert.deepEqual(
    times,
    Array.from({ length: 1000 }, (_, index) => (index + 1) * 20),
  );
});

test("bursts are due together where N reaches their last start, and no start is ahead of the plan", () => {
  const times = dueTimes({ kind: "constant", ratePerSecond: 100 }, { burstOf: 40 }, 1, 1_999);
  assert.deepEqual([...new Set(times)], [400, 800, 1200, 1600]);
  assert.equal(times.length, 160);
  fc.assert(
    fc.property(anySpec, fc.integer({ min: 1, max: 60 }), (spec, burstOf) => {
      const profile = createProfile(spec);
      const due = dueTimes(spec, { burstOf }, 1, 20_000, 2_000);
      const even = dueTimes(spec, "even", 1, 20_000, 2_000);
      for (const [index, dueMs] of due.entries()) {
        // Each is due when the last of its burst is, had they come evenly.
        const last = startsAt(index, { burstOf }) + burstOf - 1;
        if (last < even.length) assert.equal(dueMs, even[last]);
      }
      if (due.length < 2_000) assert.equal(due.length, startsAt(even.length, { burstOf }));
      assert.ok(profile.startsBy(due.at(-1) ?? 0) >= due.length * (1 - 1e-9));
    }),
  );
});

test("even arrivals of repeated steps are 100, 500 and none in every cycle", () => {
  const times = dueTimes(STEPS, "even", 1, 36_000);
  assert.equal(times.length, 1800);
  for (const startMs of [0, 12_000, 24_000]) {
    const between = (fromMs: number, toMs: number) =>
      times.filter((dueMs) => dueMs > startMs + fromMs && dueMs <= startMs + toMs).length;
    assert.deepEqual(
      [between(0, 5000), between(5000, 10_000), between(10_000, 12_000)],
      [100, 500, 0],
    );
  }
});

test("even arrivals by t are as many as N(t) rounded down", () => {
  fc.assert(
    fc.property(anySpec, fc.integer({ min: 0, max: 100_000 }), (spec, elapsedMs) => {
      const profile = createProfile(spec);
      const expected = profile.startsBy(elapsedMs);
      fc.pre(expected < 100_000);
      const { length } = dueTimes(spec, "even", 1, elapsedMs);
      const isAtBorder = Math.abs(expected - Math.round(expected)) <= 1e-9 * Math.max(1, expected);
      assert.equal(length, isAtBorder ? Math.round(expected) : Math.floor(expected));
    }),
    { numRuns: 300 },
  );
});

test("even arrivals over whole stages are exactly rate times duration", () => {
  fc.assert(
    fc.property(wholeSpec, (spec) => {
      const profile = createProfile(spec);
      fc.pre(profile.endMs < Infinity && profile.startsBy(profile.endMs) < 100_000);
      const { length } = dueTimes(spec, "even", 1, profile.endMs);
      assert.equal(length, Math.floor(profile.startsBy(profile.endMs)));
    }),
  );
});

test("arrivals come in order and none after the end", () => {
  const kind = fc.constantFrom("even" as const, "poisson" as const);
  fc.assert(
    fc.property(anySpec, kind, fc.nat(), fc.nat(1_000_000), (spec, arrival, seed, endMs) => {
      let beforeMs = 0;
      for (const dueMs of dueTimes(spec, arrival, seed, endMs, 2000)) {
        assert.ok(dueMs >= beforeMs && dueMs <= endMs);
        beforeMs = dueMs;
      }
    }),
  );
});

test("a rate a minute keeps its last start at the very end", () => {
  for (const perMinute of [1, 5, 7, 11, 13, 49, 59]) {
    const times = dueTimes({ kind: "constant", ratePerSecond: perMinute / 60 }, "even", 1, 600_000);
    assert.equal(times.length, perMinute * 10);
    assert.equal(times.at(-1), 600_000);
  }
});

test("a rate of 0 has no arrivals, and going on is harmless", () => {
  for (const kind of ["even", "poisson"] as const) {
    const arrivals = createArrivals(
      createProfile({ kind: "constant", ratePerSecond: 0 }),
      kind,
      1,
      Infinity,
    );
    arrivals.advance();
    assert.equal(arrivals.nextMs, Infinity);
  }
});

test("poisson arrivals are the same for the same seed and different for another", () => {
  const first = dueTimes(STEPS, "poisson", 7, 36_000);
  assert.deepEqual(dueTimes(STEPS, "poisson", 7, 36_000), first);
  assert.notDeepEqual(dueTimes(STEPS, "poisson", 8, 36_000), first);
});

const SEEDS = Array.from({ length: 2000 }, (_, index) => index);

/** Counts of the starts in a window, one for each seed. */
function countsIn(spec: LinesSpec, fromMs: number, toMs: number): number[] {
  return SEEDS.map(
    (seed) => dueTimes(spec, "poisson", seed, toMs).filter((dueMs) => dueMs > fromMs).length,
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function covariance(ones: readonly number[], others: readonly number[]): number {
  const [meanOne, meanOther] = [mean(ones), mean(others)];
  return mean(ones.map((one, index) => (one - meanOne) * (others[index]! - meanOther)));
}

const WINDOWS: [string, LinesSpec, number, number][] = [
  ["a constant rate", { kind: "constant", ratePerSecond: 30 }, 0, 1000],
  ["the slow step", STEPS, 1000, 3000],
  ["the border of two steps and the pause", STEPS, 9500, 11_500],
  ["the second cycle", STEPS, 12_000, 14_000],
  ["a growing ramp", UP_AND_DOWN, 1000, 3000],
  ["a falling ramp", UP_AND_DOWN, 8000, 10_000],
];

for (const [what, spec, fromMs, toMs] of WINDOWS) {
  test(`poisson counts over ${what} have the mean and the variance of N`, () => {
    const profile = createProfile(spec);
    const expected = profile.startsBy(toMs) - profile.startsBy(fromMs);
    const counts = countsIn(spec, fromMs, toMs);
    // Five standard errors; of a Poisson variance that is √((2 λ² + λ) / seeds). Seeds are fixed.
    const meanError = Math.sqrt(expected / SEEDS.length);
    const varianceError = Math.sqrt((2 * expected ** 2 + expected) / SEEDS.length);
    assert.ok(Math.abs(mean(counts) - expected) < 5 * meanError);
    assert.ok(Math.abs(covariance(counts, counts) - expected) < 5 * varianceError);
  });
}

test("poisson counts of two windows after each other are not correlated", () => {
  const spec: LinesSpec = { kind: "constant", ratePerSecond: 30 };
  const before = countsIn(spec, 0, 1000);
  const after = countsIn(spec, 1000, 2000);
  const correlation =
    covariance(before, after) / Math.sqrt(covariance(before, before) * covariance(after, after));
  assert.ok(Math.abs(correlation) < 5 / Math.sqrt(SEEDS.length));
});
