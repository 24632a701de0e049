import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { quantilesOfBuckets, RunTimeTally } from "../../../src/learn/run-times.js";

test("quantiles of run times are within 4 % of the real ones", () => {
  const seconds = fc.double({ min: 0.001, max: 10_000, noNaN: true });
  fc.assert(
    fc.property(fc.array(seconds, { minLength: 1, maxLength: 200 }), (times) => {
      const tally = new RunTimeTally();
      for (const time of times) tally.add(time);
      const sorted = times.toSorted((one, other) => one - other);
      const quantiles = tally.quantiles()!;
      for (const [found, share] of [
        [quantiles.p50, 0.5],
        [quantiles.p90, 0.9],
        [quantiles.p99, 0.99],
      ] as const) {
        const real = sorted[Math.ceil(share * sorted.length - 1e-9) - 1]!;
        assert.ok(Math.abs(found / real - 1) < 0.04, `${found} for ${real}`);
      }
    }),
  );
  assert.equal(new RunTimeTally().quantiles(), null);
});

test("quantiles of buckets are those of histogram_quantile", () => {
  const buckets = [
    { upTo: 1, count: 95 },
    { upTo: 0.1, count: 60 },
    { upTo: Infinity, count: 100 },
  ];
  const { p50, p90, p99 } = quantilesOfBuckets(buckets)!;
  assert.ok(Math.abs(p50 - 0.1 * (50 / 60)) < 1e-9);
  assert.ok(Math.abs(p90 - (0.1 + 0.9 * (30 / 35))) < 1e-9);
  assert.equal(p99, 1);
  assert.equal(quantilesOfBuckets([{ upTo: Infinity, count: 0 }]), null);
  assert.equal(quantilesOfBuckets([]), null);
});
