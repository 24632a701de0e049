import assert from "node:assert/strict";
import { test } from "node:test";
import { carryOn, later, type PlannedScenario } from "../../../src/control/carry-on.js";
import type { ControlState } from "../../../src/control/control-state.js";
import type { Ceilings } from "../../../src/control/facts.js";
import { createProfile, type RatedSpec } from "../../../src/plan/profile.js";
import { CONSTANT, follow, mix, pause, rate, STEPS, stopAll, UNIX_MS, World } from "./world.js";

const NO_LIMITS: Ceilings = { maxRatePerSecond: null, burst: null };
const TASKS = { keys: ["resize", "thumb"], weights: [3, 1] };

function planned(profile: RatedSpec, parts: Partial<PlannedScenario> = {}): PlannedScenario {
  const plan = { profile: createProfile(profile), endMs: Infinity, untilMs: Infinity };
  return { plan, mix: TASKS, usersAtMost: null, startAfterMs: 0, warmupMs: 0, ...parts };
}

/** What the world's state is to the next life when it is killed now. */
function left({ state, nowMs }: World): ControlState {
  const scenarios = Object.entries(state.scenarios).map(
    ([name, control]) => [name, later(control, -nowMs)] as const,
  );
  return { ...state, scenarios: Object.fromEntries(scenarios) };
}

function next(
  world: World,
  gapMs: number,
  profile: RatedSpec = STEPS,
  { limits = NO_LIMITS, ...parts }: Partial<PlannedScenario> & { limits?: Ceilings } = {},
) {
  const plans = new Map([
    ["steady", planned(profile, parts)],
    ["loop", { ...planned(CONSTANT), plan: null }],
  ]);
  return carryOn(left(world), gapMs, plans, { limits, unixMs: UNIX_MS });
}

test("without a former life each scenario begins as the configuration says", () => {
  const plans = new Map([["steady", planned(CONSTANT, { startAfterMs: 5_000 })]]);
  const { state, changes, dropped } = carryOn(null, 0, plans, { limits: NO_LIMITS, unixMs: 0 });
  assert.equal(state.revision, 0);
  assert.equal(state.scenarios.steady!.regime.planMs, -5_000);
  assert.deepEqual([changes, dropped], [[], []]);
});

test("the plan is where the wall clock says, and N has counted through the gap", () => {
  const world = new World();
  world.pass(4_000);
  const { state, scenarios } = next(world, 8_000);
  const { regime, startsBefore } = state.scenarios.steady!;
  assert.equal(regime.fromMs, 0);
  assert.equal(regime.planMs, 12_000);
  assert.equal(startsBefore, 140, "10 s at 10/s and 2 s at 20/s");
  const { timeline } = scenarios.get("steady")!.planned!;
  assert.equal(timeline.startsBy(0), 140);
  assert.equal(timeline.startsBy(1_000), 160);
});

test("a plan that has ended in the gap stands at its end", () => {
  const { state, scenarios } = next(new World(), 3_600_000);
  assert.equal(state.scenarios.steady!.startsBefore, 600);
  assert.equal(scenarios.get("steady")!.planned!.timeline.startsBy(1e6), 600);
});

test("a pause stands, and the clock of its plan with it", () => {
  const world = new World();
  world.pass(4_000);
  world.order(pause());
  world.pass(1_000);
  const { regime, startsBefore } = next(world, 60_000).state.scenarios.steady!;
  assert.equal(regime.isPaused, true);
  assert.equal(regime.planMs, 4_025);
  assert.equal(startsBefore, 40.25);
});

test("the kill switch holds, also what is new to the state", () => {
  const world = new World();
  world.order(stopAll());
  const plans = new Map([
    ["steady", planned(STEPS)],
    ["fresh", planned(CONSTANT)],
  ]);
  const { state } = carryOn(left(world), 1_000, plans, { limits: NO_LIMITS, unixMs: 0 });
  assert.notEqual(state.killSwitch, null);
  assert.equal(state.scenarios.fresh!.regime.isPaused, true);
  assert.equal(state.scenarios.steady!.regime.isPaused, true);
});

test("an override keeps what is left of its ttl; one that is over has ended when it said", () => {
  const world = new World({ profile: CONSTANT });
  world.order(rate(110, 0, 10_000));
  world.pass(2_025);
  const inForce = next(world, 3_000, CONSTANT).state.scenarios.steady!;
  assert.equal(inForce.overrides[0]!.untilMs, 5_000);
  assert.deepEqual(inForce.regime.override, { kind: "rate", perSecond: 110 });
  const { state, changes } = next(world, 60_000, CONSTANT);
  const { overrides, startsBefore, regime } = state.scenarios.steady!;
  assert.deepEqual([overrides, regime.override], [[], null]);
  assert.deepEqual(
    changes.map(({ actor, text }) => [actor, text]),
    [["ttl", "undo rate 110/s"]],
  );
  assert.equal(state.revision, world.state.revision + 1);
  const lastedMs = 10_000;
  assert.ok(Math.abs(startsBefore - (0.01 * (62_025 - lastedMs) + 0.11 * lastedMs)) < 1e-6);
});

test("a ramp and the profile of an override go on in their own time", () => {
  const world = new World({ profile: CONSTANT });
  world.order(follow(STEPS, 30_000));
  world.pass(5_025);
  const { regime } = next(world, 7_000, CONSTANT).state.scenarios.steady!;
  assert.deepEqual(regime.ramp, { fromMs: -12_000, fromPerSecond: 10, untilMs: 18_000 });
  assert.deepEqual(regime.override, { kind: "profile", profile: STEPS, fromMs: -12_000 });
});

test("what does not fit this configuration is named and dropped", () => {
  const world = new World({ profile: CONSTANT });
  world.order(rate(100));
  world.order(mix({ thumb: 1 }));
  const limited = next(world, 0, CONSTANT, {
    limits: { maxRatePerSecond: 50, burst: null },
    mix: { keys: ["resize"], weights: [1] },
  });
  assert.deepEqual(limited.state.scenarios.steady!.overrides, []);
  assert.equal(limited.state.scenarios.steady!.regime.override, null);
  assert.equal(limited.dropped.length, 2);
  assert.match(
    limited.dropped[0]!,
    /^override id-1 of scenario steady \(rate 100\/s\): would reach/,
  );
  assert.match(limited.dropped[1]!, /\(mix thumb 1\): there is no task "thumb"/);
  const gone = carryOn(left(world), 0, new Map(), { limits: NO_LIMITS, unixMs: 0 });
  assert.deepEqual(gone.dropped, [
    "scenario steady, which the configuration has no more",
    "scenario loop, which the configuration has no more",
  ]);
});

test("two lives without a gap are one", () => {
  const world = new World();
  world.pass(3_000);
  world.order(rate(50, 5_000));
  world.pass(2_000);
  const { scenarios } = next(world, 0);
  const { timeline } = scenarios.get("steady")!.planned!;
  for (const ms of [0, 1_000, 10_000, 20_000, 60_000]) {
    assert.ok(Math.abs(timeline.startsBy(ms) - world.timeline.startsBy(5_000 + ms)) < 1e-9);
  }
});
