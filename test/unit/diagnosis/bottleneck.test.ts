import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Evidence, SIDES, type Side, sideOf } from "../../../src/diagnosis/bottleneck.js";

/** A task of 200 ms that nothing is wrong with, on workers that send events. */
const FINE: Evidence = {
  isWorkflow: false,
  retries: 0,
  saturatedRatio: 0,
  planned: 100,
  droppedSaturated: 0,
  isBrokerUsable: true,
  notTaken: 0,
  results: 100,
  inFlight: 2,
  latencyMs: 210,
  publishMs: 1,
  workMs: 206,
  queueMs: 5,
  runMs: 200,
  deliveryMs: 3,
  waiting: 0,
  busyRatio: 0.4,
  places: 4,
};
const WITHOUT_EVENTS = { queueMs: null, runMs: null, deliveryMs: null };
const SLOW = { latencyMs: 1_000, runMs: 200, workMs: 990 };
const NO_RESULTS = {
  ...{ results: 0, latencyMs: null, publishMs: 1, workMs: null },
  ...WITHOUT_EVENTS,
  inFlight: 50,
};

const WORKFLOW = { ...WITHOUT_EVENTS, isWorkflow: true };
const IDLE = "workers_idle_but_waiting";

const CASES: readonly (readonly [string, Partial<Evidence>, Side])[] = [
  ["the time goes into the run", {}, "code"],
  ["this daemon is saturated most of the time", { saturatedRatio: 0.5 }, "generator"],
  ["this daemon is saturated now and then", { saturatedRatio: 0.4 }, "code"],
  ["starts were dropped as this daemon was late", { droppedSaturated: 5 }, "generator"],
  ["a few starts were dropped or refused", { droppedSaturated: 4, notTaken: 4 }, "code"],
  ["one of a few starts was dropped", { planned: 6, droppedSaturated: 1, notTaken: 1 }, "code"],
  ["our own fault comes before the broker's", { droppedSaturated: 5, notTaken: 9 }, "generator"],
  ["the broker is away or blocked", { isBrokerUsable: false }, "broker"],
  ["the broker takes no tasks", { notTaken: 100 }, "broker"],
  ["the broker takes long to accept", { ...SLOW, publishMs: 600, queueMs: 700 }, "broker"],
  [
    "tasks wait and all places are taken",
    { ...SLOW, queueMs: 700, busyRatio: 0.95 },
    "workers_busy",
  ],
  ["tasks wait and places are free", { ...SLOW, queueMs: 700 }, "workers_idle_but_waiting"],
  [
    "tasks wait and nobody is there",
    { ...SLOW, queueMs: 700, places: 0 },
    "workers_idle_but_waiting",
  ],
  ["tasks wait, for what is not known", { ...SLOW, queueMs: 700, busyRatio: null }, "none"],
  ["tasks wait, by whom is not known", { ...SLOW, queueMs: 700, places: null }, "none"],
  ["a run that nobody notices", { latencyMs: 100, runMs: 95, queueMs: 2 }, "none"],
  ["results come late", { ...SLOW, deliveryMs: 700, queueMs: 5 }, "backend"],
  ["no part is most of it", { ...SLOW, latencyMs: 600, queueMs: 200, deliveryMs: 200 }, "none"],
  [
    "most of a short latency is waiting, which nobody notices",
    { latencyMs: 20, runMs: 2, queueMs: 15, deliveryMs: 2 },
    "none",
  ],
  ["nothing runs", { ...NO_RESULTS, inFlight: 0 }, "none"],
  ["nothing comes back yet", NO_RESULTS, "none"],
  [
    "no result, a queue and no worker",
    { ...NO_RESULTS, waiting: 50, places: 0 },
    "workers_idle_but_waiting",
  ],
  [
    "no result, a queue and long tasks",
    { ...NO_RESULTS, waiting: 50, busyRatio: 1 },
    "workers_busy",
  ],
  ["no result and a queue that is not known", { ...NO_RESULTS, waiting: null }, "none"],
  ["without events, nothing waits", WITHOUT_EVENTS, "code"],
  ["without events, and nobody knows the pools", { ...WITHOUT_EVENTS, busyRatio: null }, "none"],
  ["without events, prefetched tasks may wait", { ...WITHOUT_EVENTS, busyRatio: 0.9 }, "none"],
  ["without events, a short task", { ...WITHOUT_EVENTS, latencyMs: 90, workMs: 85 }, "none"],
  [
    "without events, far more tasks are with busy workers than can run",
    { ...WITHOUT_EVENTS, inFlight: 9, busyRatio: 0.9 },
    "workers_busy",
  ],
  [
    "without events, far more tasks are with idle workers than can run",
    { ...WITHOUT_EVENTS, inFlight: 9 },
    "workers_idle_but_waiting",
  ],
  [
    "without events, a queue and busy workers",
    { ...WITHOUT_EVENTS, waiting: 9, busyRatio: 1 },
    "workers_busy",
  ],
  [
    "without events, a queue and idle workers",
    { ...WITHOUT_EVENTS, waiting: 9 },
    "workers_idle_but_waiting",
  ],
  [
    "without events, a few of many tasks are on their way",
    { ...WITHOUT_EVENTS, inFlight: 3, waiting: 1 },
    "code",
  ],
  [
    "a workflow has more tasks in the queue and in workers than there are workflows and places",
    { ...WORKFLOW, inFlight: 9, waiting: 40 },
    "none",
  ],
  ["a workflow of which a stage waits", { ...WORKFLOW, waiting: 40, busyRatio: 1 }, "workers_busy"],
  ["a workflow that takes its time", WORKFLOW, "code"],
  [
    "a workflow that is longer than the window",
    { ...WORKFLOW, latencyMs: null, workMs: null, inFlight: 5, waiting: 40 },
    "none",
  ],
  [
    "a workflow that nobody works on",
    { ...WORKFLOW, ...NO_RESULTS, waiting: 50 },
    "workers_idle_but_waiting",
  ],
  [
    "a workflow whose workers are gone",
    { ...WORKFLOW, waiting: 50, places: 0 },
    "workers_idle_but_waiting",
  ],
  [
    "tasks that are tried again later wait in the workers, by themselves",
    { ...WITHOUT_EVENTS, inFlight: 90, retries: 100 },
    "none",
  ],
  [
    "tasks that are tried again later, one on its way",
    { ...WITHOUT_EVENTS, waiting: 9, retries: 100 },
    "none",
  ],
  ["a few were tried again", { ...WITHOUT_EVENTS, inFlight: 9, retries: 4 }, IDLE],
  [
    "with events, tasks wait, and others are tried again",
    { ...SLOW, queueMs: 700, retries: 100 },
    IDLE,
  ],
  ["nothing comes back yet, and one is on its way", { ...NO_RESULTS, waiting: 1 }, "none"],
  ["without events, results come late", { ...WITHOUT_EVENTS, latencyMs: 900 }, "backend"],
];

for (const [sentence, differences, side] of CASES) {
  test(`${sentence}: ${side}`, () => {
    assert.equal(sideOf({ ...FINE, ...differences }), side);
  });
}

test("whatever is known, one side is named; and none of the workers' when nothing is known of them", () => {
  const ms = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }));
  const count = fc.nat(100);
  const evidence: fc.Arbitrary<Evidence> = fc.record({
    isWorkflow: fc.boolean(),
    retries: count,
    saturatedRatio: fc.double({ min: 0, max: 1, noNaN: true }),
    planned: count,
    droppedSaturated: count,
    isBrokerUsable: fc.boolean(),
    notTaken: count,
    results: count,
    inFlight: count,
    ...{ latencyMs: ms, publishMs: ms, workMs: ms, queueMs: ms, runMs: ms, deliveryMs: ms },
    waiting: fc.option(count),
    busyRatio: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    places: fc.option(count),
  });
  fc.assert(
    fc.property(evidence, (found) => {
      assert.ok(SIDES.includes(sideOf(found)));
      assert.doesNotMatch(sideOf({ ...found, places: null }), /^workers/);
    }),
  );
});
