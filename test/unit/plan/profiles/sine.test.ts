import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createProfile, type RatedSpec } from "../../../../src/plan/profile.js";
import { sineSpec } from "../profiles.js";

type Sine = RatedSpec<"sine">;

const part = fc.double({ min: 0, max: 20, noNaN: true });
const DAY_MS = 86_400_000;

function sine(spec: Partial<Sine>): Sine {
  return {
    ...{ kind: "sine", meanPerSecond: 50, amplitudePerSecond: 30, periodMs: DAY_MS },
    peak: { atMs: DAY_MS / 2, zone: null },
    ...spec,
  };
}

test("startsBy() never decreases, not by one bit, and neither does it where the rate is nearly 0", () => {
  fc.assert(
    fc.property(sineSpec, part, fc.integer({ min: 1, max: 64 }), (spec, periods, bits) => {
      const profile = createProfile(spec);
      const ms = periods * spec.periodMs;
      let last = profile.startsBy(ms);
      for (let step = 1; step <= 20; step++) {
        const starts = profile.startsBy(ms * (1 + step * bits * Number.EPSILON));
        assert.ok(starts >= last, `${starts} after ${last}`);
        last = starts;
      }
      // About a lowest point, where a bit of N is long.
      const lowestMs = spec.peak.atMs + spec.periodMs * (Math.floor(periods) + 0.5);
      last = profile.startsBy(lowestMs - 50);
      for (let nearMs = lowestMs - 50; nearMs < lowestMs + 50; nearMs += bits / 7) {
        const starts = profile.startsBy(nearMs);
        assert.ok(starts >= last, `${starts} after ${last}`);
        last = starts;
      }
    }),
    { numRuns: 1000 },
  );
});

/** The area under the rate by Simpson's rule, in so many parts. */
function areaUnder(spec: Sine, fromMs: number, toMs: number): number {
  const { meanPerSecond, amplitudePerSecond, periodMs, peak } = spec;
  const rateAt = (ms: number) => {
    const angle = (2 * Math.PI * (ms - peak.atMs)) / periodMs;
    return Math.max(0, meanPerSecond + amplitudePerSecond * Math.cos(angle));
  };
  const parts = 20_000;
  const width = (toMs - fromMs) / parts;
  let sum = 0;
  for (let index = 0; index < parts; index++) {
    const ms = fromMs + index * width;
    sum += (rateAt(ms) + 4 * rateAt(ms + width / 2) + rateAt(ms + width)) / 6;
  }
  return (sum * width) / 1000;
}

test("the starts are the area under the rate, also where that is cut at 0", () => {
  const span = fc.tuple(part, fc.double({ min: 0, max: 2, noNaN: true }));
  fc.assert(
    fc.property(sineSpec, span, (spec, [from, length]) => {
      const byPlan = { ...spec, peak: { ...spec.peak, zone: null } };
      const profile = createProfile(byPlan);
      const [fromMs, toMs] = [from * spec.periodMs, (from + length) * spec.periodMs];
      const starts = profile.startsBy(toMs) - profile.startsBy(fromMs);
      const area = areaUnder(byPlan, fromMs, toMs);
      // Simpson's rule errs at the corners of a cut.
      assert.ok(
        Math.abs(starts - area) <= 2e-6 * (1 + profile.startsBy(spec.periodMs)),
        `${starts} ${area}`,
      );
    }),
    { numRuns: 60 },
  );
});

test("timeOf() is the inverse of startsBy(), and never decreases but for rounding", () => {
  fc.assert(
    fc.property(sineSpec, part, (spec, periods) => {
      const profile = createProfile(spec);
      const n = profile.startsBy(periods * spec.periodMs);
      fc.pre(n > 1e-6);
      const dueMs = profile.timeOf(n);
      const error = Math.abs(profile.startsBy(dueMs) - n);
      const highest = spec.meanPerSecond + spec.amplitudePerSecond;
      // Of all starts since a Monday.
      const lastDigit = 2 * Number.EPSILON * (1 + highest * 7 * 86_400);
      // Times are read in steps, and have a last digit.
      const readMs = spec.periodMs * 2 ** -47 + 8 * Number.EPSILON * dueMs;
      assert.ok(error <= (highest * readMs) / 1000 + 1e-13 * n + lastDigit, `${error} of ${n}`);
      assert.ok(dueMs <= periods * spec.periodMs * (1 + 1e-9) + 1, "the earliest time");
      const next = profile.timeOf(n * (1 + 1e-9));
      assert.ok(dueMs <= next * (1 + 16 * Number.EPSILON));
    }),
    { numRuns: 3000 },
  );
});

test("a period has its mean times its length, to the bit, however often it returns", () => {
  const profile = createProfile(sine({}));
  for (const days of [1, 2, 365, 36_500]) {
    assert.equal(profile.startsBy(days * DAY_MS), days * 50 * 86_400);
    assert.equal(profile.timeOf(days * 50 * 86_400), days * DAY_MS);
  }
  assert.equal(profile.rateAt(0), 20);
  assert.equal(profile.rateAt(DAY_MS / 2), 80);
  assert.equal(profile.peakBy(DAY_MS), 80);
});

test("an amplitude above the mean is cut at 0, and the integral is that of what is left", () => {
  const spec = sine({ meanPerSecond: 0, amplitudePerSecond: Math.PI });
  const profile = createProfile(spec);
  // Half a period of π cos: 2 P / 2π × π = P, in seconds.
  assert.ok(Math.abs(profile.startsBy(DAY_MS) - 86_400) < 1e-9);
  assert.equal(profile.startsBy(DAY_MS / 4), 0);
  assert.equal(profile.rateAt(DAY_MS / 5), 0);
  const n = profile.startsBy(DAY_MS);
  assert.ok(profile.timeOf(n) <= (3 * DAY_MS) / 4, "due when the last start is, not in the night");
  const nothing = createProfile(sine({ meanPerSecond: 0, amplitudePerSecond: 0 }));
  assert.equal(nothing.timeOf(1), Infinity);
  assert.equal(nothing.startsBy(1e12), 0);
});

test("a local peak stays at its hour when the clocks are changed, whenever the profile begins", () => {
  const peak = { atMs: 14 * 3_600_000, zone: "Europe/Berlin" };
  const profile = createProfile(sine({ peak }));
  const noons = [
    "2027-03-27T13:00Z",
    "2027-03-28T12:00Z",
    "2027-10-30T12:00Z",
    "2027-10-31T13:00Z",
  ];
  for (const begin of ["2027-01-01T00:00Z", "2027-03-26T23:11Z"]) {
    const since = profile.since(Date.parse(begin));
    for (const noon of noons) {
      const ms = Date.parse(noon) - Date.parse(begin);
      assert.ok(Math.abs(since.rateAt(ms) - 80) < 1e-9, `${noon} from ${begin}`);
    }
  }
});

test("a weekly peak is on its day", () => {
  const peak = { atMs: (2 * 24 + 14) * 3_600_000, zone: "Asia/Tokyo" };
  const since = createProfile(sine({ periodMs: 7 * DAY_MS, peak })).since(Date.parse("2027-06-01"));
  // 2027-06-02 is a Wednesday.
  const ms = Date.parse("2027-06-02T14:00+09:00") - Date.parse("2027-06-01");
  assert.ok(Math.abs(since.rateAt(ms) - 80) < 1e-9);
});
