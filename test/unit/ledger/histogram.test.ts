import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  fineTable,
  observe,
  observeSpaced,
  quantileMs,
  sumMs,
} from "../../../src/ledger/histogram.js";
import { createLayout } from "../../../src/ledger/layout.js";

const layout = createLayout({
  entries: 2,
  scenarios: 1,
  connections: 1,
  bucketsMs: [5, 10, 100, 1000],
  phaseBucketsMs: [5, 100],
  data: 0,
  exceptionRows: 2,
  sloRows: 0,
  userRows: 0,
  slots: 8,
});
const place = layout.entryHistogram(1, "latencySucceeded");
const countsOf = (cells: Float64Array) => [...cells.subarray(place.offset, place.offset + 5)];

test("observe() counts a value in the bucket whose bound contains it, bounds included", () => {
  const cells = new Float64Array(layout.cellCount);
  for (const value of [0, 5, 5.0001, 10, 100, 1000, 1000.1, 1e9]) observe(cells, place, value);
  assert.deepEqual(countsOf(cells), [2, 2, 1, 1, 2]);
  assert.equal(sumMs(cells, place), 0 + 5 + 5.0001 + 10 + 100 + 1000 + 1000.1 + 1e9);
});

test("observeSpaced() is observe() of each of the values", () => {
  const ms = fc.integer({ min: 0, max: 400_000 }).map((value) => value / 100);
  fc.assert(
    fc.property(ms, ms, fc.nat(200), (greatestMs, wideMs, most) => {
      const stepMs = wideMs / 10 + 0.5;
      const count = Math.min(most, Math.floor(greatestMs / stepMs));
      const [one, all] = [new Float64Array(layout.cellCount), new Float64Array(layout.cellCount)];
      observeSpaced(all, place, greatestMs, stepMs, count);
      for (let n = 0; n < count; n++)
        observe(one, place, greatestMs - (count - 1) * stepMs + (count - 1 - n) * stepMs);
      assert.ok(Math.abs(sumMs(one, place) - sumMs(all, place)) < 1e-6 * (1 + sumMs(one, place)));
      for (const cells of [one, all]) cells[place.offset + place.boundsMs.length + 1] = 0;
      // At a border rounding may choose either side of it: never more than one value, and the total is the same.
      for (const [cell, value] of one.entries()) assert.ok(Math.abs(value - all[cell]!) <= 1);
      const total = (cells: Float64Array) => cells.reduce((sum, cell) => sum + cell, 0);
      assert.equal(total(all), 2 * count);
      assert.equal(total(one), total(all));
    }),
  );
});

test("observe() writes to its own histogram only", () => {
  const cells = new Float64Array(layout.cellCount);
  observe(cells, place, 50);
  const other = layout.entryHistogram(0, "latencySucceeded");
  assert.equal(
    cells.subarray(other.offset, other.offset + 5).some((count) => count > 0),
    false,
  );
  assert.equal(
    cells.reduce((sum, cell) => sum + cell, 0),
    1 + 50 + 1,
  );
});

test("observe() counts like a plain loop over the bounds", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true })), (values) => {
      const cells = new Float64Array(layout.cellCount);
      for (const value of values) observe(cells, place, value);
      const bounds = [5, 10, 100, 1000, Number.POSITIVE_INFINITY];
      const slow = bounds.map(
        (bound, i) => values.filter((v) => v <= bound && (i === 0 || v > bounds[i - 1]!)).length,
      );
      assert.deepEqual(countsOf(cells), slow);
    }),
  );
});

test("quantileMs() is within one per cent of the exact quantile from 100 µs to one hour", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.1, max: 3_600_000, noNaN: true }), {
        minLength: 1,
        maxLength: 200,
      }),
      fc.constantFrom(0.5, 0.9, 0.99, 0.999, 1),
      (values, q) => {
        const cells = new Float64Array(layout.cellCount);
        for (const value of values) observe(cells, place, value);
        const sorted = Float64Array.from(values).sort();
        const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;
        const read = quantileMs(fineTable(cells, place), q);
        assert.ok(Math.abs(read - exact) <= exact * 0.01, `${read} for ${exact}`);
      },
    ),
  );
});

test("quantileMs() of nothing is NaN; values beyond the table count at its ends", () => {
  const cells = new Float64Array(layout.cellCount);
  assert.ok(Number.isNaN(quantileMs(fineTable(cells, place), 0.5)));
  observe(cells, place, 0);
  assert.ok(quantileMs(fineTable(cells, place), 1) < 0.1);
  observe(cells, place, 1e12);
  assert.ok(quantileMs(fineTable(cells, place), 1) > 4_000_000);
});
