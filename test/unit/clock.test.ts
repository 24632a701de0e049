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

test("a step is known as soon as somebody asks, and told by the next anchor()", () => {
  const steps: readonly (readonly number[])[] = [
    [3_600_000],
    [-3_600_000],
    [-1_500],
    [2_000, 3_000],
    [3_600_000, -3_600_000],
  ];
  for (const each of steps) {
    let [wall, now] = [5_000_000, 10];
    const clock = createClock(
      () => wall,
      () => now,
    );
    assert.equal(clock.steppedMs(), Number.NEGATIVE_INFINITY);
    for (const stepMs of each) {
      now += 100;
      wall += 100 + stepMs;
      assert.equal(clock.steppedMs(), now);
      assert.equal(clock.unixMs(now), wall, "times are of the new clock at once");
    }
    now += 100;
    wall += 100;
    assert.equal(clock.steppedMs(), now - 100);
    assert.equal(
      clock.anchor(),
      each.reduce((sum, stepMs) => sum + stepMs, 0),
    );
    assert.equal(clock.anchor(), 0);
  }
});

test("less than a second is no step", () => {
  let wall = 5_000_000;
  const clock = createClock(
    () => wall,
    () => 10,
  );
  wall += 900;
  assert.equal(clock.steppedMs(), Number.NEGATIVE_INFINITY);
  assert.equal(clock.anchor(), 0);
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
