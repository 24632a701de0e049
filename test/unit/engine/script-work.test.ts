import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { MessagePort } from "node:worker_threads";
import { hrtimeMs } from "../../../src/clock.js";
import { CodePort } from "../../../src/engine/code-port.js";
import type { PacingOptions } from "../../../src/engine/pacing.js";
import { PayloadSource } from "../../../src/engine/payload-source.js";
import { ScriptWork } from "../../../src/engine/script-work.js";
import { ALL_STARTS, WHOLE } from "../../../src/plan/share.js";
import type { FromCode, ToCode } from "../../../src/scripts/messages.js";

/** The thread's end of a port, which the test speaks for. */
class Thread extends EventEmitter {
  readonly heard: ToCode[] = [];
  isClosed = false;

  postMessage(message: ToCode): void {
    this.heard.push(message);
  }

  close(): void {
    this.isClosed = true;
  }

  say(message: FromCode): void {
    this.emit("message", message);
  }

  get asPort(): MessagePort {
    return this as unknown as MessagePort;
  }
}

/** What has been put off to the end of the turn. */
const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

class World {
  readonly port = new CodePort();
  thread = new Thread();
  readonly started: { entry: number; given: string | null }[] = [];
  readonly freed: number[] = [];
  hasRoom = true;
  nowMs = 1_000;
  readonly work: ScriptWork;

  constructor() {
    const life = {
      hasRoom: () => this.hasRoom,
      start: (entry: number, ...rest: unknown[]) =>
        this.started.push({ entry, given: (rest[5] as string | null) ?? null }) - 1,
    };
    const options = {
      ...{ index: 3, plan: { entries: [7, 8] }, life, budget: { limit: Infinity, left: Infinity } },
      ...{ mayStart: () => true, deal: ALL_STARTS, share: WHOLE, pace: null, rows: undefined },
      nowMs: () => this.nowMs,
    } as unknown as PacingOptions;
    this.work = new ScriptWork(options, this.port, null, (nowMs) => this.freed.push(nowMs));
    this.port.renew(this.thread.asPort, () => {});
    this.thread.say({ type: "ready" });
  }

  get moment() {
    return { nowMs: this.nowMs, elapsedMs: 0, stage: 0, isWarmup: false };
  }

  call(call: number, given: string | null = null): void {
    const calls = [{ call, scenario: 3, entry: 7, given, sinceHrtimeMs: hrtimeMs() }];
    this.thread.say({ type: "calls", calls });
  }
}

test("a user that begins goes through the script, and is free when that is done", async () => {
  const world = new World();
  assert.equal(world.work.begin(), 0);
  assert.equal(world.work.begin(), 0);
  await settled();
  assert.deepEqual(world.thread.heard, [{ type: "iterate", scenario: 3, users: [0, 1] }]);
  const done = { hasFailed: false, tookMs: 50 };
  world.thread.say({ type: "done", scenario: 3, users: [{ user: 1, ...done }] });
  // Of another scenario of the same file.
  world.thread.say({ type: "done", scenario: 4, users: [{ user: 0, ...done }] });
  assert.deepEqual(world.freed, [1_000]);
  world.thread.say({ type: "done", scenario: 3, users: [{ user: 0, ...done, hasFailed: true }] });
  assert.deepEqual(world.freed, [1_000, 1_100], "who threw waits a little at least");
});

test("what a script sends is started when it may be, and told of its end", async () => {
  const world = new World();
  world.hasRoom = false;
  world.call(1, '["a"], {}');
  world.call(2);
  assert.ok(world.work.turn(world.moment) > world.nowMs);
  assert.deepEqual(world.started, []);
  world.hasRoom = true;
  assert.equal(world.work.turn(world.moment), Number.POSITIVE_INFINITY);
  assert.deepEqual(world.started, [
    { entry: 7, given: '["a"], {}' },
    { entry: 7, given: null },
  ]);
  world.work.ended(1, "timedOut", null);
  world.work.ended(0, "succeeded", '{"result": 1}');
  world.work.ended(9, "succeeded", null);
  await settled();
  assert.deepEqual(world.thread.heard.at(-1), {
    type: "ended",
    ended: [
      { call: 2, outcome: "timed_out", text: null },
      { call: 1, outcome: "succeeded", text: '{"result": 1}' },
    ],
  });
});

test("another thread begins with nobody at it, and hears nothing of what was sent before", async () => {
  const world = new World();
  world.work.begin();
  world.call(1);
  world.work.turn(world.moment);
  world.call(2);
  const old = world.thread;
  world.thread = new Thread();
  world.port.renew(world.thread.asPort, () => {});
  assert.ok(old.isClosed);
  assert.deepEqual(world.freed, [1_000], "its users wait, and begin anew");
  assert.ok(world.work.begin() > 0, "not before it is loaded");
  world.thread.say({ type: "ready" });
  assert.equal(world.work.begin(), 0);
  world.work.turn(world.moment);
  assert.equal(world.started.length, 1, "what was not started is not");
  world.work.ended(0, "succeeded", null);
  old.say({ type: "outOfRows", scenario: 3 });
  await settled();
  assert.deepEqual(world.thread.heard, [{ type: "iterate", scenario: 3, users: [0] }]);
  assert.equal(world.work.isOver, false);
});

test("when rows are out nobody begins, and it is over when the last one is through", () => {
  const world = new World();
  world.work.begin();
  world.thread.say({ type: "outOfRows", scenario: 3 });
  assert.equal(world.work.isOver, false);
  assert.equal(world.work.begin(), Number.POSITIVE_INFINITY);
  world.thread.say({
    type: "done",
    scenario: 3,
    users: [{ user: 0, hasFailed: false, tookMs: 5 }],
  });
  assert.equal(world.work.isOver, true);
});

test("arguments are made ahead, in their order, and again by a new thread", () => {
  const port = new CodePort();
  const source = new PayloadSource(port, 5);
  let thread = new Thread();
  port.renew(thread.asPort, () => {});
  assert.equal(source.has, false);
  thread.say({ type: "ready" });
  assert.deepEqual(thread.heard, [{ type: "make", entry: 5, count: 1_000 }]);
  thread.say({ type: "made", entry: 5, made: ["a", { fault: "Error: b" }, "c"] });
  thread.say({ type: "made", entry: 6, made: ["not ours"] });
  assert.equal(source.take(), "a");
  assert.throws(() => source.take(), /the payload function failed: Error: b/);
  thread = new Thread();
  port.renew(thread.asPort, () => {});
  assert.equal(source.take(), "c", "what is there stays");
  assert.equal(source.has, false);
  thread.say({ type: "ready" });
  assert.deepEqual(thread.heard, [{ type: "make", entry: 5, count: 1_000 }]);
});

test("no more than a few MiB of arguments wait", () => {
  const port = new CodePort();
  const source = new PayloadSource(port, 5);
  const thread = new Thread();
  port.renew(thread.asPort, () => {});
  thread.say({ type: "ready" });
  const large = "x".repeat(1024 * 1024);
  thread.say({ type: "made", entry: 5, made: Array.from({ length: 1_000 }, () => large) });
  for (let take = 0; take < 900; take++) source.take();
  assert.equal(thread.heard.length, 1, "there are 100 MiB left");
  for (let take = 0; take < 95; take++) source.take();
  assert.equal(thread.heard.length, 2);
});
