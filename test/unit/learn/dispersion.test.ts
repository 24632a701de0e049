import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  dispersionOf,
  dispersionsOfSteps,
  dispersionsOfTimes,
  fitArrival,
  indexOfBursts,
} from "../../../src/learn/dispersion.js";
import type { Dispersion } from "../../../src/learn/traffic.js";
import { type Arrival, createArrivals } from "../../../src/plan/arrival.js";
import { createProfile } from "../../../src/plan/profile.js";
import { createRandom } from "../../../src/plan/random.js";

const LENGTH_MS = 180_000;

/** Each start is late by up to so much, as producers' are. */
function timesOf(arrival: Arrival, ratePerSecond: number, seed: number, lateMs = 0): Float64Array {
  const profile = createProfile({ kind: "constant", ratePerSecond });
  const arrivals = createArrivals(profile, arrival, seed, LENGTH_MS);
  const random = createRandom(seed);
  const times: number[] = [];
  while (arrivals.nextMs < Infinity) {
    times.push(arrivals.nextMs + random() * lateMs);
    arrivals.advance();
  }
  return Float64Array.from(times).sort();
}

function fitted(arrival: Arrival, ratePerSecond: number, seed: number, lateMs: number) {
  return fitArrival(
    dispersionsOfTimes(timesOf(arrival, ratePerSecond, seed, lateMs), 0, LENGTH_MS),
  );
}

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test("even arrivals are found, also late by some milliseconds", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), seeds, (rate, seed) => {
      assert.equal(fitted("even", rate, seed, 2), "even");
    }),
    { numRuns: 50 },
  );
});

test("Poisson arrivals are found", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), seeds, (rate, seed) => {
      assert.equal(fitted("poisson", rate, seed, 2), "poisson");
    }),
    { numRuns: 50 },
  );
});

test("bursts are found, and how many are in one within a fifth, also when they take a moment to be sent", () => {
  const burst = fc.record({
    size: fc.integer({ min: 8, max: 400 }),
    // One in two seconds to one in eight: at least twenty of them are heard.
    everySeconds: fc.integer({ min: 16, max: 64 }).map((eighths) => eighths / 8),
    lateMs: fc.integer({ min: 0, max: 100 }),
  });
  fc.assert(
    fc.property(burst, seeds, ({ size, everySeconds, lateMs }, seed) => {
      const found = fitted({ burstOf: size }, size / everySeconds, seed, lateMs);
      assert.ok(typeof found === "object" && found !== null, String(found));
      assert.ok(Math.abs(found.burstOf / size - 1) <= 0.2, `${found.burstOf} of ${size}`);
    }),
    { numRuns: 100 },
  );
});

test("bursts that windows of a second cut all alike are as large as they are", () => {
  const times = timesOf({ burstOf: 40 }, 20, 1, 100).map((ms) => ms - 50);
  const found = fitArrival(dispersionsOfTimes(times, 0, LENGTH_MS));
  assert.ok(typeof found === "object" && found !== null && found.burstOf >= 38, String(found));
});

const at = (seconds: number, index: number, mean: number): Dispersion => ({ seconds, index, mean });
const fits: [what: string, dispersions: Dispersion[], arrival: Arrival | null][] = [
  ["nothing known", [], null],
  ["a minute's counts of even traffic", [at(60, 0.01, 600)], "even"],
  ["a minute's counts of Poisson traffic", [at(60, 1.1, 600)], "poisson"],
  // A rate that sways by minutes has no bursts that could be seen.
  ["a minute's counts that sway", [at(60, 30, 600)], "poisson"],
  ["a minute's counts that sway as much as they are", [at(60, 400, 600)], "poisson"],
  ["ten seconds' counts that sway a little", [at(10, 4.3, 900)], "poisson"],
  ["a burst every other minute", [at(60, 50, 25)], { burstOf: 50 }],
];
for (const [what, dispersions, expected] of fits) {
  test(`the arrival of ${what}`, () => {
    const found = fitArrival(dispersions);
    if (typeof expected !== "object" || expected === null) return assert.equal(found, expected);
    assert.ok(typeof found === "object" && found !== null);
    assert.ok(Math.abs(found.burstOf / expected.burstOf - 1) < 0.1, JSON.stringify(found));
  });
}

test("the index of bursts is n where windows have at most one, and 0 where each has as many", () => {
  for (const mean of [1, 4, 20]) assert.equal(indexOfBursts(40, mean), 40);
  for (const mean of [40, 80]) assert.equal(indexOfBursts(40, mean), 0);
  assert.equal(indexOfBursts(40, 60), (40 * 0.5) / 1.5);
});

test("a rate that grows is not bursty, what is not known is left out, and few windows say nothing", () => {
  const growing = Array.from({ length: 100 }, (_, window) => 10 * window);
  assert.ok(dispersionOf(growing, 1)!.index < 0.2);
  const holes = growing.map((count, window) => (window % 10 === 0 ? null : count));
  assert.ok(dispersionOf(holes, 1)!.index < 0.2);
  assert.equal(dispersionOf(growing.slice(0, 8), 1), null);
  assert.equal(dispersionOf(new Array<number>(100).fill(0), 1), null);
});

test("steps are put together to each scale of which they are whole parts", () => {
  const scales = (stepMs: number, steps: number) => {
    const known = new Array<boolean>(steps).fill(true);
    return dispersionsOfSteps(new Array<number>(steps).fill(3), known, stepMs).map((each) => [
      ...[each.seconds, each.index, each.mean],
    ]);
  };
  assert.deepEqual(scales(1_000, 1_000), [
    [1, 0, 3],
    [10, 0, 30],
    [60, 0, 180],
  ]);
  assert.deepEqual(scales(15_000, 100), [[60, 0, 12]]);
  assert.deepEqual(scales(60_000, 5), []);
});
