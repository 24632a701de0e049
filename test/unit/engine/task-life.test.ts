import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ID_LENGTH } from "../../../src/celery/messages/task-id.js";
import type { PublishOutcome } from "../../../src/connections/ports.js";
import { PublishWindow } from "../../../src/engine/batch.js";
import { quantileMs } from "../../../src/ledger/histogram.js";
import { entry, type FakeBroker, SUCCESS, setUp, TIMEOUT_MS } from "./life.js";

test("a task goes from planned over publishing and in flight to succeeded, balanced at each step", () => {
  const { broker, time, view, start, result, count, assertBalanced } = setUp();
  start();
  assert.deepEqual([count("planned"), view().publishing(0), count("published")], [1, 1, 0]);
  assertBalanced();
  time.nowMs = 5;
  broker.requests[0]!.done("accepted");
  assert.deepEqual([view().publishing(0), view().inFlight(0), count("published")], [0, 1, 1]);
  assertBalanced();
  time.nowMs = 150;
  result(broker.requests[0]!.ids[0]!, SUCCESS);
  assert.deepEqual([view().inFlight(0), count("succeeded")], [0, 1]);
  assertBalanced();
  const buckets = new Float64Array(3);
  assert.equal(view().addHistogram(0, "latencySucceeded", buckets), 150);
  assert.deepEqual([...buckets], [0, 1, 0]);
});

test("a success with another answer than expected has failed, as exception check, and is a bad event", () => {
  const expecting = { ...entry("a", 0), expect: { result: { sum: 3 } } };
  const { broker, start, result, resultText, count, sloCount, exceptions, assertBalanced } = setUp(
    20,
    [expecting, entry("b", 9)],
    44,
    [{ entry: 0, latencyMs: null }],
  );
  const answers = ['{"sum": 3}', '{"sum": 4}', "null", '{"sum": NaN}'];
  for (const _ of answers) start();
  start(1);
  for (const { done } of broker.requests) done("accepted");
  const ids = broker.requests.flatMap((request) => request.ids);
  for (const [index, answer] of answers.entries()) {
    resultText(ids[index]!, `{"status": "SUCCESS", "result": ${answer}, "traceback": null}`);
  }
  result(ids.at(-1)!, SUCCESS);
  assert.deepEqual([count("succeeded", 0), count("failed", 0), count("succeeded", 1)], [1, 3, 1]);
  assert.deepEqual(exceptions, ["check"]);
  assert.deepEqual([sloCount("events"), sloCount("bad")], [4, 3]);
  assertBalanced();
});

test("latency counts from the planned start, not from the publish call", () => {
  const { broker, time, view, start, result } = setUp();
  time.nowMs = 90;
  start(0, 10);
  broker.requests[0]!.done("accepted");
  time.nowMs = 100;
  result(broker.requests[0]!.ids[0]!, SUCCESS);
  assert.equal(view().addHistogram(0, "latencySucceeded", new Float64Array(3)), 90);
  assert.equal(view().addHistogram(0, "dispatch", new Float64Array(2)), 80);
});

test("tasks of different priority go to different lists, those of one list in one request", () => {
  const { life, broker } = setUp();
  for (const index of [0, 1, 0, 1, 0]) life.start(index, 0, 0, 0, false);
  life.flush(0);
  assert.deepEqual(
    broker.requests.map(({ destination, ids }) => [destination, ids.length]),
    [
      ["q:0", 3],
      ["q:9", 2],
    ],
  );
});

test("a start that is more than 100 ms late is dropped as saturated, one of 100 ms is not", () => {
  const { time, start, count } = setUp();
  time.nowMs = 1_000;
  start(0, 899);
  start(0, 900);
  assert.deepEqual([count("planned"), count("droppedSaturated")], [2, 1]);
});

test("without a connection, beyond maxInFlight, and beyond the window starts are dropped for that reason", () => {
  const { life, broker, start, count, assertBalanced } = setUp(2);
  broker.ready = false;
  start();
  assert.equal(count("droppedNotConnected"), 1);
  broker.ready = true;
  for (let i = 0; i < 3; i++) start();
  assert.equal(count("droppedInFlight"), 1);
  assert.equal(life.inFlight(0), 2);
  assertBalanced();

  const wide = setUp(PublishWindow.MESSAGES + 10);
  for (let i = 0; i < PublishWindow.MESSAGES + 5; i++) wide.start();
  assert.equal(wide.count("droppedBackpressure"), 5);
  wide.broker.requests[0]!.done("accepted");
  wide.start();
  assert.equal(wide.count("droppedBackpressure"), 5);
  wide.assertBalanced();
});

test("a refused batch is publish failures, an unwritten one is dropped, neither is published", () => {
  const { broker, start, count, assertBalanced } = setUp();
  start();
  start();
  broker.requests[0]!.done("refused");
  broker.requests[1]!.done("notWritten");
  assert.deepEqual(
    [count("failedRejected"), count("droppedNotConnected"), count("published")],
    [1, 1, 0],
  );
  assertBalanced();
});

test("messages of one batch can have different answers, in any order", () => {
  const { life, broker, count, view, assertBalanced } = setUp();
  for (let i = 0; i < 4; i++) life.start(0, 0, 0, 0, false);
  life.flush(0);
  const { answer } = broker.requests[0]!;
  answer(2, 3, "unroutable", "NO_ROUTE");
  assertBalanced();
  answer(0, 2, "accepted", "");
  assertBalanced();
  answer(3, 4, "refused", "nack");
  assert.deepEqual(
    [count("published"), count("failedUnroutable"), count("failedRejected"), view().publishing(0)],
    [2, 1, 1, 0],
  );
  assertBalanced();
});

test("a publish whose reply was lost counts as published and is settled by its result", () => {
  const { broker, start, result, count, assertBalanced } = setUp();
  start();
  broker.requests[0]!.done("unknown");
  assert.equal(count("published"), 1);
  result(broker.requests[0]!.ids[0]!, SUCCESS);
  assert.deepEqual([count("succeeded"), count("unknown")], [1, 0]);
  assertBalanced();
});

test("at the deadline a confirmed task times out and an unconfirmed one ends as unknown", () => {
  const { life, broker, start, count, assertBalanced } = setUp();
  start();
  start();
  broker.requests[0]!.done("accepted");
  broker.requests[1]!.done("unknown");
  life.sweep(TIMEOUT_MS - 1);
  assert.equal(count("timedOut"), 0);
  life.sweep(TIMEOUT_MS);
  assert.deepEqual([count("timedOut"), count("unknown")], [1, 1]);
  assertBalanced();
});

test("a task that waits for the broker's answer does not time out before it is known to be published", () => {
  const { life, broker, start, count, assertBalanced } = setUp();
  start();
  start();
  broker.requests[1]!.done("accepted");
  life.sweep(5_000);
  assert.equal(count("timedOut"), 1, "the younger one, which is published");
  broker.requests[0]!.done("accepted");
  life.sweep(5_000);
  assert.equal(count("timedOut"), 2);
  assertBalanced();
});

test("results after the deadline are late once and duplicates from then on; no outcome changes", () => {
  const { life, broker, start, result, count, assertBalanced } = setUp();
  start();
  broker.requests[0]!.done("accepted");
  assert.equal(life.isOwed(0), false);
  life.sweep(TIMEOUT_MS);
  assert.equal(life.isOwed(0), true);
  for (let i = 0; i < 3; i++) result(broker.requests[0]!.ids[0]!, SUCCESS);
  assert.equal(life.isOwed(0), false);
  assert.deepEqual(
    [count("timedOut"), count("late"), count("duplicate"), count("succeeded")],
    [1, 1, 2, 0],
  );
  assertBalanced();
});

test("a message that may have been read before settles its task, and is no duplicate, retry or stranger", () => {
  const { life, broker, start, count, view, assertBalanced } = setUp(2);
  const again = (id: string, meta: object) => life.result(id, 0, JSON.stringify(meta), true);
  start();
  broker.requests[0]!.done("accepted");
  const id = broker.requests[0]!.ids[0]!;
  again(id, { status: "RETRY", result: null });
  again(id, SUCCESS);
  again(id, SUCCESS);
  assert.deepEqual([count("succeeded"), count("duplicate"), count("retries")], [1, 0, 0]);
  for (let i = 0; i < 5; i++) {
    start();
    broker.requests.at(-1)!.done("accepted");
    life.result(broker.requests.at(-1)!.ids[0]!, 0, JSON.stringify(SUCCESS));
  }
  again(id, SUCCESS);
  assert.equal(view().engine("unmatchedResults"), 0, "its place has been taken again");
  assertBalanced();
});

test("a result that is faster than the broker's answer is counted once", () => {
  const { broker, start, result, count, assertBalanced } = setUp();
  start();
  result(broker.requests[0]!.ids[0]!, SUCCESS);
  assert.deepEqual([count("published"), count("succeeded")], [1, 1]);
  assertBalanced();
  broker.requests[0]!.done("accepted");
  assert.equal(count("published"), 1);
  assertBalanced();
});

test("an answer for a slot that was taken anew meanwhile does not touch the new task", () => {
  const { broker, view, start, result, count, assertBalanced } = setUp(1);
  start();
  result(broker.requests[0]!.ids[0]!, SUCCESS);
  for (let i = 0; i < 5; i++) {
    start();
    result(broker.requests.at(-1)!.ids[0]!, SUCCESS);
  }
  start();
  broker.requests[0]!.done("unknown");
  broker.requests[1]!.done("refused");
  assert.deepEqual([view().publishing(0), count("failedRejected")], [1, 0]);
  assertBalanced();
});

test("failures count by exception class, revocations too; retries end nothing", () => {
  const { broker, view, start, result, count, exceptions, assertBalanced } = setUp();
  for (let i = 0; i < 3; i++) start();
  for (const request of broker.requests) request.done("accepted");
  const ids = broker.requests.map(({ ids }) => ids[0]!);
  result(ids[0]!, { status: "RETRY", result: { exc_type: "Retry" } });
  assert.deepEqual([count("retries"), view().inFlight(0)], [1, 3]);
  result(ids[0]!, { status: "FAILURE", result: { exc_type: "ValueError" } });
  result(ids[1]!, { status: "REVOKED", result: { exc_type: "TaskRevokedError" } });
  result(ids[2]!, { status: "FAILURE", result: null });
  assert.deepEqual(exceptions, ["ValueError", "TaskRevokedError"]);
  assert.deepEqual(
    [2, 3, 0].map((row) => view().exceptionCount(row)),
    [1, 1, 1],
  );
  assert.deepEqual([count("failed"), count("revoked")], [2, 1]);
  assertBalanced();
});

test("a recovered result counts with its outcome but not in the latencies, and its message is no duplicate", () => {
  const { life, broker, view, start, result, count, assertBalanced } = setUp();
  start();
  broker.requests[0]!.done("accepted");
  const [id] = life.idsInFlight(0);
  assert.equal(id, broker.requests[0]!.ids[0]);
  assert.equal(life.recovered(id!, JSON.stringify({ status: "STARTED" })), false);
  assert.equal(life.recovered(id!, JSON.stringify(SUCCESS)), true);
  assert.equal(life.recovered(id!, JSON.stringify(SUCCESS)), false);
  result(id!, SUCCESS);
  assert.deepEqual([count("succeeded"), count("recovered"), count("duplicate")], [1, 1, 0]);
  assert.equal(view().addHistogram(0, "latencySucceeded", new Float64Array(3)), 0);
  assertBalanced();
});

test("takeEnded() gives the ids of tasks whose result has come, once, also of late ones", () => {
  const { life, broker, start, result } = setUp();
  for (let i = 0; i < 3; i++) start();
  for (const request of broker.requests) request.done("accepted");
  const ids = broker.requests.map((request) => request.ids[0]!);
  result(ids[0]!, { status: "RETRY", result: null });
  result(ids[1]!, SUCCESS);
  assert.deepEqual(life.takeEnded(0, 500)?.ids, [ids[1]]);
  life.sweep(TIMEOUT_MS);
  assert.equal(life.takeEnded(0, 500), null, "a task without a result may still get one");
  result(ids[0]!, SUCCESS);
  assert.deepEqual(life.takeEnded(0, 500)?.ids, [ids[0]]);
});

test("warm-up tasks are in the ledger and not in the histograms", () => {
  const { life, broker, time, view, result, count } = setUp();
  life.start(0, 0, 0, 0, true);
  life.flush(0);
  broker.requests[0]!.done("accepted");
  time.nowMs = 50;
  result(broker.requests[0]!.ids[0]!, SUCCESS);
  assert.equal(count("succeeded"), 1);
  for (const name of ["latencySucceeded", "dispatch", "publish"] as const) {
    const counts = new Float64Array(view().boundsMs(name).length + 1);
    view().addHistogram(0, name, counts);
    assert.ok(
      counts.every((n) => n === 0),
      name,
    );
  }
});

test("a start belongs to the stage in which it was planned, though it ends after it", () => {
  const { broker, time, start, result, stageCount, stageLatencies, assertBalanced } = setUp();
  start(0, 0, false, 1);
  start(0, 0, true, 2);
  time.nowMs = 500;
  start(1, 500, false, 2);
  for (const request of broker.requests) {
    request.done("accepted");
    for (const id of request.ids) result(id, SUCCESS);
  }
  assert.deepEqual(
    [0, 1, 2].map((stage) => [stageCount("planned", stage), stageCount("succeeded", stage)]),
    [
      [0, 0],
      [1, 1],
      [2, 2],
    ],
  );
  // 500 ms in the one stage; in the other one the warm-up counts without a latency.
  assert.deepEqual(
    [1, 2].map((stage) => Math.round(quantileMs(stageLatencies(stage), 1) / 10)),
    [50, 0],
  );
  assertBalanced();
});

test("malformed results, unknown ids and foreign channels change no task", () => {
  const { life, broker, view, start, assertBalanced } = setUp();
  start();
  broker.requests[0]!.done("accepted");
  const channel = `celery-task-meta-${broker.requests[0]!.ids[0]}`;
  life.result(channel, 17, "not json");
  life.result(channel.slice(0, -1), 17, "{}");
  life.result(`celery-task-meta-${"f".repeat(ID_LENGTH)}`, 17, JSON.stringify(SUCCESS));
  assert.deepEqual(
    [view().inFlight(0), view().engine("malformedResults"), view().engine("unmatchedResults")],
    [1, 1, 2],
  );
  // Another engine's task of the same slot and number; nothing that could be an id.
  const foreign = broker.requests[0]!.ids[0]!.replace(/^0/, "1");
  for (const id of [foreign, "", "undefined", "\ud800".repeat(ID_LENGTH)]) {
    life.result(id, 0, JSON.stringify(SUCCESS));
  }
  assert.deepEqual([view().inFlight(0), view().engine("unmatchedResults")], [1, 6]);
  assertBalanced();
});

test("endAll() ends what is left as unknown, also what waits for the broker's answer", () => {
  const { life, broker, start, count, view, assertBalanced } = setUp();
  start();
  start();
  broker.requests[0]!.done("accepted");
  life.endAll(0);
  assert.deepEqual(
    [count("published"), count("unknown"), view().inFlight(0), life.inFlight(0)],
    [2, 2, 0, 0],
  );
  assertBalanced();
  broker.requests[1]!.done("accepted");
  assertBalanced();
});

test("after any sequence of events both equations of the ledger hold", () => {
  const outcomes: PublishOutcome[] = [
    ...(["accepted", "refused", "unroutable", "unknown", "notWritten", "invalid"] as const),
  ];
  const metas = [
    SUCCESS,
    { status: "FAILURE", result: { exc_type: "E" } },
    { status: "REVOKED", result: null },
    { status: "RETRY", result: null },
    { status: "STARTED" },
    {},
  ];
  const step = fc.oneof(
    fc.record({
      do: fc.constant("start" as const),
      entry: fc.nat(1),
      late: fc.nat(150),
      isWarmup: fc.boolean(),
      stage: fc.nat(2),
    }),
    fc.record({ do: fc.constant("answer" as const), pick: fc.nat(), outcome: fc.nat(5) }),
    fc.record({ do: fc.constant("result" as const), pick: fc.nat(), meta: fc.nat(5) }),
    fc.record({ do: fc.constant("recover" as const), pick: fc.nat() }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.nat(600) }),
    fc.record({ do: fc.constant("connect" as const), ready: fc.boolean() }),
    fc.record({ do: fc.constant("end" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { life, broker, time, start, result, assertBalanced } = setUp(6);
      const ids: string[] = [];
      const waiting = new Set<FakeBroker["requests"][number]>();
      for (const event of steps) {
        const seen = broker.requests.length;
        if (event.do === "start") {
          start(event.entry, time.nowMs - event.late, event.isWarmup, event.stage);
        } else if (event.do === "answer" && waiting.size > 0) {
          const request = [...waiting][event.pick % waiting.size]!;
          waiting.delete(request);
          request.done(outcomes[event.outcome]!);
        } else if (event.do === "result" && ids.length > 0) {
          result(ids[event.pick % ids.length]!, metas[event.meta]!);
        } else if (event.do === "recover" && ids.length > 0) {
          life.recovered(ids[event.pick % ids.length]!, JSON.stringify(SUCCESS));
        } else if (event.do === "wait") {
          time.nowMs += event.ms;
          life.sweep(time.nowMs);
        } else if (event.do === "connect") broker.ready = event.ready;
        else if (event.do === "end") life.endAll(0);
        for (const request of broker.requests.slice(seen)) {
          waiting.add(request);
          ids.push(...request.ids);
        }
        assertBalanced();
      }
    }),
    { numRuns: 500 },
  );
});
