import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createMix, startAfter } from "../../../src/plan/mix.js";
import { createProfile } from "../../../src/plan/profile.js";
import { firstRegime } from "../../../src/plan/regime.js";
import { inBlocks } from "../../../src/plan/share.js";
import { Starts } from "../../../src/plan/starts.js";
import { createTimeline } from "../../../src/plan/timeline.js";

const weights = fc
  .array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 })
  .filter((all) => all.some((weight) => weight > 0));

test("startAfter() is where the mix deals out that start", () => {
  fc.assert(
    fc.property(weights, fc.nat(3), fc.nat(200), (all, counted, count) => {
      const mix = createMix(all);
      const number = startAfter(all, (entry) => entry === counted, count);
      if ((all[counted] ?? 0) === 0) {
        assert.equal(number, Number.POSITIVE_INFINITY);
        return;
      }
      let before = 0;
      for (let start = 0; start < number; start++) before += Number(mix.take() === counted);
      assert.equal(before, count);
      assert.equal(mix.take(), counted);
    }),
  );
});

/** The rows of the starts of one share, by the number of the entry. */
function rowsOf(
  segment: { index: number; of: number },
  thread: { index: number; of: number },
  block: number,
  mix: readonly number[],
  most: number,
) {
  const profile = createProfile({ kind: "constant", ratePerSecond: 100 });
  const timeline = createTimeline(
    { profile, endMs: 5_000, untilMs: Number.POSITIVE_INFINITY },
    firstRegime(0, 0),
  );
  const starts = new Starts({
    timeline,
    arrival: "even",
    choose: "exact",
    seed: 1,
    deal: inBlocks(segment, thread, block),
    weights: mix,
    rows: { dataOf: mix.map((_, entry) => (entry === 0 ? -1 : 0)), most: [most] },
  });
  const taken: { entry: number; row: number }[] = [];
  while (starts.nextMs < Number.POSITIVE_INFINITY) {
    const entry = starts.take();
    taken.push({ entry, row: starts.ordinal });
  }
  return { taken, isOut: starts.isOutOfRows };
}

test("threads and segments take every row once, and end with the last one", () => {
  fc.assert(
    fc.property(
      ...([
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 7 }),
      ] as const),
      fc.tuple(
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 2 }),
      ),
      fc.option(fc.integer({ min: 1, max: 200 }), { nil: Number.POSITIVE_INFINITY }),
      (segments, threads, block, mix, most) => {
        const parts = Array.from({ length: segments * threads }, (_, part) =>
          rowsOf(
            { index: part % segments, of: segments },
            { index: Math.floor(part / segments), of: threads },
            block,
            mix,
            most,
          ),
        );
        const all = parts.flatMap(({ taken }) => taken);
        const rows = all.filter(({ entry }) => entry > 0).map(({ row }) => row);
        rows.sort((a, b) => a - b);
        assert.deepEqual(
          rows,
          rows.map((_, index) => index),
        );
        if (all.length < 500) {
          assert.equal(rows.length, most);
          assert.ok(parts.every(({ isOut }) => isOut));
        } else assert.ok(rows.length <= most);
      },
    ),
  );
});
