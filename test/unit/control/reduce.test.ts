import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Order } from "../../../src/control/order.js";
import type { RatedSpec } from "../../../src/plan/profile.js";
import {
  BY,
  burst,
  CONSTANT,
  follow,
  guardPause,
  LEAD_MS,
  mix,
  pause,
  rate,
  release,
  resume,
  scale,
  simple,
  stopAll,
  throttle,
  UNIX_MS,
  undo,
  World,
} from "./world.js";

const GUARD = { actor: "guard", reason: "images holds 60000, waits for 10000" } as const;
const LOOP = { scenario: "loop" } as const;

/** States that an order may find, each with the orders that lead there. */
const SITUATIONS = {
  running: () => {},
  paused: (world: World) => world.order(pause()),
  guarded: (world: World) => world.order(guardPause("deep-queue"), GUARD),
  "paused and guarded": (world: World) => {
    world.order(pause());
    world.order(guardPause("deep-queue"), GUARD);
  },
  stopped: (world: World) => world.order(simple("stop")),
  over: (world: World) => {
    world.isOver = true;
  },
  killed: (world: World) => world.order(stopAll()),
} as const satisfies Record<string, (world: World) => unknown>;
type Situation = keyof typeof SITUATIONS;

/** What becomes of each order in each of them: accepted, or a conflict in words. */
const CASES: readonly [Order, Partial<Record<Situation, RegExp>>][] = [
  [
    pause(),
    {
      paused: /^Scenario steady is paused already \(id-1\)\.$/,
      "paused and guarded": /is paused already \(id-1\)/,
      stopped: /^Scenario steady is stopped: `start` begins it anew\.$/,
      over: /^Scenario steady has ended: `start` begins it anew\.$/,
    },
  ],
  [
    guardPause("deep-queue"),
    {
      guarded: /is held by guard deep-queue already \(id-1\)/,
      "paused and guarded": /is held by guard deep-queue already \(id-2\)/,
    },
  ],
  [guardPause("share"), {}],
  [
    resume(),
    {
      running: /^Scenario steady is not paused\.$/,
      guarded:
        /^Scenario steady is held by guard deep-queue \(images holds 60000, waits for 10000\): it goes on when that lets go\.$/,
      stopped: /is stopped: `start`/,
      over: /has ended: `start`/,
      killed: /is held by the kill switch: it goes on after release/,
    },
  ],
  [
    resume("deep-queue"),
    every(/^Guard deep-queue does not hold scenario steady\.$/, "guarded", "paused and guarded"),
  ],
  [rate(50), { stopped: /is stopped: `start`/, over: /has ended/ }],
  [scale(2), { stopped: /is stopped/, over: /has ended/ }],
  [follow(CONSTANT), { stopped: /is stopped/, over: /has ended/ }],
  [mix({ thumb: 1 }), { stopped: /is stopped/, over: /has ended/ }],
  [
    burst(5),
    {
      paused: /^Scenario steady is paused: `resume` it first\.$/,
      guarded: /is paused/,
      "paused and guarded": /is paused/,
      stopped: /is stopped/,
      over: /has ended/,
      killed: /^Scenario steady is held by the kill switch: `release` first\.$/,
    },
  ],
  [simple("skip-stage"), { stopped: /is stopped/, over: /has ended/ }],
  [simple("restart"), { stopped: /is stopped: `start`/, over: /has ended: `start`/ }],
  [simple("stop"), { stopped: /is stopped: `start`/, over: /has ended/ }],
  [
    simple("start"),
    every(/^Scenario steady is not stopped\. `restart` sets its plan back/, "stopped", "over"),
  ],
  [stopAll(), { killed: /^The kill switch is on already: nothing starts until release\.$/ }],
  [stopAll(true), {}],
  [release, every(/^The kill switch is not on\.$/, "killed")],
  ...["override", "burst", "skip-stage"].map((kind): [Order, Record<string, RegExp>] => [
    { ...orderOf(kind), ...LOOP } as Order,
    { ...every(/^Scenario loop is a closed loop, which/), over: /has ended/ },
  ]),
];

/** The same words in all situations but some. */
function every(words: RegExp, ...but: Situation[]): Record<string, RegExp> {
  const names = Object.keys(SITUATIONS).filter((name) => !but.includes(name as Situation));
  return Object.fromEntries(names.map((name) => [name, words]));
}

function orderOf(kind: string): Order {
  return kind === "override" ? rate(5) : kind === "burst" ? burst(5) : simple("skip-stage");
}

describe("each order in each situation", () => {
  for (const [order, refusals] of CASES) {
    for (const [name, prepare] of Object.entries(SITUATIONS)) {
      const words = refusals[name as Situation];
      const what = JSON.stringify(order);
      test(`${what} while ${name}: ${words === undefined ? "accepted" : "conflict"}`, () => {
        const world = new World();
        world.pass(1_000);
        prepare(world);
        world.pass(1_000);
        const before = world.state;
        const answer = world.try(order, "guard" in order && order.guard ? GUARD : BY);
        if (words === undefined) {
          assert.ok(!("refused" in answer), JSON.stringify(answer));
          assert.equal(world.state.revision, before.revision + 1);
          assert.equal(answer.change.revision, world.state.revision);
        } else {
          assert.ok("refused" in answer, "it is refused");
          assert.equal(answer.refused, "conflict");
          assert.match(answer.faults[0]!.message, words);
          assert.equal(world.state, before);
        }
      });
    }
  }
});

test("a pause stops the plan's clock, and a resume lets it go on from there", () => {
  const world = new World();
  world.pass(3_000);
  world.order(pause());
  assert.equal(world.regime.isPaused, true);
  assert.equal(world.regime.fromMs, 3_000 + LEAD_MS);
  world.pass(60_000);
  world.order(resume());
  assert.equal(world.regime.isPaused, false);
  assert.equal(world.regime.planMs, 3_000 + LEAD_MS);
  assert.deepEqual(
    world.effects.map((effect) => effect.kind),
    ["regime", "regime"],
  );
});

test("it goes on when all have let go: a person, two guards and the kill switch", () => {
  const world = new World();
  for (const order of [pause(), guardPause("a"), guardPause("b"), stopAll()]) world.order(order);
  const ends: Order[] = [resume("b"), resume(), release, resume("a")];
  for (const order of ends) {
    assert.equal(world.regime.isPaused, true);
    world.order(order);
  }
  assert.equal(world.regime.isPaused, false);
  const heard = world.effects.filter((each) => "scenario" in each && each.scenario === "steady");
  assert.equal(heard.length, 2, "the engine hears of the first and of the last one only");
});

test("a guard's throttle is a part of whatever the rate is, and replaces its own", () => {
  const world = new World();
  const wanted = () => world.timeline.rateAt(world.nowMs + LEAD_MS);
  world.order(throttle("share", 0.7), GUARD);
  assert.equal(wanted(), 7);
  const { change } = world.order(throttle("share", 0.5), GUARD);
  assert.equal(wanted(), 5);
  world.order(rate(2));
  assert.equal(wanted(), 1, "of a person's rate, be it lower than the guard's part of the plan");
  const lower = world.order(rate(1, 10_000));
  assert.equal(wanted(), 1, "the ramp begins with the rate that was wanted");
  world.order(undo(lower.change.id));
  world.order(throttle("share", 0.1), GUARD);
  world.order(throttle("other", 0.2), GUARD);
  assert.equal(wanted(), 0.2, "the least of several");
  assert.equal(world.steady.throttles.length, 2);
  assert.equal(world.steady.overrides.length, 1, "a person's");
  const refused = world.refused(undo(change.id));
  assert.match(refused.faults[0]!.message, /is a throttle to 10 % by guard share .*lets go/);
  world.order(throttle("share", 1), GUARD);
  assert.equal(wanted(), 0.4);
  world.pass(60_001);
  assert.equal(world.changes.at(-1)!.text, "undo throttle to 20 % by guard other");
  assert.equal(world.changes.at(-1)!.actor, "ttl");
  assert.deepEqual(world.steady.throttles, []);
});

test("a resume that leaves a guard's hold says so", () => {
  const world = new World();
  world.order(pause());
  world.order(guardPause("deep-queue"), GUARD);
  const { change } = world.order(resume());
  assert.equal(change.text, "resume; guard deep-queue still holds it");
});

test("a pause with a ttl ends itself, a change by ttl", () => {
  const world = new World();
  const { change } = world.order(pause(10_000));
  assert.equal(change.text, "pause for 10s");
  world.pass(10_000);
  assert.equal(world.steady.pauses.length, 0);
  assert.equal(world.regime.fromMs, 10_000 + LEAD_MS, "to the millisecond");
  const last = world.changes.at(-1)!;
  assert.deepEqual(
    [last.id, last.actor, last.kind, last.text],
    [change.id, "ttl", "undo", "undo pause"],
  );
});

test("an override leaves the plan's clock running", () => {
  const world = new World();
  world.pass(5_000);
  world.order(rate(50));
  assert.equal(world.regime.planMs, 5_000 + LEAD_MS);
  assert.deepEqual(world.regime.override, { kind: "rate", perSecond: 50 });
  world.pass(5_000);
  const [id] = world.steady.overrides.map((each) => each.id);
  world.order(undo(id!));
  assert.equal(world.regime.planMs, 10_000 + LEAD_MS);
  assert.equal(world.regime.override, null);
});

test("the last override of the rate wins, and the last of the mix; undone, the one before holds again", () => {
  const world = new World();
  const ids = [
    rate(50),
    mix({ thumb: 1 }),
    scale(2),
    mix({ resize: 2, thumb: 1 }),
    follow(CONSTANT),
  ].map((order) => world.order(order).change.id);
  const undoes = (index: number) => world.order(undo(ids[index]!));
  const profile = { kind: "profile", profile: CONSTANT, fromMs: LEAD_MS };
  assert.deepEqual(world.regime.override, profile);
  assert.deepEqual(world.regime.weights, [2, 1]);
  undoes(2);
  assert.deepEqual(world.regime.override, profile, "one that is not in force changes nothing");
  undoes(4);
  assert.deepEqual(world.regime.override, { kind: "rate", perSecond: 50 });
  undoes(3);
  assert.deepEqual(world.regime.weights, [0, 1], "tasks that are left out have no weight");
  undoes(1);
  undoes(0);
  assert.equal(world.regime.override, null);
  assert.equal(world.regime.weights, null);
});

test("a ramp begins at the present rate, without bursts, and goes on through other changes", () => {
  const world = new World({ profile: CONSTANT });
  world.pass(5_000);
  world.order(burst(1_000, 60_000));
  world.order(rate(100, 60_000));
  const ramp = { fromMs: 5_025, fromPerSecond: 10, untilMs: 65_025 };
  assert.deepEqual(world.regime.ramp, ramp);
  for (const order of [mix({ thumb: 1 }), pause(), resume(), stopAll(), release]) {
    world.pass(1_000);
    world.order(order);
    assert.deepEqual(world.regime.ramp, ramp);
    assert.deepEqual(world.regime.bursts, [{ count: 1_000, fromMs: 5_025, untilMs: 65_025 }]);
  }
  world.pass(25_000);
  world.order(rate(0, 10_000));
  assert.ok(world.regime.ramp!.fromPerSecond > 10 && world.regime.ramp!.fromPerSecond < 100);
  world.pass(60_000);
  world.order(mix({ thumb: 1 }));
  assert.equal(world.regime.ramp, null, "it is over");
  assert.deepEqual(world.regime.bursts, []);
});

test("a ramp that begins in a pause begins where the rate would be", () => {
  const world = new World({ profile: CONSTANT });
  world.order(pause());
  world.pass(1_000);
  world.order(rate(50, 10_000));
  assert.equal(world.regime.ramp!.fromPerSecond, 10);
});

test("undo of a ramped override is at once", () => {
  const world = new World();
  const { change } = world.order(rate(100, 60_000));
  world.pass(1_000);
  world.order(undo(change.id));
  assert.equal(world.regime.ramp, null);
});

test("skip-stage jumps to the end of the present stage, and of the last one to the end", () => {
  const world = new World({ startAfterMs: 60_000 });
  for (const planMs of [0, 10_000, 20_000, 30_000]) {
    world.order(simple("skip-stage"));
    assert.equal(world.regime.planMs, planMs);
    world.pass(2_000);
  }
});

test("skip-stage goes no further than the scenario's duration", () => {
  const world = new World({ endMs: 7_000 });
  world.order(simple("skip-stage"));
  assert.equal(world.regime.planMs, 7_000);
});

test("skip-stage of a rate without an end is a conflict that names it", () => {
  const world = new World({ profile: CONSTANT });
  const { refused, faults } = world.refused(simple("skip-stage"));
  assert.equal(refused, "conflict");
  assert.match(faults[0]!.message, /one stage without an end \(constant 10\/s\)/);
});

test("restart sets the plan's clock back to 0, not to startAfter, and N goes on", () => {
  const world = new World({ profile: CONSTANT, startAfterMs: 1_000 });
  world.pass(11_000 - LEAD_MS);
  world.order(simple("restart"));
  assert.equal(world.regime.planMs, 0);
  assert.ok(Math.abs(world.steady.startsBefore - 100) < 0.2, `${world.steady.startsBefore}`);
});

test("stop pauses and stops; start begins anew at 0, with overrides and without a person's pause", () => {
  const world = new World();
  world.order(rate(50));
  world.order(burst(10, 60_000));
  world.order(pause());
  world.pass(5_000);
  const stop = world.order(simple("stop"));
  assert.deepEqual(
    stop.effects.map(({ kind }) => kind),
    ["stop"],
  );
  assert.equal(world.regime.isPaused, true);
  world.pass(5_000);
  const start = world.order(simple("start"));
  assert.deepEqual(start.effects, [
    { kind: "regime", scenario: "steady", regime: world.regime, isStart: true },
  ]);
  assert.deepEqual(world.regime, {
    ...{ fromMs: 10_025, planMs: 0, isPaused: false, ramp: null, bursts: [], weights: null },
    ...{ throttle: 1, override: { kind: "rate", perSecond: 50 }, zeroUnixMs: UNIX_MS },
  });
});

test("a stopped scenario's engine hears of nothing until its start", () => {
  const world = new World();
  const { change } = world.order(rate(50));
  assert.deepEqual(
    world.order(simple("stop")).effects.map(({ kind }) => kind),
    ["stop"],
  );
  const orders = [guardPause("a"), undo(change.id), stopAll(), release];
  for (const order of orders) {
    assert.deepEqual(
      world.order(order).effects.filter((each) => "scenario" in each && each.scenario === "steady"),
      [],
    );
  }
  world.order(simple("start"));
  assert.equal(world.regime.isPaused, true, "the guard holds it");
});

test("while the kill switch is on orders are taken and nothing starts", () => {
  const world = new World();
  const { effects, change } = world.order(stopAll());
  assert.deepEqual(
    effects.map((each) => "scenario" in each && each.scenario),
    ["steady", "loop"],
  );
  assert.equal(world.state.killSwitch?.id, change.id);
  world.order(rate(50));
  assert.deepEqual(
    [world.regime.isPaused, world.regime.override],
    [true, { kind: "rate", perSecond: 50 }],
  );
  const { faults } = world.refused(undo(change.id));
  assert.match(faults[0]!.message, /is the kill switch: `release` ends it/);
  world.order(release);
  assert.equal(world.regime.isPaused, false);
});

test("a second stop-all that revokes keeps the first one's latch", () => {
  const world = new World();
  const first = world.order(stopAll());
  const second = world.order(stopAll(true));
  assert.deepEqual(second.effects, [{ kind: "revoke" }]);
  assert.deepEqual(second.state.killSwitch, first.state.killSwitch);
});

test("a running burst can be undone, one that has ended cannot", () => {
  const world = new World();
  const { change } = world.order(burst(100, 10_000));
  world.pass(4_000);
  const undone = world.order(undo(change.id));
  assert.equal(undone.change.text, "undo burst of 100, 6s before its end");
  assert.deepEqual(world.regime.bursts, []);
  const second = world.order(burst(100)).change;
  world.pass(1_000);
  assert.match(
    world.refused(undo(second.id)).faults[0]!.message,
    /\(burst of 100\) is over already/,
  );
});

test("what cannot be undone says why", () => {
  const world = new World();
  const skip = world.order(simple("skip-stage")).change;
  const held = world.order(guardPause("deep-queue"), GUARD).change;
  world.order(rate(50));
  const refusals = ([skip.id, held.id, "nope"] as const).map((id) => world.refused(undo(id)));
  assert.deepEqual(
    refusals.map(({ refused, faults }) => [refused, faults[0]!.message]),
    [
      ["conflict", "id-1 (skip-stage) cannot be undone."],
      [
        "conflict",
        "id-2 is a pause by guard deep-queue (images holds 60000, waits for 10000): it ends when that lets go.",
      ],
      [
        "unknown",
        'there is nothing with the id "nope" to undo. There are: id-3 (rate 50/s), id-2 (pause by guard deep-queue)',
      ],
    ],
  );
});

const RAMP: RatedSpec = {
  kind: "ramp",
  fromPerSecond: 0,
  stages: [{ toPerSecond: 80, durationMs: 1_000 }],
};

describe("ceilings and values", () => {
  const limits = { maxRatePerSecond: 60, burst: 100 };
  const rows: [Order, string | null, RegExp?][] = [
    [rate(60), null],
    [
      rate(61),
      "rate",
      /would reach 61\/s, more than limits\.maxRate \(60\/s, all threads and segments together\)/,
    ],
    [scale(2), null],
    [scale(2.1), "scale", /would reach 63\/s/],
    [follow(RAMP), "profile", /would reach 80\/s/],
    [burst(100), null],
    [burst(101), "count", /is 101 starts, more than limits\.burst \(100,/],
    [burst(0), "count"],
    [burst(1.5), "count"],
    [burst(5, -1), "over"],
    [rate(-1), "rate"],
    [rate(Number.NaN), "rate"],
    [rate(Infinity), "rate"],
    [scale(-1), "scale"],
    [rate(5, 0, 0), "ttl"],
    [rate(5, 0, 1e16), "ttl"],
    [pause(0), "ttl"],
    [mix({}), "mix", /must have a task with a weight above 0/],
    [mix({ resize: 0 }), "mix", /must have a task/],
    [mix({ resize: -1 }), "mix.resize"],
    [mix({ resize: Number.NaN }), "mix.resize"],
    [mix({ resiez: 1 }), "mix.resiez", /Did you mean resize\? There are: resize, thumb/],
    [
      mix({ constructor: 1 } as Record<string, number>),
      "mix.constructor",
      /there is no task "constructor"/,
    ],
  ];
  for (const [order, path, words] of rows) {
    test(`${JSON.stringify(order)}: ${path ?? "accepted"}`, () => {
      const world = new World({ limits });
      if (path === null) {
        world.order(order);
        return;
      }
      const { refused, faults } = world.refused(order);
      assert.equal(refused, "bad");
      assert.deepEqual(
        faults.map((fault) => fault.path),
        [path],
      );
      assert.match(faults[0]!.message, words ?? /must be/);
    });
  }

  test("several bursts pass the ceiling no more than one", () => {
    const world = new World({ limits });
    world.order(burst(60, 10_000));
    const [fault] = world.refused(burst(41)).faults;
    assert.match(fault!.message, /is 41 starts beside 60 of bursts that still run/);
    world.pass(10_001);
    world.order(burst(41));
  });
});

test("an unknown scenario is told with the names that exist", () => {
  const order: Order = { ...pause(), scenario: "stedy" } as Order;
  const { refused, faults } = new World().refused(order);
  assert.equal(refused, "unknown");
  assert.equal(
    faults[0]!.message,
    'there is no scenario "stedy". Did you mean steady? There are: steady, loop',
  );
});

test("names of Object's own are no scenarios", () => {
  for (const scenario of ["constructor", "__proto__", "toString"]) {
    const answer = new World().refused({ ...pause(), scenario } as Order);
    assert.equal(answer.refused, "unknown");
  }
});

test("a closed loop can be paused and its mix changed", () => {
  const world = new World();
  world.order({ ...pause(), ...LOOP } as Order);
  world.order({ ...mix({ thumb: 1 }), ...LOOP } as Order);
  assert.equal(world.state.scenarios.loop!.regime.isPaused, true);
  assert.deepEqual(world.state.scenarios.loop!.regime.weights, [0, 1]);
});

test("of many overrides the oldest are forgotten, of the rate and of the mix apart", () => {
  const world = new World();
  world.order(mix({ thumb: 1 }));
  for (let perSecond = 1; perSecond <= 30; perSecond++) world.order(rate(perSecond));
  const { overrides } = world.steady;
  assert.equal(overrides.length, 21);
  assert.deepEqual(overrides[0]!.to, { what: "mix", weights: { thumb: 1 } });
  assert.deepEqual(overrides[1]!.to, { what: "rate", perSecond: 11 });
});

test("changes are told in words", () => {
  const rows: [Order, string][] = [
    [rate(50, 60_000, 600_000), "rate 50/s over 1m, for 10m"],
    [scale(2), "scale 2"],
    [follow(CONSTANT, 5_000), "profile constant 10/s over 5s"],
    [mix({ resize: 3, thumb: 1 }), "mix resize 3, thumb 1"],
    [burst(100, 10_000), "burst of 100 over 10s"],
    [simple("skip-stage"), "skip-stage"],
    [stopAll(true), "stop-all, and revoke what is in flight"],
  ];
  for (const [order, text] of rows) assert.equal(new World().order(order).change.text, text);
});
