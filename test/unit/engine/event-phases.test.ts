import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TaskReportWriter } from "../../../src/celery/events/task-reports.js";
import { isoTime } from "../../../src/celery/messages/iso-time.js";
import { slotOf } from "../../../src/celery/messages/task-id.js";
import { type ClockOffset, DRIFT } from "../../../src/engine/clock-offsets.js";
import type { TaskLife } from "../../../src/engine/task-life.js";
import type { EntryHistogram } from "../../../src/ledger/layout.js";
import { entry, setUp, TIMEOUT_MS } from "./life.js";

/** The worker's clock is so much ahead. */
const AHEAD_MS = 3_600_000;

/** The text of a result, with Python's spaces. */
const resultOf = (status: string, doneUnixMs: number) =>
  `{"status": "${status}", "result": {"exc_type": "KeyError"}, "date_done": "${isoTime(doneUnixMs)}"}`;

function setUpWithEvents(entries = [entry("a", 0), entry("b", 9)]) {
  const parts = setUp(20, entries);
  const { life, broker, time, view, start } = parts;
  /** Events of the task `id` reach the engine. */
  const hear = (id: string, type: string, unixMs: number, fields: object = {}, connection = 0) => {
    const writer = new TaskReportWriter("00000000-0000");
    const event = {
      type: `task-${type}`,
      hostname: "w@h",
      unixMs,
      uuid: id,
      fields: { ...fields },
    };
    writer.add(event, () => 1, time.nowMs);
    life.reported(connection, writer.take());
  };
  const startOne = (index = 0) => {
    start(index);
    const { ids, done } = broker.requests.at(-1)!;
    done("accepted");
    return ids[0]!;
  };
  // The first event ever: what came before is not kept.
  hear(startOne(entries.length - 1), "started", 0);
  const phase = (name: EntryHistogram, index = 0) => {
    const counts = new Float64Array(2);
    const sumMs = view().addHistogram(index, name, counts);
    return { count: counts.reduce((sum, count) => sum + count, 0), sumMs };
  };
  return { ...parts, hear, startOne, phase };
}

function assertNear(actual: readonly number[], expected: readonly number[], byMs: number): void {
  for (const [index, value] of expected.entries()) {
    assert.ok(Math.abs(actual[index]! - value) <= byMs, `${actual} is not ${expected} ± ${byMs}`);
  }
}

/** The one worker's clock, but for some drift in a second or two. */
function assertClock(life: TaskLife, { offsetMs, uncertaintyMs }: ClockOffset): void {
  const [[worker, clock] = assert.fail("no clock")] = life.workerClocks(0);
  assert.equal(worker, 1);
  assertNear([clock.offsetMs, clock.uncertaintyMs], [offsetMs, uncertaintyMs], 0.5);
}

/** A task that waits 30 ms, runs 200 ms, and whose result takes 10 ms. */
const STEPS = ["started", "succeeded", "result"] as const;

test("queue, run and delivery add up to the latency, in whatever order the news comes", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...STEPS], { minLength: 3 }), (order) => {
      const { time, hear, startOne, phase, resultText } = setUpWithEvents();
      time.nowMs = 1_000;
      const id = startOne();
      time.nowMs = 1_240;
      for (const step of order) {
        if (step === "started") hear(id, "started", 1_030 + AHEAD_MS);
        if (step === "succeeded") hear(id, "succeeded", 1_232 + AHEAD_MS, { runtime: 0.2 });
        if (step === "result") {
          resultText(id, resultOf("SUCCESS", 1_230 + AHEAD_MS));
        }
      }
      const [queue, run, delivery] = [phase("queue"), phase("run"), phase("delivery")];
      assert.deepEqual([queue.count, run.count, delivery.count], [1, 1, 1]);
      assert.equal(run.sumMs, 200);
      // The offset is between its bounds in the middle: at most 30 ms too much, and at most 9 ms too little,
      // as the event, whose time of receipt is cut to milliseconds, bounds it better than the result.
      assertNear([queue.sumMs, delivery.sumMs], [19.5, 20.5], 0.1);
      assertNear([queue.sumMs + delivery.sumMs], [40], 1e-6);
      assert.equal(phase("latencySucceeded").sumMs, 240);
    }),
  );
});

test("a faster task makes the clock of the worker known better", () => {
  const { time, life, hear, startOne, phase, count, resultText } = setUpWithEvents();
  for (const [waitMs, deliveryMs] of [
    [1, 1],
    [100, 50],
  ] as const) {
    time.nowMs += 1_000;
    const publishedMs = time.nowMs;
    const id = startOne();
    const endedMs = publishedMs + waitMs + 200;
    time.nowMs = endedMs + deliveryMs;
    hear(id, "started", publishedMs + waitMs + AHEAD_MS);
    hear(id, "succeeded", endedMs + AHEAD_MS, { runtime: 0.2 });
    resultText(id, resultOf("SUCCESS", endedMs + AHEAD_MS));
  }
  assertClock(life, { offsetMs: AHEAD_MS, uncertaintyMs: 1 });
  assertNear([phase("queue").sumMs, phase("delivery").sumMs], [101, 51], 1);
  // The fast one's own are no longer than the uncertainty.
  assert.deepEqual([count("uncertainQueue"), count("uncertainDelivery")], [1, 1]);
});

test("the clock of a worker that was read beforehand splits the wait of its first task", () => {
  const { time, life, hear, startOne, phase, count, resultText } = setUpWithEvents();
  time.nowMs = 1_000;
  const reading = { askedUnixMs: 996, unixMs: 998 + AHEAD_MS, heardUnixMs: 1_000 };
  life.readClocks(0, [{ worker: 1, ...reading }]);
  assertClock(life, { offsetMs: AHEAD_MS, uncertaintyMs: 2 });
  const id = startOne();
  hear(id, "started", 31_000 + AHEAD_MS);
  time.nowMs = 31_240;
  hear(id, "succeeded", 31_200 + AHEAD_MS, { runtime: 0.2 });
  resultText(id, resultOf("SUCCESS", 31_200 + AHEAD_MS));
  // Without the reading 15 s each: 30,040 ms, and nothing known of the clock.
  const driftMs = 2 + DRIFT * 30_240;
  assertNear([phase("queue").sumMs, phase("delivery").sumMs], [30_000, 40], driftMs);
  assert.deepEqual([count("uncertainQueue"), count("uncertainDelivery")], [0, 0]);
});

test("a phase of which more than half is uncertain is measured and counted as such", () => {
  const { time, hear, startOne, phase, count, resultText } = setUpWithEvents();
  const run = (waitMs: number, deliveryMs: number) => {
    const publishedMs = time.nowMs;
    const id = startOne();
    time.nowMs = publishedMs + waitMs + 200 + deliveryMs;
    hear(id, "started", publishedMs + waitMs);
    hear(id, "succeeded", publishedMs + waitMs + 200, { runtime: 0.2 });
    resultText(id, resultOf("SUCCESS", publishedMs + waitMs + 200));
  };
  run(30, 10); // between 0 and 40 each, for all that is known: 20 ± 20
  assert.deepEqual([count("uncertainQueue"), count("uncertainDelivery")], [1, 1]);
  run(100, 19); // 90 ± 20, and 29 ± 20
  assert.deepEqual([count("uncertainQueue"), count("uncertainDelivery")], [1, 2]);
  assert.deepEqual([phase("queue").count, phase("delivery").count], [2, 2]);
});

test("a task that failed has its phases; its run is what lies between its events", () => {
  const { time, hear, startOne, phase, resultText } = setUpWithEvents();
  const id = startOne();
  time.nowMs = 300;
  hear(id, "started", 10);
  hear(id, "failed", 260, { exception: "KeyError('x')" });
  resultText(id, resultOf("FAILURE", 259));
  // Twice, as with a hard time limit.
  hear(id, "failed", 261, { exception: "KeyError('x')" });
  assert.deepEqual(phase("run"), { count: 1, sumMs: 249 });
});

test("a start that the worker heard of after the end leaves no overlap", () => {
  const { time, hear, startOne, phase, resultText } = setUpWithEvents();
  time.nowMs = 1_000;
  const id = startOne();
  time.nowMs = 1_040;
  hear(id, "started", 1_031 + AHEAD_MS); // began at 1,020
  hear(id, "succeeded", 1_032 + AHEAD_MS, { runtime: 0.004 });
  resultText(id, resultOf("SUCCESS", 1_023 + AHEAD_MS));
  const [queue, run, delivery] = [phase("queue"), phase("run"), phase("delivery")];
  assert.equal(run.sumMs, 4);
  assertNear([queue.sumMs + run.sumMs + delivery.sumMs], [40], 1e-6);
  assert.ok(queue.sumMs >= 0 && delivery.sumMs >= 0);
});

test("a run takes what the worker says when its clock was set meanwhile, and no longer when the backend is slow", () => {
  const { time, hear, startOne, phase, resultText } = setUpWithEvents();
  const run = (doneUnixMs: number, runtime: number) => {
    const id = startOne();
    time.nowMs = 5_000;
    hear(id, "started", 10);
    hear(id, "succeeded", 5_000, { runtime });
    resultText(id, resultOf("SUCCESS", doneUnixMs));
    time.nowMs = 0;
    return Math.round(phase("run").sumMs / 10) * 10;
  };
  assert.equal(run(210, 4.5), 200, "4.3 s to store the result are not its");
  assert.equal(run(3_600_210, 0.25), 450, "set ahead");
  assert.equal(run(-3_599_790, 0.25), 700, "set back");
});

test("phases within which a clock was set are counted, and in no histogram but for the run", () => {
  const hourMs = 3_600_000;
  /** By what is set: how far the worker's clock is off at the start and at the end, and when we notice a step of ours. */
  const steps: readonly (readonly [what: string, startMs: number, endMs: number, ours: number])[] =
    [
      ["ours, back or ahead", 0, 0, 1_100],
      ["both, on one host", 0, hourMs, 1_100],
      ["both, back", 0, -hourMs, 1_100],
      ["the worker's, ahead", 0, hourMs, -1],
      ["the worker's, back", 0, -hourMs, -1],
    ];
  for (const [what, startMs, endMs, ours] of steps) {
    const { time, hear, startOne, phase, count, resultText } = setUpWithEvents();
    const run = (publishedMs: number, atStartMs: number, atEndMs: number) => {
      time.nowMs = publishedMs;
      const id = startOne();
      time.nowMs = publishedMs + 240;
      if (ours > 0 && publishedMs === 1_000) time.steppedMs = ours;
      hear(id, "started", publishedMs + 30 + atStartMs);
      hear(id, "succeeded", publishedMs + 230 + atEndMs, { runtime: 0.2 });
      resultText(id, resultOf("SUCCESS", publishedMs + 230 + atEndMs));
    };
    const counts = () =>
      (["work", "queue", "run", "delivery"] as const).map((name) => phase(name).count);
    run(500, 0, 0);
    assert.deepEqual(counts(), [1, 1, 1, 1], what);
    run(1_000, startMs, endMs);
    assert.deepEqual(counts(), [1, 1, 2, 1], what);
    assert.equal(Math.round(phase("run").sumMs / 10), 40, what);
    const isOurs = ours > 0;
    assert.deepEqual(
      [count("leftOutWork"), count("leftOutQueue"), count("leftOutDelivery")],
      [isOurs ? 1 : 0, 1, 1],
      what,
    );
    run(1_500, endMs, endMs);
    const [, queue, runs, delivery] = counts();
    assert.deepEqual([queue, runs, delivery], [2, 3, 2], what);
    assert.ok(phase("queue").sumMs < 100 && phase("delivery").sumMs < 100, what);
  }
});

test("tasks that were retried, revoked, found by asking or of the warm-up have no such phases", () => {
  const { time, life, hear, start, broker, startOne, phase, result, resultText } =
    setUpWithEvents();
  const retried = startOne();
  hear(retried, "started", 10);
  hear(retried, "retried", 20);
  hear(retried, "started", 30);
  const redelivered = startOne();
  hear(redelivered, "started", 10);
  hear(redelivered, "started", 30);
  const recovered = startOne();
  hear(recovered, "started", 10);
  start(0, 0, true);
  const warmup = broker.requests.at(-1)!.ids[0]!;
  hear(warmup, "started", 10);
  const revoked = startOne();
  hear(revoked, "revoked", 10);
  time.nowMs = 100;
  for (const id of [retried, redelivered, recovered, warmup]) {
    hear(id, "succeeded", 60, { runtime: 0.02 });
  }
  life.recovered(recovered, JSON.stringify({ status: "SUCCESS" }));
  for (const id of [retried, redelivered, warmup]) {
    resultText(id, resultOf("SUCCESS", 50));
  }
  result(revoked, { status: "REVOKED" });
  for (const name of ["queue", "run", "delivery"] as const) assert.equal(phase(name).count, 0);
});

test("events of tasks whose slot has been taken again, or of other connections, are not heard", () => {
  const { time, hear, startOne, phase, assertBalanced, result, resultText } = setUpWithEvents([
    entry("a", 0),
  ]);
  const first = startOne();
  hear(first, "started", 1);
  resultText(first, resultOf("SUCCESS", 1));
  // Slots are taken in turns.
  let last = startOne();
  while (slotOf(last) !== slotOf(first)) {
    result(last, { status: "SUCCESS" });
    last = startOne();
  }
  time.nowMs = 50;
  hear(first, "succeeded", 40, { runtime: 0.01 });
  hear(last, "succeeded", 40, { runtime: 0.01 }, 1);
  resultText(last, resultOf("SUCCESS", 40));
  assert.equal(phase("run").count, 0);
  assertBalanced();
});

test("a result backend that is slow from the first task on leaves the clock known by the events", () => {
  const { time, life, hear, startOne, phase, count, resultText } = setUpWithEvents();
  for (const publishedMs of [1_000, 2_000]) {
    time.nowMs = publishedMs;
    const id = startOne();
    time.nowMs = publishedMs + 13;
    hear(id, "started", publishedMs + 2 + AHEAD_MS);
    hear(id, "succeeded", publishedMs + 12 + AHEAD_MS, { runtime: 0.01 });
    time.nowMs = publishedMs + 412;
    resultText(id, resultOf("SUCCESS", publishedMs + 12 + AHEAD_MS));
  }
  // Between 2 ms too little and 2 ms too much: by the result alone it would be 400 ms too little.
  assertClock(life, { offsetMs: AHEAD_MS, uncertaintyMs: 2 });
  assertNear([phase("queue").sumMs, phase("delivery").sumMs], [4, 800], 1);
  assert.equal(count("uncertainDelivery"), 0);
});

test("without a date in the result there is no delivery, and the events bound the clock", () => {
  const { time, life, hear, startOne, phase, result } = setUpWithEvents();
  const id = startOne();
  time.nowMs = 220;
  hear(id, "started", 10);
  hear(id, "succeeded", 212, { runtime: 0.2 });
  result(id, { status: "SUCCESS" });
  assert.deepEqual([phase("run").sumMs, phase("delivery").count], [200, 0]);
  assertClock(life, { offsetMs: 0.5, uncertaintyMs: 9.5 });
});

test("tasks that store no result end by their events, and have no latency", () => {
  const entries = [
    { ...entry("quiet", 0), ignoreResult: true },
    { ...entry("loud", 9), ignoreResult: false },
  ];
  const { time, life, hear, startOne, phase, count, exceptions, assertBalanced } =
    setUpWithEvents(entries);
  const [good, bad, gone, silent] = [startOne(), startOne(), startOne(), startOne()];
  time.nowMs = 250;
  hear(good, "started", 30);
  hear(good, "succeeded", 230, { runtime: 0.2 });
  hear(good, "succeeded", 231, { runtime: 0.2 });
  hear(bad, "failed", 40, { exception: "ValueError('x')" });
  hear(bad, "failed", 41, { exception: "ValueError('x')" });
  hear(gone, "revoked", 40);
  const loud = startOne(1);
  hear(loud, "succeeded", 250, { runtime: 0.2 });
  assert.deepEqual(
    [count("succeeded"), count("failed"), count("revoked"), count("duplicate")],
    [1, 1, 1, 0],
  );
  assert.deepEqual(exceptions, ["ValueError", "TaskRevokedError"]);
  assert.equal(count("succeeded", 1), 0, "a result is to come");
  assert.deepEqual([phase("queue").count, phase("run").count], [1, 1]);
  assert.deepEqual([phase("delivery").count, phase("latencySucceeded").count], [0, 0]);
  // Without an event it is unknown, as ever.
  time.nowMs = TIMEOUT_MS + 300;
  life.sweep(time.nowMs);
  assert.equal(count("unknown"), 1);
  hear(silent, "succeeded", 260, { runtime: 0.2 });
  assert.equal(count("succeeded"), 1);
  assertBalanced();
});

for (const [kind, outcome] of [
  ["succeeded", "succeeded"],
  ["failed", "failed"],
  ["revoked", "revoked"],
  [null, "unknown"],
] as const) {
  test(`a task whose result cannot be read is ${outcome} where its events say ${kind}`, () => {
    const { time, life, hear, startOne, count, exceptions, assertBalanced } = setUpWithEvents();
    const id = startOne();
    time.nowMs = 250;
    life.result(id, 0, "\0celery-compressed\0application/x-bz2\0BZ", false);
    if (kind !== null) hear(id, kind, 240, { exception: "ValueError('x')" });
    time.nowMs = TIMEOUT_MS + 300;
    life.sweep(time.nowMs);
    assert.deepEqual([count(outcome), count("timedOut")], [1, 0]);
    const failures = { failed: ["ValueError"], revoked: ["TaskRevokedError"] };
    assert.deepEqual(
      exceptions,
      kind !== null && kind in failures ? failures[kind as "failed"] : [],
    );
    assertBalanced();
  });
}
