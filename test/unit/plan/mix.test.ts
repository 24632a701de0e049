import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countShares, createMix, mixOf } from "../../../src/plan/mix.js";

function take(weights: readonly number[], starts: number): number[] {
  const mix = createMix(weights);
  return Array.from({ length: starts }, () => mix.take());
}

/** |n w / W - count| < 1 for every entry after every n, in whole numbers. */
function assertNeverOffByOne(entries: readonly number[], weights: readonly bigint[]): void {
  const total = weights.reduce((sum, weight) => sum + weight);
  const counts = weights.map(() => 0n);
  for (const [index, entry] of entries.entries()) {
    counts[entry]! += 1n;
    const starts = BigInt(index + 1);
    for (const [other, weight] of weights.entries()) {
      const lag = starts * weight - counts[other]! * total;
      assert.ok(lag < total && -lag < total, `entry ${other} is off by 1 after ${starts}`);
    }
  }
}

const atLeastOne = (weights: readonly number[]) => weights.some((weight) => weight > 0);

test("every prefix is off by less than 1, for whole weights", () => {
  const weights = fc.array(fc.nat(40), { minLength: 1, maxLength: 12 }).filter(atLeastOne);
  fc.assert(
    fc.property(weights, (values) => {
      assertNeverOffByOne(take(values, 1500), values.map(BigInt));
    }),
    { numRuns: 300 },
  );
});

test("every prefix is off by less than 1, for weights far apart and without a short cycle", () => {
  const weight = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 1_000_000 }));
  fc.assert(
    fc.property(fc.array(weight, { minLength: 1, maxLength: 8 }), (values) => {
      assertNeverOffByOne(take(values, 1500), values.map(BigInt));
    }),
    { numRuns: 300 },
  );
});

test("decimal weights are taken as they are written", () => {
  const hundredths = fc.array(fc.nat(500), { minLength: 1, maxLength: 8 }).filter(atLeastOne);
  fc.assert(
    fc.property(hundredths, (values) => {
      const decimals = values.map((value) => value / 100);
      assertNeverOffByOne(take(decimals, 1000), values.map(BigInt));
    }),
    { numRuns: 200 },
  );
});

test("any weights are off by less than 1", () => {
  const weight = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(fc.array(weight, { minLength: 1, maxLength: 6 }), (weights) => {
      const total = weights.reduce((sum, value) => sum + value);
      const counts = weights.map(() => 0);
      for (const [index, entry] of take(weights, 1000).entries()) {
        counts[entry]! += 1;
        for (const [other, value] of weights.entries()) {
          assert.ok(Math.abs(((index + 1) * value) / total - counts[other]!) < 1 + 1e-9);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("a mix of 3 and 1 puts the rare task among the frequent ones", () => {
  assert.deepEqual(take([3, 1], 8), [0, 0, 1, 0, 0, 0, 1, 0]);
});

test("only the ratio of the weights counts", () => {
  assert.deepEqual(take([30, 10], 100), take([3, 1], 100));
  assert.deepEqual(take([0.75, 0.25], 100), take([3, 1], 100));
});

test("an entry of weight 0 is never taken", () => {
  assert.deepEqual(take([0, 1, 0], 3), [1, 1, 1]);
});

test("createMix() refuses weights that have no meaning", () => {
  for (const weights of [[], [0], [0, 0], [-1, 2], [Number.NaN], [Infinity, 1]]) {
    assert.throws(() => createMix(weights), RangeError);
  }
});

test("countShares() counts what createMix() deals out", () => {
  const weights = fc.array(fc.nat(40), { minLength: 1, maxLength: 6 }).filter(atLeastOne);
  fc.assert(
    fc.property(weights, fc.nat(2000), (values, starts) => {
      const counts = values.map(() => 0);
      for (const entry of take(values, starts)) counts[entry]! += 1;
      assert.deepEqual(countShares(values, starts), counts);
    }),
  );
});

test("countShares() rounds to the right sum when there is no short cycle", () => {
  const weights = [Math.PI, Math.E, 1 / 3];
  const counts = countShares(weights, 1_000_000_007);
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    1_000_000_007,
  );
  const total = weights.reduce((sum, weight) => sum + weight);
  for (const [entry, weight] of weights.entries()) {
    assert.ok(Math.abs(counts[entry]! - (weight / total) * 1_000_000_007) < 1);
  }
});

test("a mix that is drawn has its shares on the average, by its seed, and nothing of weight 0", () => {
  const weights = [3, 0, 1, 0.5];
  const drawn = (seed: number) => {
    const mix = mixOf("random", weights, seed);
    return Array.from({ length: 20_000 }, () => mix.take());
  };
  const counts = weights.map(() => 0);
  for (const entry of drawn(1)) counts[entry]! += 1;
  for (const [entry, weight] of weights.entries()) {
    const expected = (20_000 * weight) / 4.5;
    assert.ok(Math.abs(counts[entry]! - expected) <= 5 * Math.sqrt(expected), `${counts}`);
  }
  assert.equal(counts[1], 0);
  assert.deepEqual(drawn(1), drawn(1));
  assert.notDeepEqual(drawn(1), drawn(2));
  // Two of the same in a row are as frequent as chance has them, which interleaving avoids.
  const twice = drawn(3).filter((entry, index, all) => entry === 2 && all[index + 1] === 2).length;
  assert.ok(Math.abs(twice - 20_000 / 20.25) < 150, `${twice}`);
});
