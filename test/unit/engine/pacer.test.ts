import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Pacer } from "../../../src/engine/pacer.js";
import type { ScenarioRun } from "../../../src/engine/scenario-run.js";
import type { TaskLife } from "../../../src/engine/task-life.js";

/** The times at which a plan with a start every `everyMs` was looked at within a second. */
function turnsOf(everyMs: number, tickMs: number | null): number[] {
  mock.timers.enable({ apis: ["setTimeout", "setImmediate"] });
  try {
    let nowMs = 0.3;
    const turns: number[] = [];
    const run = {
      turn(atMs: number) {
        turns.push(atMs);
        return (Math.floor(atMs / everyMs) + 1) * everyMs;
      },
    } as unknown as ScenarioRun;
    const clock = {
      nowMs: () => nowMs,
      unixMs: (ms: number) => ms,
      anchor: () => 0,
      steppedMs: () => Number.NEGATIVE_INFINITY,
    };
    const pacer = new Pacer(clock, { flush() {} } as unknown as TaskLife, [run], tickMs);
    pacer.turn();
    for (let ms = 0; ms < 1_000; ms++) {
      nowMs += 1;
      mock.timers.tick(1);
    }
    pacer.stop();
    return turns;
  } finally {
    mock.timers.reset();
  }
}

test("one wake-up a start, less than a millisecond late", () => {
  const turns = turnsOf(5, null);
  assert.equal(turns.length, 201);
  for (const atMs of turns.slice(1)) assert.ok(atMs % 5 < 1, `${atMs}`);
});

test("with a tick starts go out together, at its multiples", () => {
  const turns = turnsOf(2, 10);
  assert.equal(turns.length, 101);
  for (const atMs of turns.slice(1)) assert.ok(atMs % 10 < 1, `${atMs}`);
});
