import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Distribution,
  indexBy,
  logNormal,
  normal,
  zipf,
} from "../../../src/celery/messages/distributions.js";
import { createRandom } from "../../../src/plan/random.js";

const COUNT = 100_000;

function drawn(distribution: Distribution): number[] {
  const random = createRandom(7);
  return Array.from({ length: COUNT }, () => distribution(random)).sort((a, b) => a - b);
}

const near = (value: number, expected: number, share: number) =>
  assert.ok(Math.abs(value - expected) <= Math.abs(expected) * share, `${value}, not ${expected}`);

test("normal() has its mean, and its deviation at the usual quantiles", () => {
  const values = drawn(normal(100, 15));
  near(values.reduce((sum, value) => sum + value) / COUNT, 100, 0.01);
  near(values[Math.floor(COUNT * 0.8413)]!, 115, 0.01);
  near(values[Math.floor(COUNT * 0.0228)]!, 70, 0.02);
});

test("logNormal() has its median, and its factor above and below", () => {
  const values = drawn(logNormal(200, 1.5));
  near(values[COUNT / 2]!, 200, 0.02);
  near(values[Math.floor(COUNT * 0.8413)]!, 300, 0.02);
  near(values[Math.floor(COUNT * 0.1587)]!, 200 / 1.5, 0.02);
});

test("zipf() and indexBy() have each number as often as its weight says", () => {
  for (const [distribution, weights, first] of [
    [zipf(5, 1.1), [1, 2, 3, 4, 5].map((k) => k ** -1.1), 1],
    [indexBy([1, 0, 9]), [1, 0, 9], 0],
  ] as const) {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const values = drawn(distribution);
    for (const [index, weight] of weights.entries()) {
      const count = values.filter((value) => value === first + index).length;
      near(count, (COUNT * weight) / total, 0.03);
    }
  }
});
