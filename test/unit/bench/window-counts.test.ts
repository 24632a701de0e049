import assert from "node:assert/strict";
import { test } from "node:test";
import { largestDeviation } from "../../bench/parts/window-counts.js";

const RATE = 100;
const even = Array.from({ length: 5 * RATE }, (_, index) => index * 10);

test("largestDeviation() of tasks that come as planned is one at most", () => {
  const { deviation, allowed, keptShare } = largestDeviation(Float64Array.from(even), RATE);
  assert.ok(deviation <= 1, String(deviation));
  assert.equal(allowed, 1.2);
  assert.equal(keptShare, 1);
});

test("largestDeviation() sees tasks that were held up and came together", () => {
  const held = even.map((ms) => (ms >= 2000 && ms < 2300 ? 2300 : ms));
  const { deviation, keptShare } = largestDeviation(Float64Array.from(held), RATE);
  assert.ok(Math.abs(deviation - 30) <= 1, String(deviation));
  assert.ok(keptShare < 1);
});

test("largestDeviation() sees tasks that never came", () => {
  const missing = even.filter((ms) => ms < 2000 || ms >= 2300);
  const { deviation } = largestDeviation(Float64Array.from(missing), RATE);
  assert.ok(Math.abs(deviation - 30) <= 1, String(deviation));
});
