import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../../src/config/load.js";
import { endsByItself, planEngine } from "../../../src/workload/workload.js";

function plannedOf(settings: readonly string[], forMs: number | null = null) {
  const set = (path: string[], value: unknown) => ({ path, value, flag: "--test" });
  const { config } = loadConfig({
    files: [],
    env: {},
    overrides: [
      set(["connections", "main", "broker"], "redis://127.0.0.1/0"),
      set(["tasks"], { a: { name: "app.a" }, b: { name: "app.b", queue: "other", timeout: "5s" } }),
      set(["scenarios"], {
        one: { profile: "10/s", mix: { a: 3, b: 1 }, startAfter: "2s", maxInFlight: 100 },
        two: { profile: { steps: ["1/s for 5s"] }, mix: "b", duration: "3s", maxInFlight: 50 },
      }),
      ...settings.map((text) => ({ set: text })),
    ],
  });
  return planEngine({
    config,
    forMs,
    countLimit: null,
    templateLines: {},
    data: [],
    version: "1",
    commit: "c",
  });
}

function planOf(settings: readonly string[], forMs: number | null = null) {
  const planned = plannedOf(settings, forMs);
  assert.ok("plan" in planned);
  return planned;
}

/** What is refused: its path and the reason. */
function refusedOf(settings: readonly string[]) {
  const planned = plannedOf(settings);
  assert.ok("issues" in planned);
  return planned.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

test("each scenario's mix becomes entries with their task's values", () => {
  const { plan, subject } = planOf([]);
  assert.deepEqual(
    plan.entries.map(({ scenario, name, queue, timeoutMs, expiresMs }) => [
      scenario,
      name,
      queue,
      timeoutMs,
      expiresMs,
    ]),
    [
      [0, "app.a", "celery", 60_000, 60_000],
      [0, "app.b", "other", 5_000, 5_000],
      [1, "app.b", "other", 5_000, 5_000],
    ],
  );
  assert.deepEqual(
    plan.scenarios.map(({ entries, weights }) => [entries, weights]),
    [
      [
        [0, 1],
        [3, 1],
      ],
      [[2], [1]],
    ],
  );
  assert.deepEqual(
    subject.scenarios.map(({ stages }) => stages.map(({ name }) => name)),
    [["10/s"], ["1/s for 5s"]],
  );
});

test("the table has a slot for every task that may be in flight, and some more", () => {
  assert.equal(planOf([]).plan.dimensions.slots, 150 + 1_024);
});

test("--for ends each scenario that much after the run began, a duration by the plan's own time", () => {
  const ends = (forMs: number | null) =>
    planOf([], forMs).plan.scenarios.map(({ endMs, untilMs }) => [endMs, untilMs]);
  const never = Number.POSITIVE_INFINITY;
  assert.deepEqual(ends(null), [
    [never, never],
    [3_000, never],
  ]);
  assert.deepEqual(ends(1_000), [
    [never, 1_000],
    [3_000, 1_000],
  ]);
});

test("a configuration with more series than the limit is refused at what makes the most of them", () => {
  const [many, ...others] = refusedOf(["limits.series=50"]);
  assert.deepEqual(others, []);
  assert.match(
    many!,
    /^scenarios\.one\.mix: its 2 tasks with 15 buckets each make \d+ of the [\d,]+ time series .* limits\.series is 50$/,
  );
  const steps = Array.from({ length: 500 }, (_, index) => `${index + 1}/s for 1s`).join(", ");
  const [stepped] = refusedOf(["limits.series=1000", `scenarios.two.profile={steps: [${steps}]}`]);
  assert.match(stepped!, /^scenarios\.two\.profile: its 500 stages make 1,000 of the/);
});

test("what is left of limits.series bounds the exception classes", () => {
  const wide = planOf([]).plan.dimensions;
  assert.equal(wide.exceptionRows, wide.entries + 1_000);
  const narrow = planOf(["limits.series=700"]).plan.dimensions;
  assert.ok(narrow.exceptionRows < narrow.entries + 100);
});

test("each thread has slots for its share, and none may be left with nothing in flight", () => {
  const { plan } = planOf(["threads=2", "segment=1/5"]);
  assert.equal(plan.dimensions.slots, 10 + 5 + 1_024);
  assert.deepEqual(refusedOf(["threads=8", "segment=1/8"]), [
    "scenarios.two.maxInFlight: it is 50, and 64 threads and segments share it: some could have nothing in flight and would drop all",
  ]);
});

test("more in flight than a thread can track is refused at the scenario with the most of it", () => {
  const [issue, ...others] = refusedOf([
    "scenarios.one.maxInFlight=1000000",
    `tasks.b={group: [${"a, ".repeat(20)}]}`,
  ]);
  assert.deepEqual(others, []);
  assert.match(
    issue!,
    /^scenarios\.one\.maxInFlight: all maxInFlight is 21,001,050 tasks, .* more than/,
  );
});

for (const [settings, forMs, expected] of [
  [[], null, false],
  [[], 60_000, true],
  [["scenarios.one.duration=1m"], null, true],
  [["scenarios.one.profile=max"], null, false],
  [["scenarios.one.profile={steps: [1/s for 5s]}"], null, true],
  [["scenarios.one.profile={steps: [1/s for 5s], repeat: true}"], null, false],
  [["scenarios.one.profile={ramp: {stages: [{to: 5/s, over: 1m}]}}"], null, true],
] as const) {
  test(`a run ${expected ? "ends by itself" : "has no end"} with ${settings[0] ?? "a constant rate"}${forMs === null ? "" : " and --for"}`, () => {
    assert.equal(endsByItself(planOf(settings, forMs).plan), expected);
  });
}

test("a number of starts ends a run as well", () => {
  assert.equal(endsByItself({ ...planOf([]).plan, countLimit: 5 }), true);
});
