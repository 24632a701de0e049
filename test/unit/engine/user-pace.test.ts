import assert from "node:assert/strict";
import { test } from "node:test";
import { UserPaceWatch } from "../../../src/engine/user-pace.js";
import type { UsersSpec } from "../../../src/plan/profiles/users.js";
import { entry, setUp } from "./life.js";

const SPEC: UsersSpec = {
  kind: "users",
  stages: [{ from: 50, to: 50, durationMs: null }],
  repeat: false,
  spawnPerSecond: null,
  waitMs: { least: 100, most: 500 },
  maxPerSecond: null,
};

test("the pace is the mean wait and the median latency, or what maxRate leaves a user", () => {
  const watch = new UserPaceWatch(SPEC);
  assert.equal(watch.pace.paceMs, Number.POSITIVE_INFINITY);
  for (const ms of [19, 20, 20, 20, 3_000]) watch.took(ms);
  watch.look(50);
  assert.ok(Math.abs(watch.pace.usualMs - 20) < 0.2);
  assert.ok(Math.abs(watch.pace.paceMs - 320) < 0.2);
  const held = new UserPaceWatch({ ...SPEC, maxPerSecond: 100 });
  held.took(20);
  held.look(50);
  assert.equal(held.pace.paceMs, 500);
});

/** One user's task of each latency; the compensated histogram by the bounds 100 ms and 1 s. */
function compensated(
  latenciesMs: readonly number[],
  { isWarmup = false, isKnown = true } = {},
): readonly number[] {
  const watch = new UserPaceWatch(SPEC);
  for (let n = 0; n < 100; n++) watch.took(20);
  if (isKnown) watch.look(1);
  const { life, time, start, broker, result, view } = setUp(
    20,
    [{ ...entry("a", 0), userRow: 0 }],
    24,
    [],
    watch,
  );
  for (const ms of latenciesMs) {
    start(0, time.nowMs, isWarmup);
    const [id] = broker.requests.at(-1)!.ids;
    time.nowMs += ms;
    result(id!, { status: "SUCCESS", result: null });
  }
  assert.equal(life.inFlight(0), 0);
  const counts = new Float64Array(3);
  const sumMs = view().addCompensated(0, counts);
  return [...counts, Math.round(sumMs)];
}

test("a stall counts as the starts that it has kept the user from", () => {
  assert.deepEqual(compensated([20, 20]), [2, 0, 0, 40]);
  // 3 s at a pace of 320 ms: 2,680, 2,360, … 440, 120; what would have been shorter than usual is none.
  const values = [3_000, 2_680, 2_360, 2_040, 1_720, 1_400, 1_080, 760, 440, 120];
  const sum = values.reduce((a, b) => a + b, 0);
  const [upTo100, upTo1000, above, sumMs] = compensated([3_000]);
  assert.deepEqual([upTo100, upTo1000, above], [0, 3, 7]);
  assert.ok(Math.abs(sumMs! - sum) < 10, `${sumMs} against ${sum}`);
  assert.deepEqual(compensated([3_000], { isWarmup: true }), [0, 0, 0, 0]);
  assert.deepEqual(compensated([20, 3_000], { isKnown: false }), [1, 0, 1, 3_020]);
});
