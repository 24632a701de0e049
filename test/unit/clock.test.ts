import assert from "node:assert/strict";
import { test } from "node:test";
import { createClock } from "../../src/clock.js";

test("a clock gets within a millisecond of Unix time although samples are cut to whole ones", () => {
  let now = 0;
  const clock = createClock(
    () => Math.floor(1_000_000.7 + now),
    () => now,
  );
  for (let i = 0; i < 100; i++) {
    now += 1000.13;
    clock.anchor();
  }
  assert.ok(Math.abs(clock.unixMs(now) - (1_000_000.7 + now)) < 1);
});

test("anchor() tells a step of the wall clock and follows it; monotonic time does not move", () => {
  let wall = 5_000_000;
  const clock = createClock(
    () => wall,
    () => 10,
  );
  assert.equal(clock.anchor(), 0);
  wall += 3_600_000;
  assert.equal(clock.anchor(), 3_600_000);
  assert.equal(clock.unixMs(10), 5_000_000 + 3_600_000);
  assert.equal(clock.nowMs(), 10);
  wall -= 7_200_000;
  assert.equal(clock.anchor(), -7_200_000);
});

test("anchor() follows a clock that runs slow without calling it a step", () => {
  let now = 0;
  const clock = createClock(
    () => now * 0.9999 + 100,
    () => now,
  );
  for (let i = 0; i < 100; i++) {
    now += 1000;
    assert.equal(clock.anchor(), 0);
  }
  assert.ok(Math.abs(clock.unixMs(now) - (now * 0.9999 + 100)) <= 0.2);
});
