import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createArrivals } from "../../../src/plan/arrival.js";
import { createMix } from "../../../src/plan/mix.js";
import { createProfile } from "../../../src/plan/profile.js";
import { type Share, shareOf, WHOLE, within } from "../../../src/plan/share.js";
import { anySpec, type RatedSpec } from "./profiles.js";

/** Start number, due time and entry of the starts of a share. */
function starts(spec: RatedSpec, kind: "even" | "poisson", weights: number[], share: Share) {
  const arrivals = createArrivals(createProfile(spec), kind, 7, 60_000, share);
  const mix = createMix(weights, share);
  const list: { number: number; dueMs: number; entry: number }[] = [];
  // Beyond so many all goes on as before.
  while (arrivals.nextMs < Infinity && list.length < 2_000) {
    const number = share.index + share.of * list.length;
    list.push({ number, dueMs: arrivals.nextMs, entry: mix.take() });
    arrivals.advance();
  }
  return list;
}

const segments = fc.integer({ min: 1, max: 5 });
const weights = fc
  .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 })
  .filter((list) => list.some((weight) => weight > 0));

test("the threads of all segments together start exactly the plan, each start once and at its time", () => {
  fc.assert(
    fc.property(
      ...[
        anySpec,
        fc.constantFrom("even" as const, "poisson" as const),
        weights,
        segments,
        segments,
      ],
      (spec, kind, weights, of, threads) => {
        const whole = starts(spec, kind, weights, WHOLE).slice(0, 2_000);
        const union = Array.from({ length: of * threads }, (_, part) => {
          const segment = { index: part % of, of };
          const thread = { index: Math.floor(part / of), of: threads };
          return starts(spec, kind, weights, within(segment, thread));
        }).flat();
        const numbered = union
          .sort((one, other) => one.number - other.number)
          .slice(0, whole.length);
        assert.deepEqual(numbered, whole);
        if (whole.length < 2_000) assert.equal(union.length, whole.length);
      },
    ),
    { numRuns: 200 },
  );
});

test("shares of a number add up to it, and differ by one at most", () => {
  fc.assert(
    fc.property(fc.nat(1e9), segments, segments, (count, of, threads) => {
      const counts = Array.from({ length: of * threads }, (_, part) =>
        shareOf(
          count,
          within({ index: part % of, of }, { index: Math.floor(part / of), of: threads }),
        ),
      );
      assert.equal(
        counts.reduce((sum, each) => sum + each),
        count,
      );
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
    }),
  );
  assert.equal(shareOf(Infinity, { index: 3, of: 4 }), Infinity);
  assert.equal(shareOf(2, { index: 3, of: 4 }), 0);
});
