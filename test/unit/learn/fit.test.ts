import assert from "node:assert/strict";
import { test } from "node:test";
import { dispersionsOfTimes } from "../../../src/learn/dispersion.js";
import { measureFit } from "../../../src/learn/fit.js";
import { fitText } from "../../../src/learn/fit-text.js";
import { learnPlan, scaled } from "../../../src/learn/learned-plan.js";
import { type Arrival, createArrivals } from "../../../src/plan/arrival.js";
import { createProfile } from "../../../src/plan/profile.js";
import { MONDAY_MS, trafficOf } from "./traffics.js";

const OPTIONS = { zone: "UTC", isOneDay: false };

/** Traffic at 20/s with an arrival, of which each time is known. */
function traffic(arrival: Arrival) {
  const profile = createProfile({ kind: "constant", ratePerSecond: 20 });
  const starts = createArrivals(profile, arrival, 99, 600_000);
  const times: number[] = [];
  const counts = new Array<number>(60).fill(0);
  for (; starts.nextMs < 600_000; starts.advance()) {
    times.push(starts.nextMs);
    counts[Math.floor(starts.nextMs / 10_000)]!++;
  }
  const timesMs = Float64Array.from(times);
  return trafficOf(counts, 10_000, {
    dispersions: dispersionsOfTimes(timesMs, 0, 600_000),
    timesUnixMs: timesMs.map((ms) => MONDAY_MS + ms),
  });
}

for (const arrival of ["even", "poisson", { burstOf: 50 }] as const) {
  test(`a plan fits its own traffic: ${JSON.stringify(arrival)}`, () => {
    const source = traffic(arrival);
    const plan = learnPlan(source, OPTIONS);
    assert.deepEqual(plan.arrival, arrival);
    const fit = measureFit(plan, source);
    assert.ok(Math.abs(fit.tasks.plan / fit.tasks.source - 1) < 0.001);
    assert.equal(fit.mix, 0);
    // Poisson counts of 200 tasks differ by 7 % (1 σ).
    assert.ok(fit.rate.distance < (arrival === "even" ? 0.01 : 0.15), String(fit.rate.distance));
    assert.ok(fit.gaps! < 0.1, String(fit.gaps));
    for (const { seconds, source: measured, plan: planned } of fit.dispersions) {
      if (seconds <= 1) assert.ok(Math.abs(measured - planned!) <= 0.25 + 0.1 * measured);
    }
  });
}

test("a plan of another rate, mix or arrival is told apart, and by how much", () => {
  const source = traffic("poisson");
  const plan = learnPlan(source, OPTIONS);
  const half = measureFit(scaled(plan, 0.5), source);
  assert.ok(Math.abs(half.rate.distance - 0.5) < 0.01, String(half.rate.distance));
  assert.ok(Math.abs(half.tasks.plan / half.tasks.source - 0.5) < 0.01);
  const even = measureFit({ ...plan, arrival: "even" }, source);
  // Of exponential gaps and equal ones of mean 1: 2 ÷ e.
  assert.ok(Math.abs(even.gaps! - 2 / Math.E) < 0.05, String(even.gaps));

  const two = trafficOf(new Array<number>(60).fill(100), 10_000, {
    tasks: [
      ["shop.pay", "urgent", 0.5],
      ["shop.resize", "images", 0.5],
    ],
  });
  const ofTwo = learnPlan(two, OPTIONS);
  const [one, other] = ofTwo.tasks;
  const tilted = {
    ...ofTwo,
    tasks: [
      { ...one!, weight: 75 },
      { ...other!, weight: 25 },
    ],
  };
  assert.equal(measureFit(tilted, two).mix, 0.25);
});

test("a mix that changes over the day is told, as the plan has one", () => {
  const given = trafficOf(new Array<number>(60).fill(100), 10_000, {
    tasks: [
      ["shop.pay", "urgent", 1],
      ["shop.resize", "images", 1],
    ],
  });
  const [pay, resize] = given.tasks;
  const half = (isFirst: boolean) =>
    Array.from(pay!.counts, (count, step) => (step < 30 === isFirst ? count : 0));
  const apart = {
    ...given,
    tasks: [
      { ...pay!, counts: half(true) },
      { ...resize!, counts: half(false) },
    ],
  };
  const fit = measureFit(learnPlan(apart, OPTIONS), apart);
  assert.deepEqual([fit.mix, fit.mixByWindow], [0, 0.5]);
});

test("the fit is a table that says what is apart", () => {
  const source = traffic({ burstOf: 50 });
  const text = fitText(measureFit(learnPlan(source, OPTIONS), source), 80);
  assert.match(
    text,
    /^How well the plan fits +source +plan +apart\ntasks +11,950 +11,952 +0\.0 %\n/,
  );
  assert.match(text, /\ngaps between tasks +\d+\.\d %\n$/);
});
