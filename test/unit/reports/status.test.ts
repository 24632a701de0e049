import assert from "node:assert/strict";
import { test } from "node:test";
import { createLayout, SCENARIO_STATES } from "../../../src/ledger/layout.js";
import { ledgerBytes, openLedger } from "../../../src/ledger/snapshot.js";
import { stagesOf } from "../../../src/plan/profile.js";
import { AchievedRates } from "../../../src/readings/achieved-rates.js";
import { LedgerView } from "../../../src/readings/ledger-view.js";
import type { Subject } from "../../../src/readings/subject.js";
import { statusOf } from "../../../src/reports/status.js";
import { DRIFTS, GUARDS, OBSERVED } from "../exposition/observed.js";

const SUBJECT: Subject = {
  scenarios: [
    { name: "closed", stages: stagesOf({ kind: "max" }) },
    {
      name: "later",
      stages: stagesOf({
        kind: "steps",
        stages: [{ ratePerSecond: 5, durationMs: 1_000 }],
        repeat: false,
      }),
    },
  ],
  entries: [
    { scenario: 0, task: "app.a", queue: "celery", userRow: null },
    { scenario: 1, task: "app.a", queue: "celery", userRow: null },
  ],
  members: [],
  slos: [],
  connections: ["main"],
  data: [],
  modules: [],
  exceptions: [],
  version: "1.2.3",
  commit: "abc",
  configHash: "feed",
};

function setUp() {
  const layout = createLayout({
    entries: 2,
    scenarios: 2,
    connections: 1,
    bucketsMs: [1_000],
    phaseBucketsMs: [1_000],
    data: 0,
    exceptionRows: 2,
    sloRows: 0,
    userRows: 0,
    slots: 4,
  });
  const { live } = openLedger(layout, new SharedArrayBuffer(ledgerBytes(layout)));
  return { layout, cells: live.cells, view: () => new LedgerView(layout, [live]) };
}

test("what has no number is null, so that the status is the same after JSON", () => {
  const { layout, cells, view } = setUp();
  cells[layout.scenario(0, "state")] = SCENARIO_STATES.indexOf("running");
  cells[layout.scenario(0, "targetRate")] = Number.NaN;
  cells[layout.scenario(0, "stageRemainingSeconds")] = Number.POSITIVE_INFINITY;
  cells[layout.connection(0, "brokerBlocked")] = 1;
  const status = statusOf({
    subject: SUBJECT,
    ledger: view(),
    observed: [OBSERVED],
    verdicts: new Map([["app.a", { side: "none", evidence: null }]]),
    drifts: DRIFTS,
    guards: GUARDS,
    thresholds: [],
    readiness: { ready: false, problems: [{ message: "stopping" }] },
    seconds: 12.5,
    achievedRate: () => null,
  });
  assert.deepEqual(JSON.parse(JSON.stringify(status)), status);
  assert.deepEqual(status.scenarios, {
    closed: {
      state: "running",
      stage: { number: 1, name: "max", kind: "hold", remainingSeconds: null },
      targetRate: null,
      users: null,
      achievedRate: null,
    },
    later: { state: "waiting", stage: null, targetRate: 0, users: null, achievedRate: null },
  });
  const { broker, workers, queues } = status.connections.main!;
  assert.deepEqual(broker, { isUp: false, isBlocked: true, reconnects: 0 });
  assert.deepEqual([workers, queues], [OBSERVED.workers, OBSERVED.queues]);
  assert.equal(status.tasks["app.a"]!.latencySeconds.p50, null);
  assert.deepEqual([status.ready, status.balanced], [false, true]);
});

test("an achieved rate is that of the last 30 s, by scenario", () => {
  const { layout, cells, view } = setUp();
  const rates = new AchievedRates(SUBJECT);
  assert.equal(rates.of(0), null);
  for (let second = 0; second <= 60; second += 5) {
    rates.look(view(), second * 1_000);
    if (second === 0) assert.equal(rates.of(0), null, "one look says nothing");
    cells[layout.entryCounter(0, "published")]! += second < 30 ? 1_000 : 50;
    cells[layout.entryCounter(1, "published")]! += 10;
  }
  assert.deepEqual([rates.of(0), rates.of(1)], [10, 2]);
});
