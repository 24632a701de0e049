import assert from "node:assert/strict";
import type { Accepted, Answer, Effect, Refusal } from "../../../src/control/answer.js";
import type { ControlState } from "../../../src/control/control-state.js";
import { expire, nextExpiryMs } from "../../../src/control/expire.js";
import type { Ceilings, Facts, ScenarioFacts } from "../../../src/control/facts.js";
import { firstState } from "../../../src/control/first-state.js";
import type { Order, OrderedBy } from "../../../src/control/order.js";
import { reduce } from "../../../src/control/reduce.js";
import { createProfile, type OrderableSpec, type RatedSpec } from "../../../src/plan/profile.js";
import { type UsersSpec, userNumbers } from "../../../src/plan/profiles/users.js";
import { firstRegime, type Regime } from "../../../src/plan/regime.js";
import { createTimeline } from "../../../src/plan/timeline.js";

/** A change holds so long after its order. */
export const LEAD_MS = 25;
export const BY: OrderedBy = { actor: "api", reason: "a test" };
export const UNIX_MS = Date.parse("2026-11-29T12:00:00Z");

/** 10/s for 10 s, 20/s for 10 s, 30/s for 10 s: it ends by itself. */
export const STEPS: OrderableSpec = {
  kind: "steps",
  stages: [10, 20, 30].map((ratePerSecond) => ({ ratePerSecond, durationMs: 10_000 })),
  repeat: false,
};
export const CONSTANT: OrderableSpec = { kind: "constant", ratePerSecond: 10 };

export interface WorldOptions {
  readonly profile?: RatedSpec;
  readonly startAfterMs?: number;
  readonly endMs?: number;
  readonly limits?: Partial<Ceilings>;
  /** `steady` has users, at most 100, instead of the profile. */
  readonly users?: UsersSpec;
}

/**
 * Scenarios `steady`, with tasks `resize` and `thumb`, and `loop`, a closed one, with a clock that tests turn. Orders go
 * to the reducer as the daemon's go.
 */
export class World {
  state: ControlState;
  nowMs = 0;
  isOver = false;
  readonly effects: Effect[] = [];
  readonly changes: Accepted["change"][] = [];
  readonly #scenarios: Map<string, ScenarioFacts>;
  readonly #limits: Ceilings;
  #ids = 0;

  constructor(options: WorldOptions = {}) {
    const { profile = STEPS, startAfterMs = 0, endMs = Infinity, limits = {} } = options;
    const { users } = options;
    const shape = users === undefined ? createProfile(profile) : userNumbers(users);
    const usersAtMost = users === undefined ? null : 100;
    const plan = { profile: shape, endMs, untilMs: Infinity };
    const first = firstRegime(startAfterMs, UNIX_MS);
    const common = { isOver: false, warmupMs: 0 };
    const mix = { keys: ["resize", "thumb"], weights: [3, 1] };
    this.#limits = { maxRatePerSecond: null, burst: null, ...limits };
    this.#scenarios = new Map([
      [
        "steady",
        { ...common, mix, usersAtMost, planned: { plan, timeline: createTimeline(plan, first) } },
      ],
      ["loop", { ...common, mix, usersAtMost: null, planned: null }],
    ]);
    this.state = firstState(new Map([...this.#scenarios.keys()].map((name) => [name, first])));
  }

  get steady() {
    return this.state.scenarios.steady!;
  }

  get timeline() {
    return this.#scenarios.get("steady")!.planned!.timeline;
  }

  /** What holds from the next order on. */
  get regime(): Regime {
    return this.steady.regime;
  }

  facts(): Facts {
    const { nowMs, changes } = this;
    return {
      ...{ nowMs, atMs: nowMs + LEAD_MS, unixMs: UNIX_MS + nowMs, changes },
      newId: () => `id-${++this.#ids}`,
      limits: this.#limits,
      scenarios: new Map(
        [...this.#scenarios].map(([name, facts]) => [name, { ...facts, isOver: this.isOver }]),
      ),
    };
  }

  /** Time goes on, and what has a ttl ends on the way. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let next = this.#nextMs(); next <= untilMs; next = this.#nextMs()) {
      this.nowMs = Math.max(this.nowMs, next);
      this.#follow(expire(this.state, this.facts())!);
    }
    this.nowMs = untilMs;
  }

  #nextMs(): number {
    return nextExpiryMs(this.state) - LEAD_MS;
  }

  /** Gives an order, and follows it when it is accepted. */
  try(order: Order, by = BY): Answer {
    const before = JSON.stringify(this.state);
    const answer = reduce(this.state, order, by, this.facts());
    assert.equal(JSON.stringify(this.state), before, "the reducer changes nothing in place");
    if (!("refused" in answer)) this.#follow(answer);
    return answer;
  }

  order(order: Order, by = BY): Accepted {
    const answer = this.try(order, by);
    assert.ok(!("refused" in answer), JSON.stringify(answer));
    return answer;
  }

  refused(order: Order, by = BY): Refusal {
    const answer = this.try(order, by);
    assert.ok("refused" in answer, `accepted: ${JSON.stringify(order)}`);
    return answer;
  }

  #follow(answer: Accepted): void {
    this.state = answer.state;
    this.changes.push(answer.change);
    this.effects.push(...answer.effects);
    for (const [name, facts] of this.#scenarios) {
      const { regime } = answer.state.scenarios[name]!;
      const { planned } = facts;
      if (planned === null || planned.timeline.regime === regime) continue;
      const timeline = planned.timeline.change(regime);
      this.#scenarios.set(name, { ...facts, planned: { ...planned, timeline } });
    }
  }
}

export const pause = (ttlMs: number | null = null): Order => ({
  ...{ kind: "pause", scenario: "steady", guard: null, ttlMs },
});
export const guardPause = (guard: string): Order => ({
  ...{ kind: "pause", scenario: "steady", guard, ttlMs: null },
});
export const resume = (guard: string | null = null): Order => ({
  ...{ kind: "resume", scenario: "steady", guard },
});
export const throttle = (guard: string, factor: number, ttlMs = 60_000): Order => ({
  ...{ kind: "throttle", scenario: "steady", guard, factor, ttlMs },
});
export const rate = (perSecond: number, overMs = 0, ttlMs: number | null = null): Order => ({
  ...{ kind: "override", scenario: "steady", to: { what: "rate", perSecond }, overMs, ttlMs },
});
export const scale = (factor: number, overMs = 0): Order => ({
  ...{ kind: "override", scenario: "steady", to: { what: "scale", factor }, overMs, ttlMs: null },
});
export const follow = (profile: OrderableSpec, overMs = 0): Order => ({
  ...{ kind: "override", scenario: "steady", to: { what: "profile", profile }, overMs },
  ttlMs: null,
});
export const mix = (weights: Record<string, number>, ttlMs: number | null = null): Order => ({
  ...{ kind: "override", scenario: "steady", to: { what: "mix", weights }, overMs: 0, ttlMs },
});
export const burst = (count: number, overMs = 0): Order => ({
  ...{ kind: "burst", scenario: "steady", count, overMs },
});
export const simple = (kind: "start" | "stop" | "skip-stage" | "restart"): Order => ({
  ...{ kind, scenario: "steady" },
});
export const undo = (id: string): Order => ({ kind: "undo", id });
export const stopAll = (revoke = false): Order => ({ kind: "stop-all", revoke });
export const release: Order = { kind: "release" };
