import assert from "node:assert/strict";
import { test } from "node:test";
import type { WATCHED } from "../../../src/diagnosis/drift.js";
import { DriftWatch } from "../../../src/diagnosis/drift-watch.js";
import { observe } from "../../../src/ledger/histogram.js";
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
const WINDOW_MS = 600_000;
const LOOKS_A_POINT = 2;

function setUp(lookMs = WINDOW_MS / 60 / LOOKS_A_POINT) {
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
    slots: 4,
  });
  const { live } = openLedger(layout, new SharedArrayBuffer(ledgerBytes(layout)));
  let residentBytes = 1e8;
  const drifts = new DriftWatch({
    subject: SUBJECT,
    connections: [{ name: "main", queues: ["celery"] }],
    windowMs: WINDOW_MS,
    residentBytes: () => residentBytes,
  });
  let nowMs = 0;
  return {
    drifts,
    /** So many looks; `before` is told how many minutes have gone by. */
    go(
      looks: number,
      before: (minutes: number) => {
        latencyMs?: number;
        tasks?: number;
        retries?: number;
        observed?: ObservedConnection;
        residentBytes?: number;
      },
    ) {
      for (let look = 0; look < looks; look++) {
        const found = before(nowMs / 60_000);
        for (let task = 0; task < (found.tasks ?? 0); task++) {
          live.cells[layout.entryCounter(0, "published")]! += 1;
          observe(live.cells, layout.entryHistogram(0, "latencySucceeded"), found.latencyMs!);
        }
        live.cells[layout.entryCounter(0, "retries")]! += found.retries ?? 0;
        residentBytes = found.residentBytes ?? residentBytes;
        drifts.look(new LedgerView(layout, [live]), [found.observed ?? UNKNOWN], nowMs);
        nowMs += lookMs;
      }
    },
    driftOf(what: (typeof WATCHED)[number], task?: string) {
      return drifts.drifts.find((each) => each.what === what && each.labels.task === task);
    },
  };
}

test("what grows is found, with its slope in an hour, and what stays is not", () => {
  const { go, driftOf } = setUp();
  go(120, (minutes) => ({
    latencyMs: 100 + 10 * minutes,
    tasks: 50,
    retries: 5,
    residentBytes: 1e8 + 1e6 * minutes,
    observed: {
      ...OBSERVED,
      queues: [
        {
          name: "celery",
          ready: 100 - 5 * minutes,
          consumers: 1,
          unacked: null,
          started: null,
          falls: 0,
          lastFall: null,
        },
      ],
      backendMemoryBytes: 1e6,
    },
  }));
  const near = (what: (typeof WATCHED)[number], perHour: number, task?: string) => {
    const drift = driftOf(what, task)!;
    assert.ok(
      Math.abs(drift.perHour - perHour) <= Math.abs(perHour) / 50,
      `${what} ${drift.perHour}`,
    );
    assert.equal(drift.isSignificant, perHour !== 0, what);
  };
  near("latency_p50", 0.6, "app.a");
  near("latency_p99", 0.6, "app.a");
  near("rate", 0, "app.a");
  near("retries", 0, "app.a");
  near("queue_length", -300);
  near("worker_pool_size", 0);
  near("result_backend_memory", 0);
  near("resident_memory", 6e7);
  assert.deepEqual(driftOf("queue_length")!.labels, { connection: "main", queue: "celery" });
});

test("nothing is said before a third of the window has gone by, and never of what is not known", () => {
  const { go, drifts, driftOf } = setUp();
  go(20 * LOOKS_A_POINT, () => ({}));
  assert.deepEqual(drifts.drifts, []);
  go(LOOKS_A_POINT, () => ({}));
  // Nothing has run, nobody has answered, and no start is a rate of 0.
  assert.deepEqual(
    drifts.drifts.map(({ what, labels }) => [what, labels]),
    [
      ["resident_memory", {}],
      ["rate", { task: "app.a" }],
      ["rate", { task: "app.b" }],
    ],
  );
  assert.equal(driftOf("latency_p99", "app.b"), undefined);
});

test("what is older than the window is forgotten", () => {
  const { go, driftOf } = setUp();
  go(120, (minutes) => ({ residentBytes: 1e8 + 1e6 * minutes }));
  assert.equal(driftOf("resident_memory")!.isSignificant, true);
  go(120, () => ({}));
  assert.deepEqual(driftOf("resident_memory"), {
    what: "resident_memory",
    labels: {},
    perHour: 0,
    isSignificant: false,
  });
});

test("after a long gap there are too few points again", () => {
  const { go, driftOf } = setUp();
  go(120, () => ({ observed: OBSERVED }));
  assert.notEqual(driftOf("queue_length"), undefined);
  go(90, () => ({ observed: UNKNOWN }));
  assert.equal(driftOf("queue_length"), undefined);
});

test("places are those of all workers that are up", () => {
  const { go, driftOf } = setUp();
  const worker = OBSERVED.workers[0]!;
  const gone = { ...worker, name: "celery@b", up: 0, poolSize: null };
  go(121, (minutes) => {
    const workers = Array.from({ length: 20 }, (_, index) => (index < 2 * minutes ? gone : worker));
    return { observed: { ...OBSERVED, workers } };
  });
  const { perHour, isSignificant } = driftOf("worker_pool_size")!;
  assert.ok(isSignificant && Math.abs(perHour + 480) < 10, `${perHour}`);
});

test("a look that comes a little early makes its point all the same", () => {
  const { go, driftOf } = setUp((0.999 * WINDOW_MS) / 60);
  go(21, () => ({}));
  assert.notEqual(driftOf("resident_memory"), undefined);
});
