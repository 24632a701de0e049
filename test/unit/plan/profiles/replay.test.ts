import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Recorder, type StartRow } from "../../../../src/data/recording.js";
import { createProfile, type RatedSpec } from "../../../../src/plan/profile.js";
import { firstRegime, type Regime } from "../../../../src/plan/regime.js";
import { ALL_STARTS } from "../../../../src/plan/share.js";
import { Starts } from "../../../../src/plan/starts.js";
import { createTimeline, type Timeline } from "../../../../src/plan/timeline.js";
import { replaySpec } from "../profiles.js";

const DAY_MS = 86_400_000;

function specOf(
  rows: readonly Partial<StartRow>[],
  more: Partial<RatedSpec<"replay">> = {},
): RatedSpec<"replay"> {
  const { speed = 1, maxGapMs = null, loop = false } = more;
  const tasks = ["a", "b", "c"].map((key) => {
    return { key, name: `app.${key}`, queue: "celery", isFixedAs: null };
  });
  const recorder = new Recorder({ speed, maxGapMs, tasks });
  for (const row of rows) {
    recorder.add({ timeMs: 0, task: null, queue: null, priority: null, count: null, ...row });
  }
  const recording = recorder.finish("");
  return { kind: "replay", file: "a.csv", speed, maxGapMs, loop, recording };
}

const at = (...times: number[]) => times.map((timeMs) => ({ timeMs }));

function duesOf(spec: RatedSpec<"replay">, most = 20): number[] {
  const { timeOf, endMs } = createProfile(spec);
  const dues: number[] = [];
  for (let n = 1; n <= most && timeOf(n) <= endMs; n++) dues.push(timeOf(n));
  return dues;
}

const counts = (...rows: [timeMs: number, count: number][]) =>
  rows.map(([timeMs, count]) => ({ timeMs, count }));

const CASES: readonly (readonly [
  what: string,
  rows: readonly Partial<StartRow>[],
  more: Partial<RatedSpec<"replay">>,
  dues: readonly number[],
  endMs: number,
])[] = [
  ["times, from the first", at(1_000, 1_250, 3_000), {}, [0, 250, 2_000], 3_000],
  ["twice as fast", at(0, 300, 2_000), { speed: 2 }, [0, 150, 1_000], 1_500],
  ["several at once", at(0, 0, 0, 900), {}, [0, 0, 0, 900], 1_200],
  ["out of order", at(2_000, 0, 1_000), {}, [0, 1_000, 2_000], 3_000],
  ["one start", at(5), {}, [0], 1_000],
  [
    "a gap that is cut",
    at(0, 100, 90_000, 90_100),
    { maxGapMs: 1_000 },
    [0, 100, 1_100, 1_200],
    1_600,
  ],
  [
    "counts of seconds",
    counts([0, 2], [1_000, 0], [2_000, 4]),
    {},
    [500, 1_000, 2_250, 2_500, 2_750, 3_000],
    3_000,
  ],
  [
    "counts of minutes, one of them left out",
    counts([0, 1], [60_000, 1], [180_000, 2]),
    {},
    [60_000, 120_000, 210_000, 240_000],
    240_000,
  ],
  [
    "counts with a gap that is cut",
    counts([0, 1], [1_000, 0], [2_000, 0], [3_000, 1]),
    { maxGapMs: 500 },
    [1_000, 2_500],
    2_500,
  ],
  [
    "counts of tasks",
    [
      { timeMs: 0, count: 2, task: "a" },
      { timeMs: 0, count: 1, task: "b" },
      { timeMs: 1_000, count: 1, task: "a" },
    ],
    {},
    [0, 0, 500, 1_000],
    1_000 + 1_000 / 3,
  ],
];
for (const [what, rows, more, dues, endMs] of CASES) {
  test(`a replay of ${what}`, () => {
    const spec = specOf(rows, more);
    assert.deepEqual(duesOf(spec), dues);
    assert.ok(Math.abs(createProfile(spec).endMs - endMs) < 1e-9, "its end");
  });
}

test("a loop goes on as long after the last start as starts lie apart", () => {
  assert.deepEqual(duesOf(specOf(at(0, 1_000, 4_000), { loop: true }), 7), [
    ...[0, 1_000, 4_000],
    ...[6_000, 7_000, 10_000],
    12_000,
  ]);
});

test("a day at speed 60 never drifts, in no round of the loop", () => {
  const rows = Array.from({ length: 86_400 }, (_, second) => ({ timeMs: second * 1_000.001 }));
  const { timeOf } = createProfile(specOf(rows, { speed: 60, loop: true }));
  for (const round of [0, 1, 1_000]) {
    const last = timeOf((round + 1) * rows.length);
    const wanted = (round * 86_400 * 1_000.001 + 86_399 * 1_000.001) / 60;
    assert.ok(Math.abs(last - wanted) < 1e-3, `${last} ms, not ${wanted}`);
  }
  assert.ok(timeOf(rows.length) < DAY_MS / 60 + 1);
});

test("what rows name: skipped, out of order, queues and priorities", () => {
  const { recording } = specOf([
    { timeMs: 5, task: "a" },
    { timeMs: 3, task: "app.b", queue: "fast" },
    { timeMs: 9, task: "app.other" },
    { timeMs: 9, task: "b", queue: "celery", priority: 3 },
    { timeMs: 4, task: "a", queue: "celery" },
  ]);
  assert.deepEqual(recording!.rows, {
    ...{ used: 4, skipped: 1, outOfOrder: 2, skippedTasks: ["app.other"] },
  });
  assert.deepEqual(recording!.tasks!.kinds, [
    { task: "a", queue: null, priority: null, starts: 2 },
    { task: "b", queue: "fast", priority: null, starts: 1 },
    { task: "b", queue: null, priority: 3, starts: 1 },
  ]);
});

/** The times and kinds of what starts. */
function startsOf(
  [timeline, ...changed]: readonly [Timeline, ...Timeline[]],
  spec: RatedSpec<"replay">,
  most = 1_000,
) {
  const kinds = spec.recording!.tasks?.kinds ?? [];
  const starts = new Starts({
    ...{ timeline, arrival: "even", choose: "exact", seed: 1, deal: ALL_STARTS },
    weights: kinds.length > 0 ? kinds.map((kind) => kind.starts) : [1],
    recorded: spec.recording!.tasks && { ...spec.recording!.tasks, loop: spec.loop },
  });
  const list: { readonly ms: number; readonly task: string }[] = [];
  const takeUpTo = (untilMs: number) => {
    while (starts.nextMs < untilMs && list.length < most) {
      const ms = starts.nextMs;
      list.push({ ms, task: kinds[starts.take()]?.task ?? "" });
    }
  };
  for (const each of changed) {
    takeUpTo(each.regime.fromMs);
    starts.follow(each);
  }
  takeUpTo(Infinity);
  return list;
}

function timelineOf(spec: RatedSpec<"replay">, startAfterMs = 0): Timeline {
  const plan = { profile: createProfile(spec), endMs: 600_000, untilMs: Infinity };
  return createTimeline(plan, firstRegime(startAfterMs, 0));
}

const named = specOf(
  ["a", "b", "c", "a", "a", "b"].map((task, index) => ({ task, timeMs: 1_000 * index })),
);

const ORDERS: readonly (readonly [string, Partial<Regime>, string])[] = [
  [
    "a rate of two a second from 1.5 s on",
    { override: { kind: "rate", perSecond: 2 } },
    "abcaaaabbbb",
  ],
  ["twice its rate", { override: { kind: "scale", factor: 2 } }, "abccaaaabb"],
  ["half of its rate", { override: { kind: "scale", factor: 0.5 } }, "abab"],
  ["a throttle", { throttle: 0.5 }, "abab"],
  ["nothing", {}, "abcaab"],
];
for (const [what, change, tasks] of ORDERS) {
  test(`the tasks are those of the file at that time: ${what}`, () => {
    const first = timelineOf(named);
    const fromMs = 1_500;
    const regime = { ...first.regime, fromMs, planMs: fromMs, ...change };
    assert.equal(
      startsOf([first, first.change(regime)], named)
        .map(({ task }) => task)
        .join(""),
      tasks,
    );
  });
}

test("a pause moves each start and its task, also one that is due at that very moment", () => {
  const first = timelineOf(named);
  const paused = first.change({ ...first.regime, fromMs: 2_000, planMs: 2_000, isPaused: true });
  const resumed = paused.change({ ...first.regime, fromMs: 7_000, planMs: 2_000 });
  assert.deepEqual(
    startsOf([first, paused, resumed], named),
    [0, 1_000, 7_000, 8_000, 9_000, 10_000].map((ms, index) => ({ ms, task: "abcaab"[index] })),
  );
});

test("pauses at any moment lose and double nothing", () => {
  const pauses = fc.array(
    fc.tuple(
      fc.oneof(fc.integer({ min: 0, max: 9_000 }), fc.double({ min: 0, max: 9_000, noNaN: true })),
      fc.integer({ min: 1, max: 5_000 }),
    ),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(replaySpec, pauses, (spec, pauses) => {
      const { recording } = spec;
      fc.pre(recording!.counts === null);
      const most = 2 * new Float64Array(recording!.times).length;
      const first = timelineOf(spec);
      const plain = startsOf([first], spec, most);
      const changes: Timeline[] = [];
      let timeline = first;
      let fromMs = 0;
      let planMs = 0;
      let paused = 0;
      for (const [afterMs, forMs] of pauses) {
        fromMs += afterMs;
        planMs += afterMs;
        timeline = timeline.change({ ...timeline.regime, fromMs, planMs, isPaused: true });
        changes.push(timeline);
        fromMs += forMs;
        paused += forMs;
        timeline = timeline.change({ ...timeline.regime, fromMs, planMs, isPaused: false });
        changes.push(timeline);
      }
      const moved = startsOf([first, ...changes], spec, most);
      assert.deepEqual(
        moved.map(({ task }) => task),
        plain.map(({ task }) => task),
      );
      for (const [index, { ms }] of moved.entries()) {
        const late = ms - plain[index]!.ms;
        assert.ok(late > -1e-3 && late < paused + 1e-3, `start ${index} is ${late} ms late`);
      }
    }),
  );
});
