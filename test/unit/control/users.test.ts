import assert from "node:assert/strict";
import { test } from "node:test";
import { carryOn } from "../../../src/control/carry-on.js";
import type { Order, OverrideTo } from "../../../src/control/order.js";
import { type UsersSpec, userNumbers } from "../../../src/plan/profiles/users.js";
import {
  burst,
  CONSTANT,
  follow,
  LEAD_MS,
  rate,
  scale,
  simple,
  throttle,
  UNIX_MS,
  undo,
  World,
} from "./world.js";

const USERS: UsersSpec = {
  kind: "users",
  stages: [
    { from: 10, to: 10, durationMs: 10_000 },
    { from: 40, to: 40, durationMs: 10_000 },
  ],
  repeat: false,
  spawnPerSecond: null,
  waitMs: { least: 100, most: 500 },
  maxPerSecond: null,
};
const users = (count: number, overMs = 0): Order => ({
  ...{ kind: "override", scenario: "steady", to: { what: "users", count }, overMs, ttlMs: null },
});

/** How many users there are to be, a moment after an order. */
const wanted = (world: World, afterMs = 0) =>
  world.timeline.rateAt(world.nowMs + LEAD_MS + afterMs);

test("users are ordered by number, by part of the plan, over a time, and undone", () => {
  const world = new World({ users: USERS });
  const { change } = world.order(users(80));
  assert.equal(change.text, "80 users");
  assert.equal(wanted(world), 80);
  world.order(scale(2));
  assert.equal(wanted(world), 20);
  world.order(users(50, 1_000));
  assert.deepEqual([wanted(world), wanted(world, 500), wanted(world, 1_000)], [20, 35, 50]);
  world.pass(2_000);
  world.order(undo(change.id));
  assert.equal(wanted(world), 50, "what lies over it holds");
  world.order(throttle("deep-queue", 0.5));
  assert.equal(wanted(world), 25);
});

test("their stages are skipped and their plan is restarted", () => {
  const world = new World({ users: USERS });
  world.order(simple("skip-stage"));
  assert.equal(wanted(world), 40);
  world.order(simple("restart"));
  assert.equal(wanted(world), 10);
});

test("what has no meaning for users, or for others, is refused", () => {
  const world = new World({ users: USERS });
  for (const [order, why] of [
    [rate(5), /steady has users, who have no rate: order users or scale\./],
    [follow(CONSTANT), /steady has users, who have no rate/],
    [burst(5), /steady is a closed loop, which starts when its users do: order users\./],
    [users(101), /would be 101 users, and maxInFlight and limits\.maxRate .* allow 100/],
    [scale(3), /would be 120 users, .* allow 100/],
    [users(1.5), /must be a whole number of users/],
    [{ ...users(5), scenario: "loop" } as Order, /loop has no users\./],
  ] as const) {
    const { faults } = world.refused(order);
    assert.match(faults.map(({ message }) => message).join(), why);
  }
  const { faults } = new World().refused(users(5));
  assert.match(faults[0]!.message, /steady has no users\./);
});

test("after a restart users go on as ordered, and what the scenario has no more is dropped", () => {
  const former = (to: OverrideTo, spec?: UsersSpec) => {
    const world = new World(spec === undefined ? {} : { users: spec });
    world.order({ ...users(5), to } as Order);
    return world.state;
  };
  const plan = { profile: userNumbers(USERS), endMs: Infinity, untilMs: Infinity };
  const mix = { keys: ["resize", "thumb"], weights: [3, 1] };
  const now = { plan, mix, usersAtMost: 100, startAfterMs: 0, warmupMs: 0 };
  const next = (state: World["state"], usersAtMost: number | null) =>
    carryOn(state, 0, new Map([["steady", { ...now, usersAtMost }]]), {
      limits: { maxRatePerSecond: null, burst: null },
      unixMs: UNIX_MS,
    });
  const kept = next(former({ what: "users", count: 70 }, USERS), 100);
  assert.equal(kept.scenarios.get("steady")!.planned!.timeline.rateAt(LEAD_MS), 70);
  const dropped = (state: World["state"], usersAtMost: number | null) =>
    next(state, usersAtMost).dropped.join();
  assert.match(dropped(former({ what: "users", count: 70 }, USERS), 50), /allow 50/);
  assert.match(dropped(former({ what: "users", count: 7 }, USERS), null), /has no users/);
  assert.match(dropped(former({ what: "rate", perSecond: 5 }), 100), /has users/);
});
