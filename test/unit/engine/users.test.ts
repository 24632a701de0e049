import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ScenarioPlan } from "../../../src/engine/messages.js";
import type { PacingOptions } from "../../../src/engine/pacing.js";
import type { TaskLife } from "../../../src/engine/task-life.js";
import { Users } from "../../../src/engine/users.js";
import { WaitingUsers } from "../../../src/engine/waiting-users.js";
import type { UsersSpec } from "../../../src/plan/profiles/users.js";
import { firstRegime, type Regime } from "../../../src/plan/regime.js";
import { dealOf, type Share, WHOLE } from "../../../src/plan/share.js";

const SPEC: UsersSpec = {
  kind: "users",
  stages: [{ from: 10, to: 10, durationMs: null }],
  repeat: false,
  spawnPerSecond: null,
  waitMs: { least: 80, most: 80 },
  maxPerSecond: null,
};
const PLAN: ScenarioPlan = {
  name: "shoppers",
  connection: 0,
  profile: SPEC,
  arrival: "even",
  choose: "exact",
  entries: [0, 1],
  weights: [3, 1],
  startAfterMs: 0,
  warmupMs: 0,
  endMs: Number.POSITIVE_INFINITY,
  untilMs: Number.POSITIVE_INFINITY,
  windows: null,
  lease: null,
  script: null,
  maxInFlight: 10_000,
  gracefulStopMs: 0,
};

interface Start {
  readonly atMs: number;
  readonly plannedMs: number;
  readonly entry: number;
  readonly stage: number;
}

/** Users whose time is ours: each task takes as long as it is told, and every turn comes when it was asked for. */
class Loop {
  readonly starts: Start[] = [];
  /** How long a task takes that starts now; null: it is dropped. */
  takes: (start: Start) => number | null = () => 20;
  hasRoom = true;
  mayStart = true;
  nowMs = 0;
  readonly users: Users;
  readonly budget = { limit: Number.POSITIVE_INFINITY, left: Number.POSITIVE_INFINITY };
  #ends: number[] = [];
  #turnMs = 0;

  constructor(
    spec: Partial<UsersSpec> = {},
    plan: Partial<ScenarioPlan> = {},
    share: Share = WHOLE,
  ) {
    const life = {
      hasRoom: () => this.hasRoom,
      start: (entry: number, stage: number, plannedMs: number, nowMs: number) => {
        const start = { atMs: nowMs, plannedMs, entry, stage };
        this.starts.push(start);
        const tookMs = this.takes(start);
        if (tookMs !== null) this.#ends.push(nowMs + tookMs);
        return tookMs === null ? -1 : 0;
      },
    } as unknown as TaskLife;
    const whole = { ...SPEC, ...spec };
    const options: PacingOptions = {
      index: 0,
      plan: { ...PLAN, profile: whole, ...plan },
      life,
      budget: this.budget,
      seed: 1,
      mayStart: () => this.mayStart,
      deal: dealOf(WHOLE, share, PLAN.maxInFlight),
      share,
      pace: null,
      code: null,
      nowMs: () => this.nowMs,
      rows: undefined,
      readAhead: () => undefined,
    };
    const beginning = { startsBefore: 0, isStopped: false };
    this.users = new Users(options, whole, { ...beginning, regime: firstRegime(0, 0) });
  }

  runUntil(untilMs: number): this {
    for (;;) {
      this.#ends.sort((a, b) => a - b);
      const endMs = this.#ends[0] ?? Number.POSITIVE_INFINITY;
      const atMs = Math.min(endMs, this.#turnMs);
      if (atMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      if (endMs <= this.nowMs) {
        this.#ends.shift();
        this.users.ended(0, "succeeded", null, this.nowMs);
      }
      this.#turn();
    }
    this.nowMs = untilMs;
    return this;
  }

  order(change: Partial<Regime>): void {
    const { planMs } = this.users.look(this.nowMs);
    this.users.follow({ ...firstRegime(0, 0), fromMs: this.nowMs, planMs, ...change });
    this.#turn();
  }

  get count(): number {
    return this.users.look(this.nowMs).users;
  }

  between(fromMs: number, untilMs: number): number {
    return this.starts.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs).length;
  }

  #turn(): void {
    const nextMs = this.users.turn(0, this.nowMs);
    assert.ok(nextMs >= this.nowMs, `${nextMs} is before ${this.nowMs}`);
    this.#turnMs = nextMs;
  }
}

test("each user waits for its task and then for its time: so many starts in a round", () => {
  const loop = new Loop().runUntil(9_999);
  // 10 users, a round of 20 ms and 80 ms: 100 starts a second.
  assert.equal(loop.starts.length, 1_000);
  assert.ok(loop.starts.every(({ atMs, plannedMs }) => atMs === plannedMs));
  assert.equal(loop.starts.filter(({ entry }) => entry === 0).length, 750);
});

test("slow tasks slow their users down: that is what a closed loop is", () => {
  const loop = new Loop();
  loop.takes = () => 920;
  assert.equal(loop.runUntil(9_999).starts.length, 100);
});

test("waits are drawn evenly from their range", () => {
  const loop = new Loop({ waitMs: { least: 0, most: 160 } }).runUntil(100_000);
  assert.ok(Math.abs(loop.starts.length - 10_000) < 300, `${loop.starts.length}`);
});

test("users come at their rate, also after a step, and go when there are too many", () => {
  const stages = [
    { from: 20, to: 20, durationMs: 4_000 },
    { from: 50, to: 50, durationMs: 4_000 },
    { from: 5, to: 5, durationMs: 4_000 },
  ];
  const loop = new Loop({ stages, spawnPerSecond: 10 });
  const counts = [0, 1_000, 1_999, 3_900, 4_050, 5_000, 7_100, 8_200, 11_900].map((ms) => {
    loop.runUntil(ms);
    return loop.count;
  });
  assert.deepEqual(counts, [1, 11, 20, 20, 21, 31, 50, 5, 5]);
  loop.runUntil(20_000);
  assert.equal(loop.users.look(12_000).isOver, true);
  assert.equal(loop.between(12_000, 20_000), 0);
  assert.deepEqual([...new Set(loop.starts.map(({ stage }) => stage))], [0, 1, 2]);
});

test("a ramp of users follows its line, up and down", () => {
  const stages = [
    { from: 0, to: 100, durationMs: 10_000 },
    { from: 100, to: 100, durationMs: 1_000 },
    { from: 100, to: 0, durationMs: 10_000 },
  ];
  const loop = new Loop({ stages });
  for (const ms of [500, 2_500, 5_000, 9_999, 10_500, 12_000, 16_000, 20_500]) {
    loop.runUntil(ms);
    const line = ms < 10_000 ? ms / 100 : ms < 11_000 ? 100 : 100 - (ms - 11_000) / 100;
    assert.ok(Math.abs(loop.count - line) <= 1.6, `${loop.count} users at ${ms} ms`);
  }
});

test("maxRate holds all of them together, and who waits for it is not late", () => {
  const loop = new Loop({ maxPerSecond: 40 }).runUntil(9_999);
  assert.ok(Math.abs(loop.starts.length - 400) <= 1, `${loop.starts.length}`);
  assert.ok(loop.starts.every(({ atMs, plannedMs }) => atMs - plannedMs < 1));
});

test("who finds no room, or no lease, starts later and is not late", () => {
  for (const held of ["hasRoom", "mayStart"] as const) {
    const loop = new Loop().runUntil(1_000);
    loop[held] = false;
    loop.runUntil(6_000);
    assert.equal(loop.between(1_001, 6_000), 0, held);
    loop[held] = true;
    loop.runUntil(7_000);
    assert.ok(loop.between(6_000, 7_000) >= 90, held);
    assert.ok(loop.starts.every(({ atMs, plannedMs }) => atMs - plannedMs <= 20));
  }
});

test("a thread that stood still drops nobody: users start late, by as much as a start may be late", () => {
  const loop = new Loop();
  loop.takes = ({ atMs, plannedMs }) => (atMs - plannedMs > 100 ? null : 20);
  loop.runUntil(1_050);
  loop.nowMs = 4_000;
  loop.runUntil(5_000);
  assert.equal(Math.max(...loop.starts.map(({ atMs, plannedMs }) => atMs - plannedMs)), 100);
});

test("a start that was dropped costs its user a wait, and the loop goes on", () => {
  const loop = new Loop();
  loop.takes = () => (loop.nowMs < 1_000 ? null : 20);
  loop.runUntil(5_000);
  assert.equal(loop.count, 10);
  assert.ok(loop.between(0, 1_000) > 100 && loop.between(1_000, 5_000) >= 390);
});

test("in a pause nothing starts, and after it users do not come all at once", () => {
  const loop = new Loop({ waitMs: { least: 900, most: 1_100 } });
  loop.runUntil(5_000);
  loop.order({ isPaused: true });
  loop.runUntil(20_000);
  assert.equal(loop.between(5_001, 20_000), 0);
  loop.order({});
  loop.runUntil(21_500);
  const firstMs = loop.starts.filter(({ atMs }) => atMs >= 20_000).map(({ atMs }) => atMs);
  assert.equal(loop.count, 10);
  assert.ok(new Set(firstMs).size >= 10, `${firstMs}`);
  assert.ok(loop.users.look(20_000).planMs < 5_100);
});

test("their number is what is ordered, from when the order holds, with the part that a guard lets stay", () => {
  const loop = new Loop({ spawnPerSecond: 100 }).runUntil(1_000);
  loop.order({ fromMs: 1_025, planMs: 1_025, override: { kind: "rate", perSecond: 30 } });
  loop.runUntil(1_020);
  assert.equal(loop.count, 10);
  loop.runUntil(1_400);
  assert.equal(loop.count, 30);
  loop.order({ override: { kind: "scale", factor: 2 }, throttle: 0.33 });
  loop.runUntil(1_600);
  assert.equal(loop.count, 7, "20 users, and of them a third");
  loop.order({ override: { kind: "rate", perSecond: 0 } });
  loop.runUntil(1_800);
  assert.equal(loop.count, 0);
  loop.order({ fromMs: 5_000, planMs: 1_800 });
  loop.runUntil(5_001);
  assert.ok(loop.count > 0, "nobody was there to look when it began to hold");
});

test("other weights begin another mix", () => {
  const loop = new Loop().runUntil(1_000);
  loop.order({ weights: [0, 1] });
  loop.runUntil(2_000);
  assert.ok(loop.starts.filter(({ atMs }) => atMs > 1_000).every(({ entry }) => entry === 1));
});

test("with --count the last start is the last", () => {
  const loop = new Loop();
  loop.budget.left = 25;
  loop.runUntil(10_000);
  assert.equal(loop.starts.length, 25);
});

test("threads share the users, and together they come at the rate", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 40 }),
      (users, of, spawnPerSecond) => {
        const stages = [{ from: users, to: users, durationMs: null }];
        const loops = Array.from(
          { length: of },
          (_, index) => new Loop({ stages, spawnPerSecond }, {}, { index, of }),
        );
        for (const ms of [0, 700, 1_900, 100_000]) {
          const count = loops.reduce((sum, loop) => sum + loop.runUntil(ms).count, 0);
          const wanted = Math.min(users, 1 + (ms * spawnPerSecond) / 1000);
          assert.ok(Math.abs(count - wanted) <= of + 1e-6, `${count} of ${wanted} at ${ms} ms`);
          if (ms === 100_000) assert.equal(count, users);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("those who wait go on in the order of their times", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1_000 })), fc.nat(20), (times, removed) => {
      const waiting = new WaitingUsers();
      for (const ms of times) waiting.add(ms);
      for (let i = 0; i < Math.min(removed, times.length); i++) waiting.remove();
      const taken: number[] = [];
      while (waiting.size > 0) {
        taken.push(waiting.nextMs);
        waiting.take();
      }
      assert.equal(waiting.nextMs, Number.POSITIVE_INFINITY);
      assert.equal(taken.length, Math.max(0, times.length - removed));
      assert.deepEqual(
        taken,
        [...taken].sort((a, b) => a - b),
      );
    }),
  );
});
