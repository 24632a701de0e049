import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { PublishOutcome } from "../../../src/connections/ports.js";
import type { EntryPlan } from "../../../src/engine/messages.js";
import { entry, SUCCESS, setUp, TIMEOUT_MS } from "./life.js";

const FAILURE = { status: "FAILURE", result: { exc_type: "KeyError" } };
const REVOKED = { status: "REVOKED", result: { exc_type: "TaskRevokedError" } };

/** A workflow as entry 0, its members behind it, stage by stage. */
function workflow(...sizes: number[]): EntryPlan[] {
  let next = 1;
  const stages = sizes.map((size) =>
    Array.from({ length: size }, () => ({ entry: next++, isImmutable: false })),
  );
  const members = Array.from({ length: next - 1 }, (_, index) => ({
    ...entry(`m${index}`, 0),
    memberOf: 0,
  }));
  return [{ ...entry("flow", 0), workflow: { stages, callbacks: [] } }, ...members];
}

/** Starts one; `id` gives the ids of its members, from 0 on. */
function start(sizes: number[], outcome: PublishOutcome | null = "accepted") {
  const entries = workflow(...sizes);
  const all = setUp(4, entries);
  all.start();
  if (outcome !== null) all.broker.requests[0]?.done(outcome);
  const counts = (row: number) =>
    Object.fromEntries(
      (["published", "succeeded", "failed", "revoked", "timedOut", "unknown", "notRun"] as const)
        .map((name) => [name, all.count(name, row)] as const)
        .filter(([, value]) => value > 0),
    );
  const ids = all.life.idsInFlight(0);
  return { ...all, counts, id: (member: number) => ids[member]! };
}

test("a chain publishes one message and ends with its last member", () => {
  const { broker, time, view, result, id, counts, assertBalanced } = start([1, 1, 1]);
  assert.deepEqual(broker.requests[0]!.ids, [id(0)]);
  assert.deepEqual([counts(0), counts(3)], [{ published: 1 }, { published: 1 }]);
  for (const [member, ms] of [100, 150, 450].entries()) {
    assertBalanced();
    assert.equal(view().inFlight(0), 1);
    time.nowMs = ms;
    result(id(member), SUCCESS);
  }
  assert.deepEqual(counts(0), { published: 1, succeeded: 1 });
  const latency = (row: number) =>
    view().addHistogram(row, "latencySucceeded", new Float64Array(3));
  assert.equal(latency(0), 450, "end to end");
  assert.deepEqual([latency(1), latency(2), latency(3)], [100, 50, 300], "by member");
  assertBalanced();
});

test("a chain ends with the first step that fails; what follows has not run and is no duplicate", () => {
  const { result, id, counts, count, exceptions, life, assertBalanced } = start([1, 1, 1]);
  result(id(0), SUCCESS);
  result(id(1), FAILURE);
  assert.deepEqual(counts(0), { published: 1, failed: 1 });
  assert.deepEqual(counts(2), { published: 1, failed: 1 });
  assert.deepEqual(counts(3), { published: 1, notRun: 1 });
  assert.deepEqual(exceptions, ["KeyError"]);
  // Celery stores the failure for the rest of the chain.
  result(id(2), FAILURE);
  assert.deepEqual([count("duplicate"), count("late")], [0, 0]);
  assert.deepEqual(life.takeEnded(0, 500)?.ids, [id(0), id(1), id(2)], "all results are removed");
  assertBalanced();
});

test("a step that fails before the success of the one before is told waits for that", () => {
  const { result, id, counts, view } = start([1, 1, 1]);
  result(id(1), FAILURE);
  result(id(2), FAILURE);
  assert.equal(view().inFlight(0), 1);
  result(id(0), SUCCESS);
  assert.deepEqual(
    [counts(0), counts(1), counts(3)],
    [
      { published: 1, failed: 1 },
      { published: 1, succeeded: 1 },
      { published: 1, notRun: 1 },
    ],
  );
});

test("slots of members that ended can belong to others while their workflow goes on", () => {
  // Room for two chains and one slot more: the second chain gets slots that the first has given back.
  const entries = workflow(1, 1, 1);
  const all = setUp(2, entries, 9);
  all.start();
  all.broker.requests[0]!.done("accepted");
  const first = all.life.idsInFlight(0);
  all.result(first[0]!, SUCCESS);
  all.result(first[1]!, SUCCESS);
  for (let turn = 1; turn <= 8; turn++) {
    all.start();
    all.broker.requests[turn]!.done("accepted");
    const others = all.life.idsInFlight(0).filter((each) => each !== first[2]);
    for (const each of others) all.result(each, turn % 2 === 0 ? SUCCESS : FAILURE);
    assert.equal(all.view().inFlight(0), 1, "the first chain still waits for its last step");
    all.assertBalanced();
  }
  all.result(first[2]!, SUCCESS);
  assert.equal(all.view().inFlight(0), 0);
  all.assertBalanced();
});

test("a group publishes a message for each member and ends with the last of them, in any order", () => {
  const { broker, result, id, counts, view, assertBalanced } = start([3]);
  assert.equal(broker.requests[0]!.ids.length, 3);
  result(id(2), SUCCESS);
  result(id(0), SUCCESS);
  assert.equal(view().inFlight(0), 1);
  result(id(1), SUCCESS);
  assert.deepEqual(counts(0), { published: 1, succeeded: 1 });
  assertBalanced();
});

test("a group in which one member fails waits for the others, and has failed", () => {
  const { result, id, counts, view } = start([3]);
  result(id(0), FAILURE);
  result(id(1), REVOKED);
  assert.equal(view().inFlight(0), 1);
  result(id(2), SUCCESS);
  assert.deepEqual(counts(0), { published: 1, failed: 1 });
});

test("a revoked step revokes its chain", () => {
  const { result, id, counts } = start([1, 1]);
  result(id(0), REVOKED);
  assert.deepEqual(
    [counts(0), counts(2)],
    [
      { published: 1, revoked: 1 },
      { published: 1, notRun: 1 },
    ],
  );
});

test("a chord stores its size before it is published, and its body ends it", async () => {
  const { broker, result, id, counts, assertBalanced } = start([2, 1], null);
  assert.equal(broker.requests.length, 0, "not before the size is stored");
  assert.deepEqual(
    broker.chords.map(({ size }) => size),
    [2],
  );
  await Promise.resolve();
  broker.requests[0]!.done("accepted");
  for (const member of [1, 0, 2]) result(id(member), SUCCESS);
  assert.deepEqual(counts(0), { published: 1, succeeded: 1 });
  assertBalanced();
});

test("a chord whose header fails waits for its body's own failure; then its keys can be removed", async () => {
  const { broker, result, id, counts, exceptions, life, view } = start([2, 1], null);
  await Promise.resolve();
  broker.requests[0]!.done("accepted");
  result(id(0), SUCCESS);
  result(id(1), FAILURE);
  assert.equal(view().inFlight(0), 1);
  result(id(2), { status: "FAILURE", result: { exc_type: "ChordError" } });
  assert.deepEqual(counts(0), { published: 1, failed: 1 });
  assert.deepEqual(counts(3), { published: 1, failed: 1 });
  assert.deepEqual(exceptions, ["KeyError"], "the first one counts");
  assert.equal(life.takeEnded(0, 500)?.chords.length, 1);
});

test("a chord whose size cannot be stored is refused as a whole", async () => {
  const entries = workflow(2, 1);
  const { broker, start: begin, count, assertBalanced } = setUp(4, entries);
  broker.results.startChords = async () => {
    throw new Error("OOM");
  };
  begin();
  await new Promise(setImmediate);
  assert.equal(broker.requests.length, 0);
  assert.deepEqual(
    [0, 1, 2, 3].map((row) => count("failedRejected", row)),
    [1, 1, 1, 1],
  );
  assertBalanced();
});

test("a workflow of which nothing is queued is counted as its messages were", () => {
  for (const [outcome, counter] of [
    ["refused", "failedRejected"],
    ["unroutable", "failedUnroutable"],
    ["notWritten", "droppedNotConnected"],
  ] as const) {
    const { count, view, assertBalanced, counts } = start([2], outcome);
    assert.deepEqual(
      [0, 1, 2].map((row) => count(counter, row)),
      [1, 1, 1],
    );
    assert.deepEqual([counts(0), view().publishing(0), view().inFlight(0)], [{}, 0, 0]);
    assertBalanced();
  }
});

test("a group of which a part is refused has failed when the rest has ended", () => {
  const { broker, result, id, counts, assertBalanced } = start([3], null);
  const { answer } = broker.requests[0]!;
  answer(0, 1, "accepted", "");
  answer(1, 2, "refused", "OOM");
  assert.deepEqual(counts(0), {}, "the last answer is not there yet");
  answer(2, 3, "accepted", "");
  assert.deepEqual([counts(0), counts(2)], [{ published: 1 }, { published: 1, notRun: 1 }]);
  result(id(0), SUCCESS);
  result(id(2), SUCCESS);
  assert.deepEqual(counts(0), { published: 1, failed: 1 });
  assertBalanced();
});

test("a workflow times out as a whole; results of its members are late then", () => {
  const { life, time, result, id, counts, count, assertBalanced } = start([1, 1]);
  result(id(0), SUCCESS);
  time.nowMs = TIMEOUT_MS;
  life.sweep(time.nowMs);
  assert.deepEqual(
    [counts(0), counts(1), counts(2)],
    [
      { published: 1, timedOut: 1 },
      { published: 1, succeeded: 1 },
      { published: 1, timedOut: 1 },
    ],
  );
  result(id(1), SUCCESS);
  assert.equal(count("late"), 1);
  assertBalanced();
});

test("a workflow counts once for maxInFlight, however many members it has", () => {
  const { start: begin, count } = setUp(2, workflow(3, 1));
  for (let i = 0; i < 3; i++) begin();
  assert.deepEqual([count("planned"), count("droppedInFlight")], [3, 1]);
});

test("after any sequence of events the ledgers of workflows and members hold", async () => {
  const outcomes = ["accepted", "refused", "unknown", "notWritten", "invalid"] as const;
  const metas = [SUCCESS, FAILURE, REVOKED, { status: "STARTED" }, { status: "RETRY" }];
  const step = fc.oneof(
    fc.record({ do: fc.constant("start" as const), stage: fc.nat(2), isWarmup: fc.boolean() }),
    fc.record({
      do: fc.constant("answer" as const),
      request: fc.nat(),
      message: fc.nat(),
      outcome: fc.nat(4),
    }),
    fc.record({ do: fc.constant("result" as const), pick: fc.nat(), meta: fc.nat(4) }),
    fc.record({ do: fc.constant("recover" as const), pick: fc.nat() }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.nat(600) }),
    fc.record({ do: fc.constant("end" as const) }),
  );
  const shapes = fc.constantFrom([1, 1, 1], [3], [2, 1], [1, 2], [2, 1, 1], [1]);
  await fc.assert(
    fc.asyncProperty(shapes, fc.array(step, { maxLength: 80 }), async (sizes, steps) => {
      const all = setUp(4, workflow(...sizes));
      const ids = new Set<string>();
      const answered = new Set<string>();
      for (const event of steps) {
        for (const id of all.life.idsInFlight(0)) ids.add(id);
        const known = [...ids];
        if (event.do === "start") {
          all.start(0, all.time.nowMs, event.isWarmup, event.stage);
        } else if (event.do === "answer" && all.broker.requests.length > 0) {
          const number = event.request % all.broker.requests.length;
          const request = all.broker.requests[number]!;
          const message = event.message % request.ids.length;
          const key = `${number} ${message}`;
          if (!answered.has(key)) {
            request.answer(message, message + 1, outcomes[event.outcome]!, "OOM");
          }
          answered.add(key);
        } else if (event.do === "result" && known.length > 0) {
          all.result(known[event.pick % known.length]!, metas[event.meta]!);
        } else if (event.do === "recover" && known.length > 0) {
          all.life.recovered(known[event.pick % known.length]!, JSON.stringify(SUCCESS));
        } else if (event.do === "wait") {
          all.time.nowMs += event.ms;
          all.life.sweep(all.time.nowMs);
        } else if (event.do === "end") all.life.endAll(0);
        await Promise.resolve();
        all.assertBalanced();
        const view = all.view();
        assert.equal(all.life.inFlight(0), view.inFlight(0) + view.publishing(0));
      }
      all.life.endAll(0);
      all.assertBalanced();
      for (const row of workflow(...sizes).keys()) {
        assert.equal(all.view().inFlight(row) + all.view().publishing(row), 0);
      }
    }),
    { numRuns: 300 },
  );
});
