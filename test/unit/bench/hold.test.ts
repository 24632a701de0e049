import assert from "node:assert/strict";
import { test } from "node:test";
import { quantile, slope } from "../../bench/statistics.js";
import { holdOf } from "../../bench/worker/hold.js";

test("holdOf() of a number holds each task as long", () => {
  const hold = holdOf("20");
  assert.deepEqual([hold.next(), hold.next(), hold.isEven], [20, 20, true]);
});

test("holdOf() pareto has the quantiles that it promises", () => {
  const hold = holdOf("pareto:5");
  const times = Float64Array.from({ length: 100_000 }, () => hold.next()).sort();
  assert.ok(Math.abs(quantile(times, 0.5) / (5 / Math.sqrt(0.5)) - 1) < 0.01);
  assert.ok(Math.abs(quantile(times, 0.99) / 50 - 1) < 0.01);
  assert.ok(Math.abs(quantile(times, 0.999) / 158.1 - 1) < 0.01);
  assert.ok(quantile(times, 1) <= 1000);
});

test("quantile() is the value at rank ceil(q × n)", () => {
  const values = [1, 2, 3, 4];
  assert.deepEqual(
    [0, 0.25, 0.26, 0.5, 1].map((q) => quantile(values, q)),
    [1, 1, 2, 2, 4],
  );
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test("slope() finds a straight line through noise that cancels out", () => {
  const points = Array.from({ length: 100 }, (_, x) => [x, 3 * x + (x % 2)] as const);
  assert.ok(Math.abs(slope(points) - 3) < 0.01);
});
