import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ClockOffsets } from "../../../src/engine/clock-offsets.js";

const TASK = fc.record({
  waitMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
  runMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
  deliveryMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
});

test("the true offset of a clock is never farther from the estimate than the uncertainty says", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e7, max: 1e7, noNaN: true }),
      fc.array(TASK, { minLength: 1, maxLength: 50 }),
      (trueOffsetMs, tasks) => {
        const offsets = new ClockOffsets();
        let publishedMs = 1e12;
        let lastMs = Number.POSITIVE_INFINITY;
        for (const { waitMs, runMs, deliveryMs } of tasks) {
          const startedMs = publishedMs + waitMs;
          const endedMs = startedMs + runMs;
          const receivedMs = endedMs + deliveryMs;
          const least = endedMs + trueOffsetMs - receivedMs;
          const most = startedMs + trueOffsetMs - publishedMs;
          const { offsetMs, uncertaintyMs } = offsets.bound(1, least, most, 0);
          assert.ok(Math.abs(offsetMs - trueOffsetMs) <= uncertaintyMs + 0.01);
          assert.ok(uncertaintyMs <= lastMs + 0.01, "it never grows within a period");
          lastMs = uncertaintyMs;
          publishedMs += 1_000;
        }
      },
    ),
  );
});

test("each worker has its own clock", () => {
  const offsets = new ClockOffsets();
  offsets.bound(1, -10, 10, 0);
  offsets.bound(2, 4_990, 5_010, 0);
  assert.deepEqual(
    [...offsets.all()],
    [
      [1, { offsetMs: 0, uncertaintyMs: 10 }],
      [2, { offsetMs: 5_000, uncertaintyMs: 10 }],
    ],
  );
});

test("a clock that drifts is followed, as bounds are forgotten after two periods at most", () => {
  const offsets = new ClockOffsets();
  // 100 ms of delay either way, 1 ms of drift a second: after ten minutes it is 600 ms ahead.
  for (let second = 0; second <= 600; second++) {
    offsets.bound(1, second - 100, second + 100, second * 1_000);
  }
  const { offsetMs, uncertaintyMs } = offsets.all().get(1)!;
  assert.ok(Math.abs(offsetMs - 600) <= 62 && uncertaintyMs <= 100, `${offsetMs}`);
});

test("a clock that was set is believed at once", () => {
  const offsets = new ClockOffsets();
  offsets.bound(1, -1, 1, 0);
  assert.deepEqual(offsets.bound(1, 3_599_990, 3_600_010, 1_000), {
    offsetMs: 3_600_000,
    uncertaintyMs: 10,
  });
});

test("however many workers come, few clocks are kept", () => {
  const offsets = new ClockOffsets();
  for (let worker = 0; worker < 5_000; worker++) offsets.bound(worker, -1, 1, 0);
  assert.equal(offsets.all().size, 1_000);
  assert.ok(offsets.all().has(4_999));
});
