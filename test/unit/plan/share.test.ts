import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Arrival } from "../../../src/plan/arrival.js";
import type { Choose } from "../../../src/plan/mix.js";
import { createProfile } from "../../../src/plan/profile.js";
import { firstRegime } from "../../../src/plan/regime.js";
import {
  ALL_STARTS,
  type Deal,
  dealOf,
  inBlocks,
  numberOf,
  shareOf,
  within,
} from "../../../src/plan/share.js";
import { Starts } from "../../../src/plan/starts.js";
import { createTimeline } from "../../../src/plan/timeline.js";
import { anySpec, type LinesSpec } from "./profiles.js";

/** Start number, due time and entry of the starts of a deal. */
function starts(
  spec: LinesSpec,
  kind: Arrival,
  weights: number[],
  deal: Deal,
  choose: Choose = "exact",
) {
  const plan = { profile: createProfile(spec), endMs: 60_000, untilMs: Infinity };
  const timeline = createTimeline(plan, firstRegime(0, 0));
  const due = new Starts({ timeline, arrival: kind, choose, seed: 7, deal, weights });
  const list: { number: number; dueMs: number; entry: number }[] = [];
  // Beyond so many all goes on as before.
  while (due.nextMs < Infinity && list.length < 2_000) {
    const number = numberOf(deal, list.length);
    const dueMs = due.nextMs;
    list.push({ number, dueMs, entry: due.take() });
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
        fc.constantFrom<Arrival>("even", "poisson", { burstOf: 7 }),
        fc.constantFrom<Choose>("exact", "random"),
        weights,
        segments,
        segments,
        fc.integer({ min: 1, max: 300 }),
      ],
      (spec, kind, choose, weights, of, threads, block) => {
        const whole = starts(spec, kind, weights, ALL_STARTS, choose).slice(0, 2_000);
        const union = Array.from({ length: of * threads }, (_, part) => {
          const segment = { index: part % of, of };
          const thread = { index: Math.floor(part / of), of: threads };
          return starts(spec, kind, weights, inBlocks(segment, thread, block), choose);
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

test("a block is as long for every thread, and short against what a thread may have in flight", () => {
  const thread = { index: 1, of: 2 };
  const blockOf = (maxInFlight: number) => dealOf({ index: 0, of: 1 }, thread, maxInFlight).block;
  assert.deepEqual([2, 31, 64, 63, 10_000, 1e6].map(blockOf), [1, 1, 2, 1, 256, 256]);
  assert.equal(dealOf({ index: 1, of: 4 }, thread, 1_024).block, 8);
  const deal = inBlocks({ index: 2, of: 3 }, thread, 2);
  // Of the segment's starts 2, 5, 8, 11, 14, … the second thread has each second two.
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((n) => numberOf(deal, n)),
    [8, 11, 20, 23, 32],
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
