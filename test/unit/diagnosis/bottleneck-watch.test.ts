import assert from "node:assert/strict";
import { test } from "node:test";
import { BottleneckWatch } from "../../../src/diagnosis/bottleneck-watch.js";
import { observe } from "../../../src/ledger/histogram.js";
import { SLOT } from "../../../src/ledger/in-flight-table.js";
import { createLayout } from "../../../src/ledger/layout.js";
import { ledgerBytes, openLedger } from "../../../src/ledger/snapshot.js";
import type { ObservedConnection } from "../../../src/observer/connection-observer.js";
import { LedgerView } from "../../../src/readings/ledger-view.js";
import type { Subject } from "../../../src/readings/subject.js";
import { OBSERVED, UNKNOWN } from "../exposition/observed.js";

const SUBJECT: Subject = {
  scenarios: [{ name: "s", stages: [] }],
  entries: [
    { scenario: 0, task: "app.a", queue: "celery", userRow: null },
    { scenario: 0, task: "app.b", queue: "celery", userRow: null },
  ],
  members: [],
  slos: [],
  connections: ["main"],
  data: [],
  modules: [],
  exceptions: [],
  version: "",
  commit: "",
  configHash: "",
};

const SLOTS = 1_000;

const PLAN = { connection: 0, countdownMs: null, eta: null, workflow: null };

function setUp(countdownMs: number | null = null) {
  const layout = createLayout({
    entries: 2,
    scenarios: 1,
    connections: 1,
    bucketsMs: [100, 1000],
    phaseBucketsMs: [100],
    data: 0,
    exceptionRows: 2,
    sloRows: 0,
    userRows: 0,
    slots: SLOTS,
  });
  const { live } = openLedger(layout, new SharedArrayBuffer(ledgerBytes(layout)));
  live.cells[layout.connection(0, "brokerUp")] = 1;
  const bottlenecks = new BottleneckWatch(SUBJECT, [{ ...PLAN, countdownMs }, PLAN]);
  /** Tasks of app.a that waited and ran so long, and whose results took so long. */
  const ran = (count: number, queueMs: number, runMs: number, deliveryMs = 0) => {
    for (let number = 0; number < count; number++) {
      observe(
        live.cells,
        layout.entryHistogram(0, "latencySucceeded"),
        queueMs + runMs + deliveryMs,
      );
      observe(live.cells, layout.entryHistogram(0, "queue"), queueMs);
      observe(live.cells, layout.entryHistogram(0, "run"), runMs);
      observe(live.cells, layout.entryHistogram(0, "delivery"), deliveryMs);
    }
  };
  /** So many tasks of app.a wait for their result now. */
  const flying = (count: number) => {
    live.states.fill(SLOT.free).fill(SLOT.published, 0, count);
  };
  const look = (observed: ObservedConnection = OBSERVED) =>
    bottlenecks.look(new LedgerView(layout, [live]), [observed]);
  return { bottlenecks, ran, flying, look };
}

/** Of the four places of the worker so many are taken. */
const active = (activeTasks: number): ObservedConnection => ({
  ...OBSERVED,
  workers: [{ ...OBSERVED.workers[0]!, activeTasks }],
});

test("a verdict is of one task, is changed by two looks, and is told with its evidence", () => {
  const { bottlenecks, ran, look } = setUp();
  assert.deepEqual(look(active(4)), []);
  ran(10, 900, 100);
  assert.deepEqual(look(active(4)), [], "once is not enough");
  ran(10, 900, 100);
  const [verdict, ...others] = look(active(4));
  assert.deepEqual(others, []);
  assert.equal(verdict?.task, "app.a");
  assert.equal(verdict.side, "workers_busy");
  const { results, latencyMs, queueMs, busyRatio, places, waiting } = verdict.evidence;
  assert.deepEqual(
    { results, latencyMs, queueMs, busyRatio, places, waiting },
    { results: 20, latencyMs: 1_000, queueMs: 900, busyRatio: 1, places: 4, waiting: 7 },
  );
  assert.deepEqual(
    [...bottlenecks.sides],
    [
      ["app.a", "workers_busy"],
      ["app.b", "none"],
    ],
  );
  ran(10, 900, 100);
  assert.deepEqual(look(active(4)), [], "no news");
});

test("what is older than 30 s is forgotten", () => {
  const { bottlenecks, ran, look } = setUp();
  look(active(4));
  ran(1_000, 900, 100);
  for (let number = 0; number < 2; number++) look(active(4));
  assert.equal(bottlenecks.sides.get("app.a"), "workers_busy");
  for (let number = 0; number < 8; number++) {
    ran(1, 5, 200);
    look(active(1));
  }
  assert.equal(bottlenecks.sides.get("app.a"), "code");
});

test("a countdown is nobody's fault, and what comes on top of it is", () => {
  for (const [queueMs, side] of [
    [5_005, "none"],
    [6_000, "workers_idle_but_waiting"],
  ] as const) {
    const { bottlenecks, ran, flying, look } = setUp(5_000);
    flying(50);
    for (let number = 0; number < 4; number++) {
      look(active(1));
      ran(10, queueMs, 20);
    }
    assert.equal(bottlenecks.sides.get("app.a"), side);
  }
});

test("a phase between clocks that are not known well is no longer than the whole", () => {
  const { bottlenecks, ran, look } = setUp(3_000);
  for (let number = 0; number < 4; number++) {
    look(active(1));
    ran(10, 2_550, 20, 450);
  }
  assert.equal(bottlenecks.sides.get("app.a"), "none");
});

test("workers that are down have no places; of unknown ones nothing is said", () => {
  const { bottlenecks, ran, look } = setUp();
  const down: ObservedConnection = {
    ...OBSERVED,
    workers: [{ ...OBSERVED.workers[0]!, up: 0, poolSize: null, activeTasks: null, queues: [] }],
  };
  look(UNKNOWN);
  for (let number = 0; number < 3; number++) {
    ran(10, 900, 100);
    look(UNKNOWN);
  }
  assert.equal(bottlenecks.sides.get("app.a"), "none");
  for (let number = 0; number < 3; number++) {
    ran(10, 900, 100);
    look(down);
  }
  assert.equal(bottlenecks.sides.get("app.a"), "workers_idle_but_waiting");
});

interface Life {
  readonly publishedS: number;
  readonly startedS: number;
  readonly endedS: number;
}

/** Tasks of `runS` on so many places, first come first served; `rateAt` is how many come a second. */
function lives(places: number, runS: number, endS: number, rateAt: (s: number) => number): Life[] {
  const freeS = Array.from({ length: places }, () => 0);
  const tasks: Life[] = [];
  for (let publishedS = 0; publishedS < endS; publishedS += 1 / rateAt(publishedS)) {
    const place = freeS.indexOf(Math.min(...freeS));
    const startedS = Math.max(publishedS, freeS[place]!);
    freeS[place] = startedS + runS;
    tasks.push({ publishedS, startedS, endedS: startedS + runS });
  }
  return tasks;
}

/** All verdicts on app.a, looked at every 5 s from `firstS` on; heartbeats are a second old. */
function verdictsOn(tasks: readonly Life[], firstS: number, endS: number): string[] {
  const { ran, flying, look } = setUp();
  const at = (s: number, from: keyof Life) =>
    tasks.filter((task) => task[from] <= s && s < task.endedS).length;
  const verdicts: string[] = [];
  let lastS = 0;
  for (let nowS = firstS; nowS < endS; nowS += 5) {
    for (const { publishedS, startedS, endedS } of tasks) {
      if (endedS <= lastS || endedS > nowS) continue;
      ran(1, (startedS - publishedS) * 1_000, (endedS - startedS) * 1_000);
    }
    flying(at(nowS, "publishedS"));
    verdicts.push(...look(active(at(nowS - 1, "startedS"))).map(({ side }) => side));
    lastS = nowS;
  }
  return verdicts;
}

test("a backlog on busy workers is never called idle, neither as it begins nor after its end", () => {
  for (const backlogS of [10, 30, 60]) {
    // Twenty a second is all that four places of 200 ms can do.
    const rateAt = (s: number) => (s >= 60 && s < 60 + backlogS ? 30 : 5);
    const tasks = lives(4, 0.2, 240, rateAt);
    for (const firstS of [1, 2, 3, 4, 5]) {
      assert.deepEqual(
        verdictsOn(tasks, firstS, 240),
        ["code", "workers_busy", "code"],
        `a backlog of ${backlogS} s, looked at from ${firstS} s on`,
      );
    }
  }
});
