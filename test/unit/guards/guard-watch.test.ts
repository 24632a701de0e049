import assert from "node:assert/strict";
import { test } from "node:test";
import type { ControlState } from "../../../src/control/control-state.js";
import type { GuardPlan } from "../../../src/guards/guard-plan.js";
import { GuardWatch } from "../../../src/guards/guard-watch.js";
import { nextFactor } from "../../../src/guards/throttle.js";
import type { LedgerView } from "../../../src/readings/ledger-view.js";
import { OBSERVED } from "../exposition/observed.js";

const PLAN: GuardPlan = {
  name: "deep-queue",
  watch: "queueLength",
  quantile: 0.95,
  limit: 100,
  resumeBelow: 50,
  forMs: 2_000,
  coolDownMs: 3_000,
  action: "pause",
  subjects: [
    {
      text: "queue celery of main",
      scenario: null,
      connection: 0,
      queue: "celery",
      entries: [],
      scenarios: ["steady", "wave"],
    },
  ],
};

/** What is held in the control state, as the orders change it; scenarios by name, guards that pause them. */
class Control {
  readonly paused = new Map<string, Set<string>>([
    ["steady", new Set()],
    ["wave", new Set()],
  ]);

  throttled: { scenario: string; guard: string; factor: number }[] = [];

  get state(): ControlState {
    const scenarios = Object.fromEntries(
      [...this.paused].map(([name, guards]) => [
        name,
        {
          isStopped: false,
          pauses: [...guards].map((guard) => ({ guard })),
          throttles: this.throttled.filter(({ scenario }) => scenario === name),
        },
      ]),
    );
    return { revision: 1, killSwitch: null, scenarios } as unknown as ControlState;
  }
}

function setUp(plan: Partial<GuardPlan> = {}, control = new Control()) {
  const watch = new GuardWatch([{ ...PLAN, ...plan }], control.state, 0);
  let nowMs = 0;
  /** A look a second later; its orders are done unless `refuses`. */
  const look = (ready: number | null, { refuses = false, ours = 0, others = 0 } = {}) => {
    nowMs += 1_000;
    const queues = [{ ...OBSERVED.queues[0]!, ready, started: { ours, others } }];
    const { orders, news } = watch.look(
      {
        nowMs,
        ledger: {} as LedgerView,
        observed: [{ ...OBSERVED, queues }],
        scrapeAgeMs: 0,
      },
      control.state,
    );
    for (const { order } of refuses ? [] : orders) {
      if (order.kind === "pause") control.paused.get(order.scenario)!.add(order.guard!);
      if (order.kind === "resume") control.paused.get(order.scenario)!.delete(order.guard!);
    }
    return {
      orders: orders.map(({ order }) => `${order.kind} ${"scenario" in order && order.scenario}`),
      news: news.map(({ type }) => type),
      full: { orders, news },
    };
  };
  return { watch, look, control, now: () => nowMs };
}

test("a guard pauses what it concerns once, and lets it go when it is over", () => {
  const { look, watch, now } = setUp();
  assert.deepEqual(look(101).news, ["pending"]);
  assert.deepEqual(look(150).orders, []);
  const fired = look(150);
  assert.deepEqual(fired.news, ["fired"]);
  assert.deepEqual(fired.orders, ["pause steady", "pause wave"]);
  assert.equal(
    fired.full.news[0]!.text,
    "queue celery of main: 150 messages, limit 100 messages, for 2 s; steady, wave is paused",
  );
  assert.deepEqual(fired.full.orders[0]!.by, {
    actor: "guard",
    reason: "guard deep-queue: queue celery of main: 150 messages, limit 100 messages",
  });
  for (const ready of [150, 60, 49, 49, 60, 49, 49, 49]) assert.deepEqual(look(ready).orders, []);
  assert.equal(watch.standings(now())[0]!.state, "fired");
  const over = look(49);
  assert.deepEqual(over.orders, ["resume steady", "resume wave"]);
  assert.deepEqual(over.news, ["over"]);
  for (let number = 0; number < 30; number++) assert.deepEqual(look(10).orders, []);
  const [standing] = watch.standings(now());
  assert.equal(standing!.firedTotal, 1);
  assert.equal(standing!.headroomRatio, 0.9);
  assert.deepEqual(standing!.scenarios, []);
});

test("an order that was refused is given again, not more often than every 10 s", () => {
  const { look } = setUp({ forMs: 0 });
  assert.equal(look(101, { refuses: true }).orders.length, 2);
  for (let second = 0; second < 9; second++) assert.deepEqual(look(101).orders, []);
  assert.equal(look(101).orders.length, 2);
  for (let second = 0; second < 20; second++) assert.deepEqual(look(101).orders, []);
});

test("a person who lets go what a guard holds is not contradicted before it fires anew", () => {
  const { look, control } = setUp({ forMs: 0 });
  look(101);
  look(101);
  control.paused.get("steady")!.clear();
  for (let second = 0; second < 30; second++) assert.deepEqual(look(101).orders, []);
  for (let second = 0; second < 3; second++) assert.deepEqual(look(1).orders, []);
  assert.deepEqual(look(1).orders, ["resume wave"]);
  look(1);
  assert.deepEqual(look(101).orders, ["pause steady", "pause wave"]);
});

test("what it held in a former life stays held until it is over", () => {
  const control = new Control();
  control.paused.get("steady")!.add("deep-queue");
  const { look } = setUp({}, control);
  for (const ready of [null, 60, 49, 49, 49]) {
    assert.deepEqual(
      look(ready).orders.filter((order) => order.startsWith("resume")),
      [],
    );
  }
  assert.ok(look(49).orders.includes("resume steady"));
});

test("what a guard holds that is not there any more is let go", () => {
  const control = new Control();
  control.paused.get("wave")!.add("removed");
  const { look } = setUp({}, control);
  assert.deepEqual(look(1).orders, ["resume wave"]);
  assert.deepEqual(look(1).orders, []);
});

test("do: warn orders nothing", () => {
  const { look } = setUp({ action: "warn", forMs: 0 });
  assert.deepEqual(look(101).orders, []);
  assert.deepEqual(look(101).news, []);
});

test("that it is blind is told once, after half a minute, and that it sees again", () => {
  const { look, watch, now } = setUp();
  look(10);
  const told = [];
  for (let second = 0; second < 60; second++) told.push(...look(null).news);
  assert.deepEqual(told, ["blind"]);
  const [standing] = watch.standings(now());
  assert.equal(standing!.headroomRatio, null);
  assert.equal(standing!.unknown, "the broker does not tell how long the queue is");
  assert.deepEqual(look(10).news, ["sees"]);
});

test("one that has never seen anything is not told of every time", () => {
  const { look } = setUp();
  for (let second = 0; second < 100; second++) assert.deepEqual(look(null).news, []);
});

test("a throttle lowers the rates until our share holds, and opens again when there is room", () => {
  const { look, watch, now } = setUp({
    watch: "share",
    action: "throttle",
    limit: 0.1,
    resumeBelow: 0.09,
  });
  // The plan makes 100 a second of ours beside 100 of others.
  let [ours, others] = [0, 0];
  let factor = 1;
  const shares: number[] = [];
  for (let second = 0; second < 400; second++) {
    ours += 100 * factor;
    others += 100;
    for (const { order } of look(0, { ours, others }).full.orders) {
      assert.ok(order.kind === "throttle" && order.guard === "deep-queue");
      assert.equal(order.ttlMs, 60_000);
      if (order.scenario === "steady") factor = order.factor;
    }
    shares.push((100 * factor) / (100 * factor + 100));
  }
  const settled = shares.slice(100);
  const mean = settled.reduce((sum, share) => sum + share, 0) / settled.length;
  assert.ok(mean > 0.05 && mean < 0.12, `${mean}`);
  assert.ok(Math.max(...settled) < 0.15, `${Math.max(...settled)}`);
  assert.equal(watch.standings(now())[0]!.state, "fired");
  // The others take ten times as many now: there is room.
  for (let second = 0; second < 400; second++) {
    ours += 100 * factor;
    others += 2_000;
    for (const { order } of look(0, { ours, others }).full.orders) {
      if (order.kind === "throttle") factor = order.factor;
    }
  }
  assert.equal(factor, 1);
  assert.equal(watch.standings(now())[0]!.state, "ok");
});

test("a throttle goes on where it was in a former life, or before a reload", () => {
  const control = new Control();
  control.throttled = [{ scenario: "steady", guard: "deep-queue", factor: 0.2 }];
  const share = { watch: "share", action: "throttle", limit: 0.1, resumeBelow: 0.09 } as const;
  const { look, watch, now } = setUp(share, control);
  assert.equal(watch.standings(now())[0]!.state, "fired");
  const factors: number[] = [];
  for (let second = 0; second < 30; second++) {
    for (const { order } of look(0, { ours: 0, others: second * 100 }).full.orders) {
      if (order.kind === "throttle" && order.scenario === "steady") factors.push(order.factor);
    }
  }
  assert.ok(Math.abs(factors[0]! - 0.25) < 1e-9, `${factors[0]}`);
});

test("nextFactor() goes down at once, up by steps, and stays between", () => {
  const rule = { limit: 0.1, resumeBelow: 0.09 };
  assert.equal(nextFactor(1, 0.5, rule), 0.7);
  assert.equal(nextFactor(0.01, 0.5, rule), 0.01);
  assert.equal(nextFactor(0.5, 0.095, rule), 0.5);
  assert.equal(nextFactor(0.5, 0.05, rule), 0.55);
  assert.equal(nextFactor(0.98, 0.05, rule), 1);
});
