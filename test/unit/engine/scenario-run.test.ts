import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScenarioPlan } from "../../../src/engine/messages.js";
import type { Beginning } from "../../../src/engine/pacing.js";
import { ScenarioRun } from "../../../src/engine/scenario-run.js";
import type { TaskLife } from "../../../src/engine/task-life.js";
import { createLayout, type ScenarioState } from "../../../src/ledger/layout.js";
import { firstRegime } from "../../../src/plan/regime.js";
import { ALL_STARTS, inBlocks, WHOLE } from "../../../src/plan/share.js";

const PLAN: ScenarioPlan = {
  name: "s",
  connection: 0,
  profile: { kind: "constant", ratePerSecond: 10 },
  arrival: "even",
  choose: "exact",
  entries: [0, 1],
  weights: [3, 1],
  startAfterMs: 0,
  warmupMs: 0,
  endMs: Number.POSITIVE_INFINITY,
  untilMs: Number.POSITIVE_INFINITY,
  windows: null,
  lease: null,
  script: null,
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
    data: 0,
    exceptionRows: 2,
    sloRows: 0,
    userRows: 0,
    slots: 8,
  });
  const cells = new Float64Array(layout.cellCount);
  const started: { entry: number; stage: number; plannedMs: number; isWarmup: boolean }[] = [];
  const states: ScenarioState[] = [];
  const stages: number[] = [];
  const lasted: number[][] = [];
  const tasks = { inFlight: 0 };
  const isOurs = { value: true };
  // Of the life of tasks a scenario knows these five.
  const life = {
    start(entry: number, stage: number, plannedMs: number, _nowMs: number, isWarmup: boolean) {
      started.push({ entry, stage, plannedMs, isWarmup });
      tasks.inFlight++;
      return true;
    },
    inFlight: () => tasks.inFlight,
    hasRoom: () => tasks.inFlight < 4,
    stagesLasted: (_scenario: number, timesMs: readonly number[]) => {
      lasted.push(timesMs.map(Math.round));
    },
    endAll: () => {
      tasks.inFlight = 0;
    },
  } as unknown as TaskLife;
  const plan = { ...PLAN, ...changes };
  const run = new ScenarioRun({
    index: 0,
    plan,
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
    rows: undefined,
    share: WHOLE,
    pace: null,
    code: null,
    nowMs: () => 0,
    readAhead: () => undefined,
    mayStart: () => isOurs.value,
    deal,
    onState: (state) => states.push(state),
    onStage: (stage) => stages.push(stage),
  });
  const cell = (name: Parameters<typeof layout.scenario>[1]) => cells[layout.scenario(0, name)];
  const begin = (zeroMs: number, from: Partial<Beginning> = {}) =>
    run.begin(zeroMs, zeroMs, {
      regime: firstRegime(plan.startAfterMs, 0),
      startsBefore: 0,
      isStopped: false,
      ...from,
    });
  return { run, begin, isOurs, started, states, stages, tasks, cell, lasted };
}

test("starts are due from the scenario's begin on, at the planned times, mixed by weight", () => {
  const { run, begin, started } = setUp();
  begin(1_000);
  assert.equal(run.turn(1_000), 1_100);
  assert.equal(run.turn(1_450), 1_500);
  assert.deepEqual(
    started.map(({ plannedMs }) => plannedMs),
    [1_100, 1_200, 1_300, 1_400],
  );
  assert.deepEqual(started.map(({ entry }) => entry).sort(), [0, 0, 0, 1]);
});

test("the last start is planned even when the state is looked at before the timer comes", () => {
  const { run, begin, started, states } = setUp({ endMs: 1_000 });
  begin(0);
  run.turn(950);
  run.refresh(1_050);
  assert.deepEqual(states, ["running"], "one start is still due");
  run.turn(1_051);
  run.refresh(1_052);
  assert.equal(started.length, 10);
  assert.equal(states.at(-1), "draining");
});

test("it waits for startAfter, warms up, runs, drains until nothing is in flight, and stops", () => {
  const { run, begin, started, states, tasks } = setUp({
    startAfterMs: 1_000,
    warmupMs: 200,
    endMs: 400,
  });
  begin(0);
  assert.equal(run.turn(500), 1_100, "the first start");
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
  drained.begin(0);
  drained.run.turn(300);
  drained.run.stop(300);
  drained.run.refresh(799);
  assert.equal(drained.run.state, "draining");
  drained.run.refresh(800);
  assert.equal(drained.run.state, "stopped");

  const aborted = setUp();
  aborted.begin(0);
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
  const { run, begin, started, states } = setUp({}, 3);
  begin(0);
  run.turn(10_000);
  run.refresh(10_000);
  assert.equal(started.length, 3);
  assert.equal(states.at(-1), "draining");
});

test("it tells how long it still plans: by its end exactly, by the count as its pace was, and 0 from then on", () => {
  const endless = setUp();
  assert.equal(endless.cell("remainingSeconds"), Number.POSITIVE_INFINITY, "before it begins");
  endless.begin(0);
  endless.run.turn(1_000);
  endless.run.refresh(1_000);
  assert.equal(endless.cell("remainingSeconds"), Number.POSITIVE_INFINITY);
  endless.run.stop(1_100);
  assert.equal(endless.cell("remainingSeconds"), 0, "draining");

  const timed = setUp({ startAfterMs: 500, endMs: 2_000 });
  timed.begin(0);
  assert.equal(timed.cell("remainingSeconds"), 2.5);
  timed.run.turn(1_000);
  timed.run.refresh(1_000);
  assert.equal(timed.cell("remainingSeconds"), 1.5);

  const counted = setUp({}, 40);
  counted.begin(0);
  counted.run.turn(1_000);
  counted.run.refresh(1_000);
  assert.equal(counted.cell("remainingSeconds"), 3, "10 in the first second");
});

test("a closed loop keeps as many in flight as there is room for", () => {
  const { run, begin, started, tasks, cell } = setUp({ profile: { kind: "max" } });
  begin(0);
  assert.equal(run.turn(10), 30, "it looks again soon");
  assert.equal(started.length, 4);
  tasks.inFlight = 2;
  run.turn(11);
  assert.equal(started.length, 6);
  assert.ok(Number.isNaN(cell("targetRate")));
});

test("target rate, stage, time left and the times of changes follow the profile", () => {
  const { run, begin, stages, cell } = setUp({
    profile: {
      kind: "steps",
      stages: [
        { ratePerSecond: 1, durationMs: 1_000 },
        { ratePerSecond: 5, durationMs: 2_000 },
      ],
      repeat: true,
    },
  });
  begin(0);
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
  for (const { run, begin } of [whole, ...parts]) {
    begin(1_000);
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
  for (const { run, begin } of [whole, ...parts]) {
    begin(0);
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
  ended.begin(0);
  ended.run.turn(1_050);
  ended.run.refresh(1_060);
  assert.deepEqual(ended.lasted, [[1_000]]);
  const counted = setUp({}, 5);
  counted.begin(0);
  counted.run.turn(540);
  counted.run.refresh(600);
  assert.deepEqual(counted.lasted, [[500]]);
  const stopped = setUp({ startAfterMs: 100 });
  stopped.begin(0);
  stopped.run.refresh(100);
  stopped.run.stop(850);
  assert.deepEqual(stopped.lasted, [[750]]);
  const early = setUp({ startAfterMs: 100 });
  early.begin(0);
  early.run.stop(50);
  assert.deepEqual(early.lasted, []);
});

/** What lasts a second at 1/s, two seconds at 2/s, and three at 3/s. */
const THREE_STAGES = {
  profile: {
    kind: "steps",
    stages: [1, 2, 3].map((number) => ({ ratePerSecond: number, durationMs: number * 1_000 })),
    repeat: false,
  },
} as const;

/** Orders that move the plan: when, and to where. */
const MOVES: readonly (readonly [
  name: string,
  moves: [atMs: number, toMs: number][],
  lasted: number[],
])[] = [
  ["none", [], [1_000, 2_000, 1_000]],
  ["what goes on where it is", [[1_500, 1_500]], [1_000, 2_000, 1_000]],
  ["a skipped stage", [[1_500, 3_000]], [1_000, 500, 2_500]],
  ["a skip at the end of a stage", [[1_000, 3_000]], [1_000, 0, 3_000]],
  ["a restart", [[1_500, 0]], [2_000, 2_000, 0]],
  [
    "a skip and a restart",
    [
      [500, 1_000],
      [1_500, 0],
    ],
    [1_500, 2_500, 0],
  ],
];
for (const [name, moves, expected] of MOVES) {
  test(`how long starts were planned in each stage: ${name}`, () => {
    const { run, begin, lasted } = setUp(THREE_STAGES);
    begin(0);
    for (const [atMs, toMs] of moves) {
      run.refresh(atMs - 10);
      run.follow({ ...firstRegime(0, 0), fromMs: atMs, planMs: toMs });
    }
    run.stop(4_000);
    const sums = [0, 1, 2].map((stage) => lasted.reduce((sum, times) => sum + times[stage]!, 0));
    assert.deepEqual(sums, expected);
  });
}

test("how long starts were planned in each stage: a plan that is taken over in mid-course", () => {
  const { run, begin, lasted } = setUp(THREE_STAGES);
  begin(1_000, { regime: { ...firstRegime(0, 0), planMs: 2_500 } });
  run.refresh(1_500);
  run.stop(2_000);
  assert.deepEqual(lasted, [[0, 500, 500]]);
});

const HOLD = { ...firstRegime(0, 0), isPaused: true };

test("a pause starts nothing and stops the plan's clock; the rest follows when it ends", () => {
  const { run, begin, started, states, cell, lasted } = setUp({ warmupMs: 400, endMs: 1_000 });
  begin(0);
  run.turn(250);
  run.follow({ ...HOLD, fromMs: 250, planMs: 250 });
  assert.equal(run.turn(5_000), Number.POSITIVE_INFINITY);
  run.refresh(5_000);
  assert.equal(states.at(-1), "paused");
  assert.equal(cell("targetRate"), 0);
  assert.equal(cell("remainingSeconds"), 0.75);
  run.follow({ ...firstRegime(0, 0), fromMs: 6_000, planMs: 250 });
  run.refresh(6_010);
  assert.equal(states.at(-1), "warming");
  run.turn(6_800);
  run.refresh(6_800);
  assert.deepEqual(
    started.map(({ plannedMs }) => plannedMs),
    [100, 200, 6_050, 6_150, 6_250, 6_350, 6_450, 6_550, 6_650, 6_750],
  );
  assert.equal(started.filter(({ isWarmup }) => isWarmup).length, 3, "before 400 ms of the plan");
  assert.equal(states.at(-1), "draining");
  assert.deepEqual(lasted, [[1_000]]);
});

test("what an order has stopped drains, is not over, and begins anew when it is started", () => {
  const { run, begin, started, states, tasks } = setUp({ untilMs: 60_000 });
  begin(0);
  run.turn(300);
  run.halt({ ...HOLD, fromMs: 320, planMs: 320 });
  run.refresh(330);
  assert.equal(run.turn(900), Number.POSITIVE_INFINITY);
  run.refresh(900);
  assert.deepEqual([states.at(-1), run.isOver(900)], ["stopped", false]);
  run.follow({ ...firstRegime(0, 0), fromMs: 2_000 });
  run.start(1_990);
  run.refresh(2_000);
  // N was 3.2 when it was stopped.
  run.turn(2_250);
  assert.deepEqual(
    started.map(({ plannedMs }) => plannedMs),
    [100, 200, 300, 2_080, 2_180],
  );
  assert.equal(run.isOver(2_250), false);
  tasks.inFlight = 0;
  run.halt({ ...HOLD, fromMs: 2_260, planMs: 260 });
  run.refresh(2_260);
  assert.deepEqual([run.isOver(59_999), run.isOver(60_000)], [false, true], "--for is over");
});

test("a run goes on where a former life would be: plan, start numbers and pauses", () => {
  const { run, begin, started, states } = setUp({ weights: [1, 1] });
  begin(1_000, { regime: { ...firstRegime(0, 0), planMs: 10_000 }, startsBefore: 100.5 });
  run.turn(1_260);
  // Start number 101 is due half a tenth of a second after N was 100.5.
  assert.deepEqual(
    started.map(({ plannedMs }) => Math.round(plannedMs)),
    [1_050, 1_150, 1_250],
  );
  assert.equal(states.at(-1), "running");
  const paused = setUp();
  paused.begin(0, { regime: { ...HOLD, planMs: 3_000 }, startsBefore: 30 });
  paused.run.turn(1_000);
  assert.deepEqual([paused.started.length, paused.states.at(-1)], [0, "paused"]);
  assert.ok(paused.cell("startedAt")! > 0, "it is under way, in the stage where it stands");
  const stopped = setUp();
  stopped.begin(0, { isStopped: true, regime: HOLD });
  stopped.run.refresh(600);
  assert.deepEqual([stopped.run.state, stopped.run.isOver(600)], ["stopped", false]);
});

test("a rate that was ordered holds from its moment on, in the plan's stage, until the plan's end", () => {
  const { run, begin, started, cell } = setUp({ endMs: 1_000 });
  begin(0);
  run.turn(500);
  const override = { kind: "rate", perSecond: 100 } as const;
  run.follow({ ...firstRegime(0, 0), fromMs: 520, planMs: 520, override });
  run.refresh(530);
  assert.equal(cell("targetRate"), 100);
  run.turn(2_000);
  run.refresh(2_000);
  // N is 5.2 at 520 ms.
  assert.equal(started.length, 5 + 48);
  assert.equal(started[5]!.plannedMs, 528);
});
