import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ClockOffsets, DRIFT, type TaskTimes } from "../../../src/engine/clock-offsets.js";

const TASK = fc.record({
  waitMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
  runMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
  deliveryMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
});

const HOUR_MS = 3_600_000;

/** A task that was published at `publishedMs` by our clock, of a worker whose clock is `offsetMs` ahead. */
function timesOf(
  publishedMs: number,
  offsetMs: number,
  { waitMs, runMs, deliveryMs }: { waitMs: number; runMs: number; deliveryMs: number },
): TaskTimes {
  const startedMs = publishedMs + waitMs;
  const endedMs = startedMs + runMs;
  return {
    publishedMs,
    startedMs: startedMs + offsetMs,
    endedMs: endedMs + offsetMs,
    receivedMs: endedMs + deliveryMs,
  };
}

/** Nothing is waited for but `delayMs` either way. */
const quick = (publishedMs: number, offsetMs: number, delayMs: number) =>
  timesOf(publishedMs, offsetMs, { waitMs: delayMs, runMs: 0, deliveryMs: delayMs });

test("the true offset of a clock that drifts is never farther from the estimate than the uncertainty says", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e7, max: 1e7, noNaN: true }),
      fc.double({ min: -DRIFT, max: DRIFT, noNaN: true }),
      fc.array(TASK, { minLength: 1, maxLength: 50 }),
      (firstOffsetMs, drift, tasks) => {
        const offsets = new ClockOffsets();
        let publishedMs = 1e12;
        const offsetAt = (unixMs: number) => firstOffsetMs + drift * (unixMs - 1e12);
        for (const { waitMs, runMs, deliveryMs } of tasks) {
          const startedMs = publishedMs + waitMs;
          const endedMs = startedMs + runMs;
          const receivedMs = endedMs + deliveryMs;
          const times = {
            publishedMs,
            startedMs: startedMs + offsetAt(startedMs),
            endedMs: endedMs + offsetAt(endedMs),
            receivedMs,
          };
          const { offsetMs, uncertaintyMs } = offsets.bound(1, times, receivedMs);
          assert.ok(Math.abs(offsetMs - offsetAt(receivedMs)) <= uncertaintyMs + 0.01);
          publishedMs += 30_000;
        }
      },
    ),
  );
});

test("each worker has its own clock", () => {
  const offsets = new ClockOffsets();
  offsets.bound(1, quick(-20, 0, 10), 0);
  offsets.bound(2, quick(-20, 5_000, 10), 0);
  const clocks = [...offsets.all(0)].map(([worker, { offsetMs, uncertaintyMs }]) => [
    worker,
    Math.round(offsetMs),
    Math.round(uncertaintyMs),
  ]);
  assert.deepEqual(clocks, [
    [1, 0, 10],
    [2, 5_000, 10],
  ]);
});

test("a backlog that grows for ten minutes loosens what was known before by no more than drift", () => {
  const offsets = new ClockOffsets();
  offsets.bound(1, quick(0, 700, 2), 4);
  for (let second = 1; second <= 600; second++) {
    const waits = { waitMs: second * 500, runMs: 200, deliveryMs: 2 };
    const receivedMs = second * 1_500 + 202;
    const { offsetMs, uncertaintyMs } = offsets.bound(
      1,
      timesOf(second * 1_000, 700, waits),
      receivedMs,
    );
    // Results still bound it from one side.
    assert.ok(uncertaintyMs <= 2 + (DRIFT / 2) * receivedMs + 0.01, `${uncertaintyMs}`);
    assert.ok(Math.abs(offsetMs - 700) <= uncertaintyMs, `${offsetMs}`);
  }
});

test("a clock that drifts faster than allowed is followed, as new tasks contradict old bounds", () => {
  const offsets = new ClockOffsets();
  // 100 ms of delay either way, 1 ms of drift a second: after ten minutes it is 600 ms ahead.
  for (let second = 0; second <= 600; second++) {
    offsets.bound(1, quick(second * 1_000, second, 100), second * 1_000 + 200);
  }
  const { offsetMs, uncertaintyMs } = offsets.all(600_200).get(1)!;
  assert.ok(Math.abs(offsetMs - 600) <= 100 && uncertaintyMs <= 101, `${offsetMs}`);
});

test("what is known of a clock that nobody tells of any more is less and less", () => {
  const offsets = new ClockOffsets();
  offsets.bound(1, quick(0, 0, 1), 2);
  const { uncertaintyMs } = offsets.all(HOUR_MS).get(1)!;
  assert.ok(Math.abs(uncertaintyMs - (1 + DRIFT * HOUR_MS)) < 0.01, `${uncertaintyMs}`);
});

test("a clock that was set is believed at once", () => {
  const offsets = new ClockOffsets();
  offsets.bound(1, quick(0, 0, 1), 2);
  const { offsetMs, uncertaintyMs } = offsets.bound(1, quick(1_000, HOUR_MS, 10), 1_020);
  assert.deepEqual([Math.round(offsetMs), Math.round(uncertaintyMs)], [HOUR_MS, 10]);
});

test("a clock that is set while a task runs leaves bounds in their order", () => {
  const offsets = new ClockOffsets();
  const task = { publishedMs: 0, startedMs: 1, endedMs: 90_200, receivedMs: 202 };
  const { offsetMs, uncertaintyMs } = offsets.bound(1, task, 202);
  assert.ok(uncertaintyMs > 0 && offsetMs > 0 && offsetMs < 90_000, `${offsetMs}`);
});

test("however many workers come, few clocks are kept", () => {
  const offsets = new ClockOffsets();
  for (let worker = 0; worker < 5_000; worker++) offsets.bound(worker, quick(0, 0, 1), 0);
  assert.equal(offsets.all(0).size, 1_000);
  assert.ok(offsets.all(0).has(4_999));
});

test("a task within which the worker's clock was set is known, and none before or after", () => {
  for (const stepMs of [HOUR_MS, -HOUR_MS, 1_500, -1_500, 86_400_000]) {
    for (const offsetMs of [0, 250, -HOUR_MS]) {
      const offsets = new ClockOffsets();
      const run = (publishedMs: number, startMs: number, endMs: number) => {
        const all = { waitMs: 5, runMs: 200, deliveryMs: 5 };
        const { startedMs, endedMs, ...times } = timesOf(publishedMs, offsetMs, all);
        const task = { ...times, startedMs: startedMs + startMs, endedMs: endedMs + endMs };
        return { task, isSet: offsets.straddlesStep(1, task, times.receivedMs) };
      };
      const before = run(1e12, 0, 0);
      assert.equal(before.isSet, false, "nothing is known yet");
      offsets.bound(1, before.task, before.task.receivedMs);
      const what = `${stepMs} ms, ${offsetMs} ms ahead`;
      assert.equal(run(1e12 + 1_000, 0, 0).isSet, false, what);
      assert.equal(run(1e12 + 2_000, 0, stepMs).isSet, true, what);
      const after = run(1e12 + 3_000, stepMs, stepMs);
      assert.equal(after.isSet, false, what);
      const { offsetMs: found } = offsets.bound(1, after.task, after.task.receivedMs);
      assert.ok(Math.abs(found - offsetMs - stepMs) <= 205, what);
      assert.equal(run(1e12 + 4_000, stepMs, stepMs).isSet, false, what);
    }
  }
});

test("a start that is heard of late is no step, and of another worker nothing is known", () => {
  const offsets = new ClockOffsets();
  const first = timesOf(1e12, 0, { waitMs: 5, runMs: 200, deliveryMs: 5 });
  offsets.bound(1, first, first.receivedMs);
  const late = { ...first, startedMs: first.endedMs + 900 };
  assert.equal(offsets.straddlesStep(1, late, first.receivedMs), false);
  const back = { ...first, endedMs: first.endedMs - HOUR_MS };
  assert.equal(offsets.straddlesStep(1, back, first.receivedMs), true);
  assert.equal(offsets.straddlesStep(2, back, first.receivedMs), true, "by its own two times");
  const ahead = timesOf(1e12, HOUR_MS, { waitMs: 5, runMs: 200, deliveryMs: 5 });
  offsets.bound(1, ahead, ahead.receivedMs);
  const old = { ...ahead, startedMs: ahead.startedMs - HOUR_MS };
  assert.equal(offsets.straddlesStep(1, old, ahead.receivedMs), true, "the new clock is known");
  offsets.forget();
  assert.equal(offsets.all(first.receivedMs).size, 0);
});
