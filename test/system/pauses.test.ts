// Runs alone: it compares times with what they should be.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type PauseRow, pause, pauseLine } from "../bench/parts/pauses.js";
import { openStage } from "../bench/stage.js";

const RATE = 50;
/** Tasks planned from 100 ms before the pause to 100 ms before its end are slow, whoever else is. */
const SLOW = 3 * RATE - 0.1 * RATE;
const LEEWAY = 0.1 * RATE;
/** On a busy machine the daemon reads answers late, so that a few more are slow for it than for the worker. */
const READ_LATE = 0.6 * RATE;

describe("three seconds in which one of them stands still, as the worker's notes and we have them", {
  concurrency: true,
}, () => {
  test("worker: every task planned meanwhile is reported slow, and none is dropped", () =>
    assertAllSlow("worker"));

  test("broker: every task planned meanwhile is reported slow, and none is dropped", () =>
    assertAllSlow("broker"));

  test("the daemon itself: starts are dropped as saturated, it says so, and no task is made slow by it", async () => {
    const row = await pauseOf("generator");
    const said = pauseLine(row);
    assert.ok(row.saturatedAfterMs !== null && row.causes.includes("event_loop"), said);
    assert.ok(row.droppedSaturated >= SLOW - LEEWAY, said);
    assert.equal(row.droppedOtherwise, 0, said);
    assert.ok(row.reportedSlow - row.notedSlow <= READ_LATE, said);
    assert.ok(row.notedSlow <= SLOW / 2, said);
  });
});

async function assertAllSlow(paused: "worker" | "broker"): Promise<void> {
  const row = await pauseOf(paused);
  const said = pauseLine(row);
  // When it is held up it drops what it is late with, and says so.
  assert.ok(row.reportedSlow + row.droppedSaturated >= SLOW - LEEWAY, said);
  assert.ok(row.reportedSlow >= row.notedSlow - row.close, said);
  assert.ok(row.reportedSlow <= row.notedSlow + row.close + READ_LATE, said);
  assert.equal(row.droppedOtherwise, 0, said);
}

async function pauseOf(paused: PauseRow["paused"]): Promise<PauseRow> {
  await using stage = await openStage("redis");
  return await pause(stage, paused, RATE);
}
