import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScenarioPlan } from "../../../src/engine/messages.js";
import { ScenarioRun } from "../../../src/engine/scenario-run.js";
import type { TaskLife } from "../../../src/engine/task-life.js";
import { createLayout, type ScenarioState } from "../../../src/ledger/layout.js";
import { ALL_STARTS, inBlocks, WHOLE } from "../../../src/plan/share.js";

const PLAN: ScenarioPlan = {
  name: "s",
  connection: 0,
  profile: { kind: "constant", ratePerSecond: 10 },
  arrival: "even",
  entries: [0, 1],
  weights: [3, 1],
  startAfterMs: 0,
  warmupMs: 0,
  endMs: Number.POSITIVE_INFINITY,
  maxInFlight: 4,
  gracefulStopMs: 500,
};

function setUp(
  changes: Partial<ScenarioPlan> = {},
  left = Number.POSITIVE_INFINITY,
  deal = ALL_STARTS,
) {
  const layout = createLayout({
    entries: 2,
    scenarios: 1,
    connections: 1,
    bucketsMs: [1],
    phaseBucketsMs: [1],
    exceptionRows: 2,
    sloRows: 0,
    slots: 8,
  });
  const cells = new Float64Array(layout.cellCount);
  const started: { entry: number; stage: number; plannedMs: number; isWarmup: boolean }[] = [];
  const states: ScenarioState[] = [];
  const stages: number[] = [];
  const tasks = { inFlight: 0 };
  // Of the life of tasks a scenario knows these four.
  const life = {
    start(entry: number, stage: number, plannedMs: number, _nowMs: number, isWarmup: boolean) {
      started.push({ entry, stage, plannedMs, isWarmup });
      tasks.inFlight++;
    },
    inFlight: () => tasks.inFlight,
    hasRoom: () => tasks.inFlight < 4,
    endAll: () => {
      tasks.inFlight = 0;
    },
  } as unknown as TaskLife;
  const run = new ScenarioRun({
    index: 0,
    plan: { ...PLAN, ...changes },
    layout,
    cells,
    clock: {
      nowMs: () => 0,
      unixMs: (ms) => 1e12 + ms,
      anchor: () => 0,
      steppedMs: () => Number.NEGATIVE_INFINITY,
    },
    life,
    budget: { limit: left, left },
    seed: 1,
    deal,
    onState: (state) => states.push(state),
    onStage: (stage) => stages.push(stage),
  });
  const cell = (name: Parameters<typeof layout.scenario>[1]) => cells[layout.scenario(0, name)];
  return { run, started, states, stages, tasks, cell };
}

test("starts are due from the scenario's begin on, at the planned times, mixed by weight", () => {
  const { run, started } = setUp();
  run.begin(1_000);
  assert.equal(run.turn(1_000), 1_100);
  assert.equal(run.turn(1_450), 1_500);
  assert.deepEqual(
    started.map(({ plannedMs }) => plannedMs),
    [1_100, 1_200, 1_300, 1_400],
  );
  assert.deepEqual(started.map(({ entry }) => entry).sort(), [0, 0, 0, 1]);
});

test("the last start is planned even when the state is looked at before the timer comes", () => {
  const { run, started, states } = setUp({ endMs: 1_000 });
  run.begin(0);
  run.turn(950);
  run.refresh(1_050);
  assert.deepEqual(states, ["running"], "one start is still due");
  run.turn(1_051);
  run.refresh(1_052);
  assert.equal(started.length, 10);
  assert.equal(states.at(-1), "draining");
});

test("it waits for startAfter, warms up, runs, drains until nothing is in flight, and stops", () => {
  const { run, started, states, tasks } = setUp({ startAfterMs: 1_000, warmupMs: 200, endMs: 400 });
  run.begin(0);
  assert.equal(run.turn(500), 1_000);
  for (let now = 1_000; now <= 1_450; now += 50) {
    run.turn(now);
    run.refresh(now);
  }
  assert.deepEqual(
    started.map(({ isWarmup }) => isWarmup),
    [true, false, false, false],
  );
  assert.deepEqual(states, ["warming", "running", "draining"]);
  tasks.inFlight = 0;
  run.refresh(1_500);
  assert.equal(states.at(-1), "stopped");
});

test("draining ends with the graceful stop, whatever is in flight, and at once when aborted", () => {
  const drained = setUp();
  drained.run.begin(0);
  drained.run.turn(300);
  drained.run.stop(300);
  drained.run.refresh(799);
  assert.equal(drained.run.state, "draining");
  drained.run.refresh(800);
  assert.equal(drained.run.state, "stopped");

  const aborted = setUp();
  aborted.run.begin(0);
  aborted.run.turn(300);
  aborted.run.stop(300);
  aborted.run.abort(301);
  assert.equal(aborted.run.state, "stopped");
});

test("a scenario that is stopped before it began has planned nothing", () => {
  const { run, started } = setUp();
  run.stop(0);
  assert.equal(run.state, "stopped");
  assert.equal(run.turn(1_000), Number.POSITIVE_INFINITY);
  assert.equal(started.length, 0);
});

test("the budget of starts ends it exactly", () => {
  const { run, started, states } = setUp({}, 3);
  run.begin(0);
  run.turn(10_000);
  run.refresh(10_000);
  assert.equal(started.length, 3);
  assert.equal(states.at(-1), "draining");
});

test("it tells how long it still plans: by its end exactly, by the count as its pace was, and 0 from then on", () => {
  const endless = setUp();
  assert.equal(endless.cell("remainingSeconds"), Number.POSITIVE_INFINITY, "before it begins");
  endless.run.begin(0);
  endless.run.turn(1_000);
  endless.run.refresh(1_000);
  assert.equal(endless.cell("remainingSeconds"), Number.POSITIVE_INFINITY);
  endless.run.stop(1_100);
  assert.equal(endless.cell("remainingSeconds"), 0, "draining");

  const timed = setUp({ startAfterMs: 500, endMs: 2_000 });
  timed.run.begin(0);
  assert.equal(timed.cell("remainingSeconds"), 2.5);
  timed.run.turn(1_000);
  timed.run.refresh(1_000);
  assert.equal(timed.cell("remainingSeconds"), 1.5);

  const counted = setUp({}, 40);
  counted.run.begin(0);
  counted.run.turn(1_000);
  counted.run.refresh(1_000);
  assert.equal(counted.cell("remainingSeconds"), 3, "10 in the first second");
});

test("a closed loop keeps as many in flight as there is room for", () => {
  const { run, started, tasks, cell } = setUp({ profile: { kind: "max" } });
  run.begin(0);
  assert.equal(run.turn(10), 30, "it looks again soon");
  assert.equal(started.length, 4);
  tasks.inFlight = 2;
  run.turn(11);
  assert.equal(started.length, 6);
  assert.ok(Number.isNaN(cell("targetRate")));
});

test("target rate, stage, time left and the times of changes follow the profile", () => {
  const { run, stages, cell } = setUp({
    profile: {
      kind: "steps",
      stages: [
        { ratePerSecond: 1, durationMs: 1_000 },
        { ratePerSecond: 5, durationMs: 2_000 },
      ],
      repeat: true,
    },
  });
  run.begin(0);
  run.refresh(400);
  assert.deepEqual([cell("targetRate"), cell("stage"), cell("stageRemainingSeconds")], [1, 0, 0.6]);
  run.refresh(1_700);
  assert.deepEqual([cell("targetRate"), cell("stage"), cell("stageRemainingSeconds")], [5, 1, 1.3]);
  assert.equal(cell("stageChangedAt"), 1e9 + 1);
  run.refresh(3_100);
  assert.deepEqual([cell("stage"), cell("stageChangedAt")], [0, 1e9 + 3]);
  assert.deepEqual(stages, [0, 1, 0]);
  assert.equal(cell("startedAt"), 1e9);
});

test("threads start the plan's tasks each once, when they are due in the whole, and their rates add up", () => {
  const whole = setUp({ weights: [2, 1] });
  const parts = [0, 1, 2].map((index) =>
    setUp({ weights: [2, 1] }, Infinity, inBlocks(WHOLE, { index, of: 3 }, 2)),
  );
  let rate = 0;
  for (const { run } of [whole, ...parts]) {
    run.begin(1_000);
    run.turn(3_000);
  }
  for (const { cell } of parts) rate += cell("targetRate")!;
  assert.deepEqual(
    parts.flatMap(({ started }) => started).sort((a, b) => a.plannedMs - b.plannedMs),
    whole.started,
  );
  assert.ok(Math.abs(rate - whole.cell("targetRate")!) < 1e-9);
});

test("each start is planned in its stage: of every cycle, in threads and segments, to the last one", () => {
  const profile = {
    kind: "steps",
    stages: [
      { ratePerSecond: 3, durationMs: 1_100 },
      { ratePerSecond: 0, durationMs: 700 },
      { ratePerSecond: 0.7, durationMs: 10_000 },
      { ratePerSecond: 50, durationMs: 300 },
    ],
    repeat: true,
  } as const;
  const changes = { profile, endMs: 3 * 12_100 };
  const whole = setUp(changes);
  const parts = [0, 1, 2].flatMap((segment) =>
    [0, 1].map((thread) =>
      setUp(changes, Infinity, inBlocks({ index: segment, of: 3 }, { index: thread, of: 2 }, 4)),
    ),
  );
  for (const { run } of [whole, ...parts]) {
    run.begin(0);
    for (let now = 0; now <= changes.endMs; now += 50) run.turn(now);
  }
  const countOf = ({ started }: ReturnType<typeof setUp>, wanted: number) =>
    started.filter(({ stage }) => stage === wanted).length;
  // 3/s for 1.1 s is 3.3 starts a cycle: 3, 3 and 3.9, of which the rest of the cycle finds the tenth.
  const expected = [0, 1, 2, 3].map((stage) => countOf(whole, stage));
  assert.equal(expected[1], 0, "nothing is due at rate 0");
  assert.equal(
    expected.reduce((sum, count) => sum + count),
    whole.started.length,
  );
  assert.ok(Math.abs(expected[0]! - 9.9) < 1 && Math.abs(expected[3]! - 45) < 1, `${expected}`);
  for (const [stage, count] of expected.entries()) {
    const shared = parts.reduce((sum, part) => sum + countOf(part, stage), 0);
    assert.equal(shared, count, `stage ${stage}`);
  }
});

test("how long it has planned starts: to its end, to the last one by count, or to the stop", () => {
  const ended = setUp({ endMs: 1_000 });
  ended.run.begin(0);
  ended.run.turn(1_050);
  ended.run.refresh(1_060);
  assert.equal(ended.cell("plannedSeconds"), 1);
  const counted = setUp({}, 5);
  counted.run.begin(0);
  counted.run.turn(540);
  counted.run.refresh(600);
  assert.equal(counted.cell("plannedSeconds"), 0.5);
  const stopped = setUp({ startAfterMs: 100 });
  stopped.run.begin(0);
  stopped.run.refresh(100);
  stopped.run.stop(850);
  assert.equal(stopped.cell("plannedSeconds"), 0.75);
  const early = setUp({ startAfterMs: 100 });
  early.run.begin(0);
  early.run.stop(50);
  assert.equal(early.cell("plannedSeconds"), 0);
});
