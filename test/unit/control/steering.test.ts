import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Effect } from "../../../src/control/answer.js";
import { carryOn } from "../../../src/control/carry-on.js";
import type { ControlState } from "../../../src/control/control-state.js";
import type { Capacity } from "../../../src/control/impact.js";
import { OrderDesk } from "../../../src/control/steering.js";
import type { OrderDone } from "../../../src/control/steering-port.js";
import { NO_STATE_FILE } from "../../../src/control/steering-reading.js";
import { createProfile } from "../../../src/plan/profile.js";
import {
  BY,
  CONSTANT,
  follow,
  mix,
  pause,
  rate,
  release,
  resume,
  simple,
  stopAll,
  UNIX_MS,
  undo,
} from "./world.js";

interface Options {
  readonly save?: (state: ControlState) => Promise<void>;
  readonly capacity?: Capacity | null;
}

/** A desk over `steady` at 10/s, whose clock tests turn. */
function desk({ save, capacity = null }: Options = {}) {
  const limits = { maxRatePerSecond: null, burst: null };
  const plan = { profile: createProfile(CONSTANT), endMs: Infinity, untilMs: Infinity };
  const mix = { keys: ["resize", "thumb"], weights: [3, 1] };
  const plans = new Map([
    ["steady", { plan, mix, usersAtMost: null, startAfterMs: 0, warmupMs: 60_000 }],
  ]);
  const { state, scenarios } = carryOn(null, 0, plans, { limits, unixMs: UNIX_MS });
  const sent: { effects: readonly Effect[]; atMs: number; revision: number }[] = [];
  const world = { nowMs: 0, isOver: false };
  let ids = 0;
  const steering = new OrderDesk(
    state,
    { scenarios, limits },
    {
      nowMs: () => world.nowMs,
      unixMs: (ms) => UNIX_MS + ms,
      send: (effects, atMs) => sent.push({ effects, atMs, revision: steering.state.revision }),
      isOver: () => world.isOver,
      capacityOf: () => capacity,
      newId: () => `id-${++ids}`,
      store: save === undefined ? null : { save, reading: NO_STATE_FILE },
    },
  );
  return { steering, sent, world };
}

function done(answer: unknown): OrderDone {
  assert.ok(typeof answer === "object" && answer !== null && !("refused" in answer));
  return answer as OrderDone;
}

test("an order is answered with revision, id, state, and from when on it holds", async () => {
  const { steering, sent } = desk();
  const answer = done(await steering.order(pause(), BY));
  assert.deepEqual(
    { ...answer, impact: null },
    {
      ...{ revision: 1, id: "id-1", scenario: "steady", state: "paused", isDryRun: false },
      ...{ effectiveAt: "2026-11-29T12:00:00.025Z", impact: null },
    },
  );
  assert.deepEqual(answer.impact, { startsDifference: -36_000, overSeconds: 3_600, workers: null });
  assert.deepEqual([sent.length, sent[0]!.atMs], [1, 25]);
  assert.equal(done(await steering.order(resume(), BY)).state, "warming");
  steering.close();
});

test("a dry run answers the same and changes nothing", async () => {
  const { steering, sent } = desk();
  const dry = done(await steering.order(rate(30), BY, { isDryRun: true }));
  assert.equal(dry.isDryRun, true);
  assert.equal(dry.impact!.startsDifference, 72_000);
  assert.deepEqual([steering.state.revision, steering.changes.length, sent.length], [0, 0, 0]);
  assert.equal(done(await steering.order(rate(30), BY)).revision, dry.revision);
  steering.close();
});

test("an order for an old revision is refused", async () => {
  const { steering } = desk();
  await steering.order(pause(), BY, { ifRevision: 0 });
  const answer = await steering.order(resume(), BY, { ifRevision: 0 });
  assert.deepEqual(answer, { refused: "outdated", revision: 1 });
});

test("orders that come at once are taken one after the other, and sent in that order", async () => {
  const delays = [30, 0, 10, 0];
  const { steering, sent } = desk({ save: () => sleep(delays.shift() ?? 0) });
  const orders = [pause(), resume(), rate(50), stopAll()];
  const answers = await Promise.all(orders.map((order) => steering.order(order, BY)));
  assert.deepEqual(
    answers.map((answer) => done(answer).revision),
    [1, 2, 3, 4],
  );
  const isPaused = sent.map(
    ({ effects: [effect] }) => effect?.kind === "regime" && effect.regime.isPaused,
  );
  assert.deepEqual(isPaused, [true, false, false, true]);
  steering.close();
});

test("an order is written before it is sent", async () => {
  const told: string[] = [];
  const { steering, sent } = desk({
    save: async ({ revision }) => {
      await sleep(5);
      told.push(`saved ${revision}, ${sent.length} sent`);
    },
  });
  await steering.order(pause(), BY);
  assert.deepEqual(told, ["saved 1, 0 sent"]);
  assert.equal(sent.length, 1);
  assert.equal(sent[0]!.atMs, 60);
});

test("a disk that hangs delays a stop by no more than a moment", async () => {
  const { steering, sent } = desk({ save: () => new Promise(() => {}) });
  const beganMs = performance.now();
  const answer = steering.order(stopAll(), BY);
  while (sent.length === 0) await sleep(5);
  const tookMs = performance.now() - beganMs;
  assert.ok(tookMs < 1_000, `${tookMs} ms`);
  assert.ok(tookMs > 20, "it was waited for");
  await answer;
  assert.ok(
    performance.now() - beganMs > 4_000,
    "who ordered is told when it is on disk, or given up",
  );
});

test("what has a ttl ends by itself when nobody orders anything", async () => {
  const { steering, world, sent } = desk();
  const { id } = done(await steering.order(rate(50, 0, 2_000), BY));
  const heard: string[] = [];
  steering.onChange(({ actor, text }) => heard.push(`${actor}: ${text}`));
  world.nowMs = 2_000;
  for (let tries = 0; heard.length === 0 && tries < 300; tries++) await sleep(10);
  assert.deepEqual(heard, ["ttl: undo rate 50/s"]);
  assert.equal(steering.changes.at(-1)!.id, id);
  assert.equal(sent.at(-1)!.atMs, 2_025);
  steering.close();
});

test("a start is one although its engine still says that it has ended", async () => {
  const { steering, world } = desk();
  world.isOver = true;
  world.nowMs = 5_000;
  assert.equal(done(await steering.order(simple("start"), BY)).state, "warming");
  await steering.order(rate(50), BY).then(done);
  world.nowMs = 60_000;
  assert.ok("refused" in (await steering.order(rate(60), BY)), "now it has ended again");
  steering.close();
});

test("the reading counts orders by kind and actor, and knows the last override", async () => {
  const { steering, world } = desk();
  world.nowMs = 1_500;
  const { id } = done(await steering.order(rate(50), BY));
  await steering.order(mix({ thumb: 1 }), { actor: "ctl", reason: "" });
  await steering.order(undo(id), { actor: "ctl", reason: "" });
  await steering.order(undo("nope"), BY);
  await steering.order(stopAll(), BY);
  const { orders, scenarios, isKilled, revision } = steering.reading;
  const counted = orders.filter(({ count }) => count > 0);
  assert.deepEqual(
    counted.map(({ kind, actor, count }) => `${kind} ${actor} ${count}`),
    ["override api 1", "override ctl 1", "undo ctl 1", "stop-all api 1"],
  );
  assert.deepEqual(scenarios, [
    {
      ...{ name: "steady", overrides: 1, pauses: 0 },
      ...{ lastOverrideUnixMs: UNIX_MS + 1_500, lastPauseUnixMs: 0 },
    },
  ]);
  assert.deepEqual([isKilled, revision], [true, 4]);
  steering.close();
});

test("of changes the last 500 are kept", async () => {
  const { steering } = desk();
  for (let times = 0; times < 300; times++) {
    await steering.order(stopAll(), BY);
    await steering.order(release, BY);
  }
  assert.equal(steering.changes.length, 500);
  assert.equal(steering.changes.at(-1)!.revision, 600);
});

test("the impact of an override counts its ttl and what the workers can do", async () => {
  const capacity = { places: 20, meanRunSeconds: 1, waiting: 0 };
  const { steering } = desk({ capacity });
  const { impact } = done(await steering.order(rate(30, 0, 600_000), BY, { isDryRun: true }));
  assert.equal(impact!.startsDifference, 12_000, "20/s more for ten minutes");
  const { capacityPerSecond, expectedBacklog, drainSeconds } = impact!.workers!;
  assert.equal(capacityPerSecond, 20);
  assert.ok(Math.abs(expectedBacklog - 6_000) < 60, "10/s too much for ten minutes");
  assert.ok(Math.abs(drainSeconds! - 600) < 20, "10/s to spare afterwards");
  const forEver = done(await steering.order(rate(30), BY, { isDryRun: true })).impact!.workers!;
  assert.equal(forEver.expectedBacklog, 36_000);
  assert.equal(forEver.drainSeconds, null);
  const slower = done(await steering.order(rate(5), BY, { isDryRun: true })).impact!.workers!;
  assert.deepEqual([slower.expectedBacklog, slower.drainSeconds], [0, 0]);
});

test("what changes no rate has no impact", async () => {
  const { steering } = desk();
  for (const order of [mix({ thumb: 1 }), stopAll(), rate(50), follow(CONSTANT)]) {
    const { impact, isDryRun } = done(await steering.order(order, BY));
    assert.equal(isDryRun, false);
    if (order.kind !== "stop-all") assert.ok(impact === null || impact.startsDifference === 0);
  }
  steering.close();
});
