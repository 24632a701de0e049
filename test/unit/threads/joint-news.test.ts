import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineMessage } from "../../../src/engine/messages.js";
import { JointNews } from "../../../src/threads/joint-news.js";

/** Which of the messages, each by a thread's number, are news. */
function news(threads: number, said: readonly (readonly [number, EngineMessage])[]): boolean[] {
  const joint = new JointNews(threads);
  return said.map(([thread, message]) => joint.isNews(thread, message));
}

const link = { connection: 0, role: "broker" } as const;
const up: EngineMessage = { type: "up", ...link, downMs: 0 };
const down: EngineMessage = { type: "down", ...link, cause: "x", isConfiguration: false };
const blocked = (isBlocked: boolean): EngineMessage => ({
  type: "blocked",
  connection: 0,
  isBlocked,
});
const stage = (number: number): EngineMessage => ({ type: "stage", scenario: 0, stage: number });

test("what one thread says is news at once", () => {
  const said = [{ type: "ready" }, up, down, up, blocked(true), blocked(false), stage(0), stage(0)];
  assert.ok(
    news(
      1,
      said.map((message) => [0, message as EngineMessage] as const),
    ).every(Boolean),
  );
});

test("a connection is up when it is for all threads, and down when it is for one", () => {
  assert.deepEqual(
    news(2, [
      [0, up],
      [1, up],
      [0, down],
      [0, up],
      [0, down],
      [1, down],
      [1, up],
      [0, up],
    ]),
    [false, true, true, true, true, true, false, true],
  );
});

test("states, stages and alarms are told once, and again when they come again", () => {
  const rounds = [
    [0, stage(0)],
    [1, stage(0)],
    [1, stage(1)],
    [0, stage(1)],
    [0, stage(0)],
    [1, stage(0)],
  ] as const;
  assert.deepEqual(news(2, rounds), [false, true, false, true, false, true]);
  assert.deepEqual(
    news(2, [
      [0, blocked(true)],
      [1, blocked(true)],
      [1, blocked(false)],
      [0, blocked(false)],
      [0, blocked(true)],
      [1, blocked(true)],
    ]),
    [false, true, true, false, false, true],
  );
  assert.deepEqual(
    news(2, [
      [0, { type: "ready" }],
      [1, { type: "ready" }],
      [0, { type: "clockStep", stepMs: 5_000 }],
      [1, { type: "clockStep", stepMs: 5_000 }],
      [1, { type: "malformed", entry: 0, cause: "" }],
    ]),
    [false, true, true, false, true],
  );
});
