import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { observe } from "../../../src/ledger/histogram.js";
import { createLayout, type EntryCounter, SCENARIO_STATES } from "../../../src/ledger/layout.js";
import { ledgerBytes, openLedger } from "../../../src/ledger/snapshot.js";
import {
  createStageLayout,
  MAX_STAGE_ROWS,
  type StageCounter,
} from "../../../src/ledger/stage-rows.js";
import { stagesOf, stageTimesMs } from "../../../src/plan/profile.js";
import { LedgerView } from "../../../src/readings/ledger-view.js";
import { NO_SCRIPTS } from "../../../src/readings/script-reading.js";
import type { Subject } from "../../../src/readings/subject.js";
import { type EndedRun, endReport } from "../../../src/reports/end-report.js";
import { reportText } from "../../../src/reports/report-text.js";
import { summarizeStages } from "../../../src/reports/stage-report.js";
import { StatusLine } from "../../../src/reports/status-line.js";
import { widthOf } from "../../../src/terminal/text.js";

const LONG = "shop.warehouse.inventory.tasks.synchronise_reserved_quantities_of_all_warehouses";
const steps = (count: number) =>
  stagesOf({
    kind: "steps",
    stages: Array.from({ length: count }, (_, index) => ({
      ratePerSecond: index + 1,
      durationMs: 1_000,
    })),
    repeat: false,
  });

/** A run of a task with a short name and one with a long name, with what a test has counted. */
function setUp(stages = steps(2), userRow: number | null = null) {
  const subject: Subject = {
    scenarios: [{ name: "steady", stages }],
    entries: [
      { scenario: 0, task: "a", queue: "celery", userRow },
      { scenario: 0, task: LONG, queue: "celery", userRow: userRow === null ? null : userRow + 1 },
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
  const layout = createLayout({
    entries: 2,
    scenarios: 1,
    connections: 1,
    bucketsMs: [1_000],
    phaseBucketsMs: [1_000],
    data: 0,
    exceptionRows: 2,
    sloRows: 0,
    userRows: 2,
    slots: 4,
  });
  const { live } = openLedger(layout, new SharedArrayBuffer(ledgerBytes(layout)));
  live.cells[layout.scenario(0, "state")] = SCENARIO_STATES.indexOf("running");
  const stageLayout = createStageLayout([stages.length]);
  const stageCells = new Float64Array(stageLayout.cellCount);
  const count = (entry: number, counter: EntryCounter & StageCounter, n: number, stage = 0) => {
    live.cells[layout.entryCounter(entry, counter)]! += n;
    stageCells[stageLayout.counter(stageLayout.row(0, stage), counter)]! += n;
  };
  const plannedFor = (seconds: number) => {
    for (const [stage, ms] of stageTimesMs(stages, seconds * 1000).entries()) {
      stageCells[stageLayout.lastedAt(stageLayout.row(0, stage))]! += ms;
    }
  };
  const run = (): EndedRun => ({
    ledger: new LedgerView(layout, [live]),
    thresholds: [],
    scripts: NO_SCRIPTS,
    stages: summarizeStages(stageCells, subject),
    subject,
    startedUnixMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    seconds: 10,
    stoppedBySignal: false,
    bottleneckOf: () => ({ side: "none", evidence: null, secondsBySide: {} }),
    reasons: { refused: new Map(), invalid: null, notConnected: null },
  });
  const text = (width = Number.POSITIVE_INFINITY) => reportText(run(), endReport(run()), width);
  const took = (entry: number, measured: readonly number[], compensated: readonly number[]) => {
    for (const ms of measured)
      observe(live.cells, layout.entryHistogram(entry, "latencySucceeded"), ms);
    for (const ms of compensated) observe(live.cells, layout.compensated(entry), ms);
  };
  const users = (count: number) => {
    live.cells[layout.scenario(0, "targetRate")] = Number.NaN;
    live.cells[layout.scenario(0, "users")] = count;
  };
  return { subject, count, plannedFor, took, users, run, text };
}

/** The rows of the report's tables, as numbers by column; tables below one another are one. */
function rowsOf(text: string): Map<string, Record<string, number>> {
  const rows = new Map<string, Record<string, number>>();
  let titles: string[] | null = null;
  for (const line of text.split("\n")) {
    const cells = line.split(/ {2,}/);
    if (cells[0] === "task" || cells[0] === "stage") titles = cells;
    else if (titles === null || cells.length !== titles.length) titles = null;
    else {
      const row = rows.get(cells[0]!) ?? {};
      for (const [index, title] of [...titles.entries()].slice(1)) {
        row[title] ??= Number.parseFloat(cells[index]!);
      }
      rows.set(cells[0]!, row);
    }
  }
  return rows;
}

const sumOf = (row: Record<string, number>, ...titles: string[]) =>
  titles.reduce((sum, title) => sum + (row[title] ?? 0), 0);

test("every row adds up, whatever became of the starts, and columns are there that have something", () => {
  const ends = ["succeeded", "failed", "revoked", "timedOut", "unknown"] as const;
  const losses = [
    "droppedInFlight",
    "droppedSaturated",
    "failedRejected",
    "failedTooLarge",
  ] as const;
  const event = fc.record({
    entry: fc.nat(1),
    stage: fc.nat(1),
    end: fc.constantFrom(...ends, ...losses),
    n: fc.integer({ min: 1, max: 1_000_000 }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), fc.constantFrom(80, 200), (events, width) => {
      const { count, plannedFor, text } = setUp();
      plannedFor(2);
      for (const { entry, stage, end, n } of events) {
        count(entry, "planned", n, stage);
        if ((ends as readonly string[]).includes(end)) count(entry, "published", n, stage);
        count(entry, end, n, stage);
      }
      const shown = text(width);
      for (const line of shown.split("\n")) assert.ok(widthOf(line) <= width, line);
      const rows = [...rowsOf(shown)];
      assert.equal(rows.length, 5, "two tasks, all of them, and two stages");
      for (const [name, row] of rows) {
        assert.equal(row.planned, sumOf(row, "published", "dropped", "refused"), name);
        const outcomes = ["succeeded", "failed", "revoked", "timed out", "unknown"];
        assert.equal(row.published, sumOf(row, ...outcomes), name);
      }
      const [one, other, all, first, second] = rows.map(([, row]) => row);
      for (const title of Object.keys(all!).filter(
        (name) => !name.startsWith("p9") && name !== "p50",
      )) {
        assert.equal(sumOf(one!, title) + sumOf(other!, title), all![title]);
        assert.equal(sumOf(first!, title) + sumOf(second!, title), all![title]);
      }
      const isThere = (title: string) => title in all!;
      assert.equal(
        isThere("refused"),
        events.some(({ end }) => end.startsWith("failedR") || end.startsWith("failedT")),
      );
      assert.equal(
        isThere("dropped"),
        events.some(({ end }) => end.startsWith("dropped")),
      );
      assert.equal(
        isThere("revoked"),
        events.some(({ end }) => end === "revoked"),
      );
    }),
  );
});

test("a row a stage with the planned and the achieved rate, but for those that were not reached", () => {
  const { count, plannedFor, text, run } = setUp(steps(4));
  plannedFor(1.5);
  for (const name of ["planned", "published", "succeeded"] as const) {
    count(0, name, 1, 0);
    count(0, name, 1, 1);
  }
  count(0, "planned", 1, 1);
  count(0, "droppedSaturated", 1, 1);
  const lines = text().split("\n");
  assert.equal(lines[0], "Ran for 10.0 s, 2/s planned, 1.333/s published.");
  const at = lines.findIndex((line) => line.startsWith("stage"));
  assert.match(lines[at]!, /^stage +time +rate +achieved +planned +published +dropped +succeeded/);
  assert.match(lines[at + 1]!, /^1: 1\/s for 1s +1 s +1\/s +1\/s +1 /);
  assert.match(lines[at + 2]!, /^2: 2\/s for 1s +0\.5 s +4\/s +2\/s +2 /);
  assert.equal(lines[at + 3], "2 stages were not reached.");
  const { stages, startedAt, endedAt } = endReport(run());
  assert.deepEqual([startedAt, endedAt], ["2026-01-02T03:04:05.000Z", "2026-01-02T03:04:15.000Z"]);
  assert.deepEqual(
    stages.map(({ seconds, plannedRate, achievedRate }) => [seconds, plannedRate, achievedRate]),
    [
      [1, 1, 1],
      [0.5, 4, 2],
      [0, null, null],
      [0, null, null],
    ],
  );
  assert.deepEqual(JSON.parse(JSON.stringify(stages)), stages);
});

test("one stage is the whole, and has no table of its own", () => {
  const { text } = setUp(stagesOf({ kind: "constant", ratePerSecond: 5 }));
  assert.doesNotMatch(text(), /^stage/m);
});

test("more stages than there are rows share the last one, and the report says so", () => {
  const further = 500;
  const { count, plannedFor, run, text } = setUp(steps(MAX_STAGE_ROWS + further));
  plannedFor(MAX_STAGE_ROWS + further);
  count(0, "planned", 5, MAX_STAGE_ROWS - 2);
  count(0, "planned", 7, MAX_STAGE_ROWS - 1);
  count(0, "planned", 11, MAX_STAGE_ROWS + further - 1);
  const { stages } = endReport(run());
  const last = stages.slice(-2).map(({ number, stages: n, name, seconds, planned }) => {
    return { number, n, name, seconds, planned };
  });
  assert.deepEqual(last, [
    { number: 999, n: 1, name: "999/s for 1s", seconds: 1, planned: 5 },
    { number: 1000, n: 501, name: "501 further stages", seconds: 501, planned: 18 },
  ]);
  assert.match(text(), /^1000: 501 further stages +501 s /m);
});

test("the status line takes what room there is, and what says most stays longest", () => {
  const { subject, run, count } = setUp();
  count(1, "planned", 3);
  const lineAt = (width: number) => new StatusLine(subject, 0).render(run().ledger, 1_000, width);
  assert.match(
    lineAt(200),
    /^steady running 1\/2 1\/s for 1s \| target 0\/s \| achieved 0\.0\/s \| done/,
  );
  assert.match(lineAt(80), /^steady 1\/2 \| .*p99 -/);
  for (let width = 40; width < 200; width++) {
    const line = lineAt(width);
    assert.ok(widthOf(line) <= width, line);
    assert.match(line, /^steady/);
  }
});

test("the status line has users where a rate has its target", () => {
  const { subject, run, users } = setUp(steps(1), 0);
  users(50);
  const lineAt = (width: number) => new StatusLine(subject, 0).render(run().ledger, 1_000, width);
  assert.match(lineAt(200), /target 50 users \| achieved 0\.0\/s/);
  assert.doesNotMatch(lineAt(80), / of 50/);
});

test("what users hide is said beside what they saw", () => {
  const { took, run, text } = setUp(steps(1), 0);
  took(0, [20, 20, 3_000], [20, 20, 3_000, 2_000, 1_000]);
  took(1, [20], [20]);
  const line =
    "  steady: users who wait slow down with the workers; in brackets as if each had kept its pace: p50 20 ms (20 ms), p95 2.99 s (2.99 s), p99 2.99 s (2.99 s)";
  assert.ok(text().includes(`closed loops\n${line}`), text());
  const { measured, compensated } = endReport(run()).users.steady!;
  assert.deepEqual([measured.p50! < 0.021, compensated.p50! < 0.021], [true, true]);
  for (const each of text(80).split("\n")) assert.ok(widthOf(each) <= 80, each);
  assert.doesNotMatch(setUp().text(), /closed loops/);
});
