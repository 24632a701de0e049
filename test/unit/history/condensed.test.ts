import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Condensed } from "../../../src/history/condensed.js";
import { addSparse, sparseGrowth, sparseSum } from "../../../src/history/sparse.js";

const condensed = (mostItems: number, mostCells = Number.POSITIVE_INFINITY) =>
  new Condensed<number[]>({
    steps: [1, 2, 10, 30],
    mostItems,
    mostCells,
    cellsOf: (item) => item.length,
    join: (items) => items.flat(),
  });

test("neighbours become one when there are too many, and each then stands for longer", () => {
  const kept = condensed(4);
  const steps: number[] = [];
  for (let second = 0; second < 120; second += kept.stepSeconds) {
    steps.push(kept.stepSeconds);
    kept.push(Array.from({ length: kept.stepSeconds }, (_, index) => second + index));
  }
  assert.deepEqual([...new Set(steps)], [1, 2, 10, 30]);
  const seconds = kept.items.flat();
  assert.deepEqual(
    seconds,
    [...seconds].sort((a, b) => a - b),
  );
  assert.equal(new Set(seconds).size, seconds.length);
});

test("nothing is lost, whatever comes, and the bounds hold", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(9), { maxLength: 8 }), { maxLength: 100 }),
      fc.integer({ min: 1, max: 9 }),
      (items, most) => {
        const kept = condensed(most, 40);
        for (const item of items) kept.push(item);
        assert.deepEqual(kept.items.flat(), items.flat());
        assert.ok(kept.items.length <= most);
        assert.ok(kept.items.length <= 1 || kept.items.flat().length <= 40);
      },
    ),
  );
});

test("sparse tables are what has grown, and add up to the whole", () => {
  const table = fc.array(fc.nat(3), { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(table, { minLength: 1, maxLength: 5 }), (growths) => {
      const before = new Float64Array(12);
      const parts = growths.map((growth) => {
        const now = before.map((count, cell) => count + growth[cell]!);
        const part = sparseGrowth(before, now, 1.5);
        before.set(now);
        return part;
      });
      const whole = new Float64Array(12);
      const sum = sparseSum(parts, 12);
      addSparse(whole, sum);
      assert.deepEqual([...whole], [...before]);
      assert.equal(sum.sumMs, 1.5 * parts.length);
      assert.ok(sum.counts.every((count) => count > 0));
    }),
  );
});
