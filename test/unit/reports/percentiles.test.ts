import assert from "node:assert/strict";
import { test } from "node:test";
import { observe } from "../../../src/ledger/histogram.js";
import { createLayout, SCENARIO_STATES } from "../../../src/ledger/layout.js";
import { ledgerBytes, openLedger } from "../../../src/ledger/snapshot.js";
import { createStageLayout } from "../../../src/ledger/stage-rows.js";
import { createProfile } from "../../../src/plan/profile.js";
import { LedgerView } from "../../../src/readings/ledger-view.js";
import { NO_SCRIPTS } from "../../../src/readings/script-reading.js";
import type { Subject } from "../../../src/readings/subject.js";
import { type EndedRun, endReport } from "../../../src/reports/end-report.js";
import { reportText } from "../../../src/reports/report-text.js";
import { summarizeStages } from "../../../src/reports/stage-report.js";
import { StatusLine } from "../../../src/reports/status-line.js";

const subject: Subject = {
  scenarios: [
    { name: "steady", stages: createProfile({ kind: "constant", ratePerSecond: 100 }).stages },
  ],
  entries: [
    { scenario: 0, task: "app.quick", queue: "celery", userRow: null },
    { scenario: 0, task: "app.slow", queue: "celery", userRow: null },
  ],
  members: [],
  connections: ["main"],
  slos: [],
  data: [],
  modules: [],
  exceptions: [],
  version: "1.2.3",
  commit: "abc",
  configHash: "feed",
};

/** A ledger in which tasks end with given latencies. */
function setUp() {
  const layout = createLayout({
    entries: 2,
    scenarios: 1,
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
  const { cells } = live;
  cells[layout.scenario(0, "state")] = SCENARIO_STATES.indexOf("running");
  cells[layout.scenario(0, "targetRate")] = 100;
  const end = (entry: number, outcome: "succeeded" | "failed", latencyMs: number) => {
    for (const counter of ["planned", "published", outcome] as const) {
      cells[layout.entryCounter(entry, counter)]! += 1;
    }
    const histogram = outcome === "succeeded" ? "latencySucceeded" : "latencyFailed";
    observe(cells, layout.entryHistogram(entry, histogram), latencyMs);
  };
  return { ledger: () => new LedgerView(layout, [live]), end };
}

function ended(ledger: LedgerView): EndedRun {
  return {
    ledger,
    thresholds: [],
    scripts: NO_SCRIPTS,
    stages: summarizeStages(new Float64Array(createStageLayout([1]).cellCount), subject),
    subject,
    startedUnixMs: 0,
    seconds: 10,
    stoppedBySignal: false,
    bottleneckOf: () => ({ side: "none", evidence: null, secondsBySide: {} }),
    reasons: { refused: new Map(), invalid: null, notConnected: null },
  };
}

/** 1, 2 … 100 ms. What is told of them may be off by 0.8 %, and is rounded. */
function hundred(end: (entry: number, outcome: "succeeded", latencyMs: number) => void): void {
  for (let ms = 1; ms <= 100; ms++) end(0, "succeeded", ms);
}

test("the status line has p50, p95 and p99 of the time since the line before", () => {
  const { ledger, end } = setUp();
  const line = new StatusLine(subject, 0);
  hundred(end);
  assert.match(
    line.render(ledger(), 1_000),
    /achieved 100\.0\/s \| done 100\.0\/s .* p50 50 ms p95 9[56] ms p99 (99|100) ms/,
  );
  for (let i = 0; i < 10; i++) end(1, "failed", 2_000);
  assert.match(
    line.render(ledger(), 2_000),
    /done 10\.0\/s .* p50 2\.0\d s p95 2\.0\d s p99 2\.0\d s/,
  );
  assert.match(line.render(ledger(), 3_000), /done 0\.0\/s .* p50 - p95 - p99 -/);
});

test("what was counted before the line begins is in no line", () => {
  const { ledger, end } = setUp();
  const line = new StatusLine(subject, 0);
  hundred(end);
  line.begin(ledger(), 1_000);
  end(1, "failed", 2_000);
  assert.match(line.render(ledger(), 2_000), /achieved 1\.0\/s \| done 1\.0\/s .* p50 2\.0\d s/);
});

test("the end report has p50, p95 and p99 of each task and of all, successes and failures", () => {
  const { ledger, end } = setUp();
  hundred(end);
  for (let i = 0; i < 100; i++) end(1, "failed", 2_000);
  const run = ended(ledger());
  const lines = reportText(run, endReport(run), Infinity).split("\n");
  assert.match(lines[1]!, /p50 +p95 +p99$/);
  assert.match(lines[2]!, /^app\.quick .* 50 ms +9[56] ms +(99|100) ms$/);
  assert.match(lines[3]!, /^app\.slow .* 2\.0\d s +2\.0\d s +2\.0\d s$/);
  assert.match(lines[4]!, /^all .* 10[01] ms +2\.0\d s +2\.0\d s$/);
});

test("the report for programs has p99.9 and the maximum too, in seconds, null where nothing ended", () => {
  const { ledger, end } = setUp();
  hundred(end);
  const { tasks } = endReport(ended(ledger()));
  const expected = { p50: 0.05, p95: 0.095, p99: 0.099, p999: 0.1, max: 0.1 };
  for (const [name, seconds] of Object.entries(expected)) {
    const found = tasks["app.quick"]!.latencySeconds[name as keyof typeof expected];
    assert.ok(Math.abs(found! / seconds - 1) < 0.01, `${name} is ${found}`);
  }
  assert.deepEqual(tasks["app.slow"]!.latencySeconds, {
    p50: null,
    p95: null,
    p99: null,
    p999: null,
    max: null,
  });
});
