import type { ControlState } from "../control/control-state.js";
import type { Order, OrderedBy } from "../control/order.js";
import { firstStanding, type GuardState, headroomOf, type Standing, step } from "./guard.js";
import type { GuardPlan, GuardSubject } from "./guard-plan.js";
import { nextFactor } from "./throttle.js";
import type { Found, GuardFacts, Watcher } from "./watches/watch.js";
import { WATCHES } from "./watches/watches.js";

export type { GuardFacts } from "./watches/watch.js";

/** What a guard wants to have done. */
export interface GuardOrder {
  readonly guard: string;
  readonly order: Order;
  readonly by: OrderedBy;
}

/** News for the log. */
export interface GuardNews {
  readonly type: "pending" | "fired" | "over" | "throttled" | "blind" | "sees";
  readonly guard: string;
  /** A sentence: value, limit, for how long, what is done. */
  readonly text: string;
}

/** How a guard stands, over all its subjects: the one that is nearest to its limit, or beyond. */
export interface GuardStanding {
  readonly name: string;
  readonly watch: GuardPlan["watch"];
  readonly action: GuardPlan["action"];
  readonly state: GuardState;
  /** Since when it has been in that state, in seconds. */
  readonly seconds: number;
  /** What is watched: `queue images of main`. */
  readonly subject: string;
  /** In the unit of the limit, shares as ratios and times in milliseconds; null: not known. */
  readonly value: number | null;
  readonly limit: number;
  readonly resumeBelow: number;
  /** `headroomOf`; null: not known. */
  readonly headroomRatio: number | null;
  /** Why the value is not known; null when it is. */
  readonly unknown: string | null;
  readonly firedTotal: number;
  /** What it holds back now. */
  readonly scenarios: readonly string[];
  /** At which part of their rate those are; 1 but for throttles. */
  readonly factor: number;
}

export interface GuardLook {
  readonly orders: readonly GuardOrder[];
  readonly news: readonly GuardNews[];
}

/** A value that has been known and is not, for so long, is told. */
const BLIND_MS = 30_000;
/** An order that was not followed is given again. */
const AGAIN_MS = 10_000;
/** A throttle is renewed well before it would end by itself; it ends when nobody watches any more. */
const RENEW_MS = 20_000;
const TTL_MS = 60_000;
/** How long a guard that no load can prove wrong waits before it lets some go: doubled each time that it was right. */
const FIRST_TRIAL_MS = 60_000;
const LAST_TRIAL_MS = 30 * 60_000;

/**
 * Follows all guards over a run: `look` about once a second with what is known, and have its orders done. Has no
 * timer and no clock of its own.
 */
export class GuardWatch {
  readonly #guards: readonly Guard[];
  #orphansMs = Number.NEGATIVE_INFINITY;

  /** `control`: what guards of a former life hold back stays so until it is over. */
  constructor(plans: readonly GuardPlan[], control: ControlState, nowMs: number) {
    this.#guards = plans.map((plan) => new Guard(plan, control, nowMs));
  }

  look(facts: GuardFacts, control: ControlState): GuardLook {
    const looks = this.#guards.map((guard) => guard.look(facts, control));
    return {
      orders: [
        ...looks.flatMap(({ orders }) => orders),
        ...this.#resumeOrphans(control, facts.nowMs),
      ],
      news: looks.flatMap(({ news }) => news),
    };
  }

  standings(nowMs: number): readonly GuardStanding[] {
    return this.#guards.map((guard) => guard.standing(nowMs));
  }

  /** What a guard holds that was taken out of the configuration. */
  #resumeOrphans({ scenarios }: ControlState, nowMs: number): GuardOrder[] {
    if (nowMs - this.#orphansMs < AGAIN_MS) return [];
    const names = new Set(this.#guards.map(({ name }) => name));
    const orders = Object.entries(scenarios).flatMap(([scenario, { pauses }]) =>
      pauses.flatMap(({ guard }): GuardOrder[] => {
        if (guard === null || names.has(guard)) return [];
        const reason = `guard ${guard}: is not there any more`;
        const order = { kind: "resume", scenario, guard } as const;
        return [{ guard, order, by: { actor: "guard", reason } }];
      }),
    );
    if (orders.length > 0) this.#orphansMs = nowMs;
    return orders;
  }
}

/** Scenarios that a guard has paused. */
function heldBy(guard: string, { scenarios }: ControlState): Set<string> {
  const isHeld = (name: string) => scenarios[name]!.pauses.some((pause) => pause.guard === guard);
  return new Set(Object.keys(scenarios).filter(isHeld));
}

/** The part of their rate that a guard lets start, by scenario. */
function throttledBy(guard: string, { scenarios }: ControlState): Map<string, number> {
  return new Map(
    Object.entries(scenarios).flatMap(([name, { throttles }]) =>
      throttles.filter((each) => each.guard === guard).map(({ factor }) => [name, factor] as const),
    ),
  );
}

/** One subject of a guard. */
interface Watched {
  readonly subject: GuardSubject;
  readonly watcher: Watcher;
  standing: Standing;
  found: Found;
  /** The last value that was known; null: never. */
  lastValue: number | null;
  unknownSinceMs: number | null;
  isToldBlind: boolean;
  /** Of throttles. */
  factor: number;
}

/** What was ordered of a scenario. `released`: a person let it go, and is not contradicted before it is over. */
interface Hold {
  state: "ordered" | "held" | "released";
  orderedMs: number;
  factor: number;
}

class Guard {
  readonly #plan: GuardPlan;
  readonly #watched: readonly Watched[];
  readonly #holds = new Map<string, Hold>();
  #firedTotal = 0;
  #trialMs = FIRST_TRIAL_MS;

  constructor(plan: GuardPlan, control: ControlState, nowMs: number) {
    this.#plan = plan;
    const held = heldBy(plan.name, control);
    const factors = throttledBy(plan.name, control);
    for (const scenario of new Set([...held, ...factors.keys()])) {
      const factor = factors.get(scenario) ?? 1;
      this.#holds.set(scenario, { state: "held", orderedMs: nowMs, factor });
    }
    this.#watched = plan.subjects.map((subject) => ({
      subject,
      watcher: WATCHES[plan.watch].open(subject, plan),
      standing: firstStanding(
        nowMs,
        subject.scenarios.some((scenario) => this.#holds.has(scenario)),
      ),
      found: { value: null, why: "not looked at yet" },
      lastValue: null,
      unknownSinceMs: null,
      isToldBlind: false,
      factor: Math.min(1, ...subject.scenarios.map((scenario) => factors.get(scenario) ?? 1)),
    }));
  }

  get name(): string {
    return this.#plan.name;
  }

  look(facts: GuardFacts, control: ControlState): GuardLook {
    const news: GuardNews[] = [];
    for (const watched of this.#watched) news.push(...this.#lookAt(watched, facts));
    const orders =
      this.#plan.action === "throttle"
        ? this.#throttleOrders(facts.nowMs)
        : this.#holdOrders(control, facts.nowMs);
    return { orders, news };
  }

  standing(nowMs: number): GuardStanding {
    const { name, watch, action, limit, resumeBelow } = this.#plan;
    const worst = this.#watched.reduce((a, b) => (isWorse(b, a, limit) ? b : a));
    const { state, sinceMs } = worst.standing;
    const { value, why } = worst.found;
    // A throttle judges now and then, and what it found holds in between.
    const shown =
      value ?? (action === "throttle" && worst.found.isForWantOfLoad ? worst.lastValue : null);
    return {
      ...{ name, watch, action, state, limit, resumeBelow },
      seconds: (nowMs - sinceMs) / 1_000,
      subject: worst.subject.text,
      value: shown,
      headroomRatio: shown === null ? null : headroomOf(shown, limit),
      unknown: shown === null ? why : null,
      firedTotal: this.#firedTotal,
      scenarios: [...this.#holds].flatMap(([scenario, { state }]) =>
        state === "released" ? [] : scenario,
      ),
      factor: Math.min(...this.#watched.map(({ factor }) => factor)),
    };
  }

  #lookAt(watched: Watched, facts: GuardFacts): GuardNews[] {
    const { nowMs } = facts;
    const found = watched.watcher.look(facts);
    watched.found = found;
    if (found.value !== null) watched.lastValue = found.value;
    return [
      ...this.#sight(watched, nowMs),
      ...(this.#plan.action === "throttle"
        ? this.#adjust(watched, nowMs)
        : this.#step(watched, nowMs)),
    ];
  }

  /** What was known and is no longer is told once, and so is its return. */
  #sight(watched: Watched, nowMs: number): GuardNews[] {
    const { found, lastValue, subject } = watched;
    if (found.value !== null) {
      watched.unknownSinceMs = null;
      if (!watched.isToldBlind) return [];
      watched.isToldBlind = false;
      return [this.#news("sees", `${subject.text} is known again: ${this.#say(found.value)}`)];
    }
    watched.unknownSinceMs ??= nowMs;
    const isLong = nowMs - watched.unknownSinceMs >= BLIND_MS;
    if (!isLong || watched.isToldBlind || lastValue === null || found.isForWantOfLoad) return [];
    watched.isToldBlind = true;
    const stays = `it stays ${watched.standing.state}`;
    return [this.#news("blind", `nothing is known of ${subject.text} (${found.why}); ${stays}`)];
  }

  #step(watched: Watched, nowMs: number): GuardNews[] {
    const { subject, found, standing: before } = watched;
    const isTrial = this.#isTrialDue(watched, nowMs);
    watched.standing = isTrial
      ? firstStanding(nowMs, false)
      : step(before, found.value, this.#plan, nowMs);
    const { state } = watched.standing;
    if (state === before.state) return [];
    const value = found.value === null ? "nothing known" : this.#say(found.value);
    const about = `${subject.text}: ${value}, limit ${this.#say(this.#plan.limit)}`;
    if (state === "pending") return [this.#news("pending", about)];
    if (state === "fired") {
      this.#firedTotal++;
      const forSeconds = this.#plan.forMs / 1_000;
      const done = this.#doneText(subject);
      return [this.#news("fired", `${about}, for ${forSeconds} s; ${done}`)];
    }
    if (before.state === "pending") return [];
    this.#trialMs = isTrial ? Math.min(LAST_TRIAL_MS, this.#trialMs * 2) : FIRST_TRIAL_MS;
    const why = isTrial ? `${found.why}: some load is let go to see` : `${about}; it is over`;
    return [this.#news("over", why)];
  }

  /** What only our load shows cannot be over as long as there is none. */
  #isTrialDue({ standing, found, unknownSinceMs }: Watched, nowMs: number): boolean {
    if (standing.state !== "fired" || !found.isForWantOfLoad || unknownSinceMs === null)
      return false;
    return nowMs - unknownSinceMs >= Math.max(this.#trialMs, this.#plan.coolDownMs);
  }

  #doneText({ scenarios }: GuardSubject): string {
    const names = scenarios.join(", ");
    const texts = {
      warn: "nothing is done (do: warn)",
      throttle: `${names} is lowered`,
      pause: `${names} is paused`,
      stop: `${names} is stopped for good`,
    };
    return texts[this.#plan.action];
  }

  /** A throttle has fired as long as it lowers a rate. */
  #adjust(watched: Watched, nowMs: number): GuardNews[] {
    const { found, factor, subject } = watched;
    if (found.value === null) return [];
    const next = nextFactor(factor, found.value, this.#plan);
    watched.factor = next;
    if (next < 1 !== factor < 1) {
      watched.standing = firstStanding(nowMs, next < 1);
      if (next < 1) this.#firedTotal++;
    }
    const about = `${subject.text}: ${this.#say(found.value)}, limit ${this.#say(this.#plan.limit)}`;
    const rate = `${subject.scenarios.join(", ")} at ${Math.round(next * 100)} % of the rate`;
    if (next === factor) return [];
    if (next === 1) return [this.#news("over", `${about}; ${rate}`)];
    return [this.#news(factor === 1 ? "fired" : "throttled", `${about}; ${rate}`)];
  }

  #throttleOrders(nowMs: number): GuardOrder[] {
    const orders: GuardOrder[] = [];
    for (const scenario of new Set(this.#watched.flatMap(({ subject }) => subject.scenarios))) {
      const own = this.#watched.filter(({ subject }) => subject.scenarios.includes(scenario));
      const least = own.reduce((a, b) => (b.factor < a.factor ? b : a));
      const hold = this.#holds.get(scenario);
      const isNew = least.factor !== (hold?.factor ?? 1);
      if (!isNew && (hold === undefined || nowMs - hold.orderedMs < RENEW_MS)) continue;
      const { name: guard } = this.#plan;
      const { factor } = least;
      orders.push(this.#order({ kind: "throttle", scenario, guard, factor, ttlMs: TTL_MS }, least));
      if (least.factor === 1) this.#holds.delete(scenario);
      else this.#holds.set(scenario, { state: "held", orderedMs: nowMs, factor: least.factor });
    }
    return orders;
  }

  #holdOrders(control: ControlState, nowMs: number): GuardOrder[] {
    const { name, action } = this.#plan;
    if (action === "warn") return [];
    const orders: GuardOrder[] = [];
    const wanted = new Map<string, Watched>();
    for (const watched of this.#watched) {
      if (watched.standing.state !== "fired") continue;
      for (const scenario of watched.subject.scenarios) wanted.set(scenario, watched);
    }
    const held = heldBy(name, control);
    for (const [scenario, watched] of wanted) {
      const hold = this.#holds.get(scenario);
      const isDone =
        action === "stop" ? control.scenarios[scenario]?.isStopped === true : held.has(scenario);
      if (hold === undefined) {
        this.#holds.set(scenario, { state: "ordered", orderedMs: nowMs, factor: 1 });
        orders.push(this.#order(this.#holdOrder(scenario), watched));
      } else if (isDone) hold.state = "held";
      else if (hold.state === "held") hold.state = "released";
      else if (hold.state === "ordered" && nowMs - hold.orderedMs >= AGAIN_MS) {
        hold.orderedMs = nowMs;
        orders.push(this.#order(this.#holdOrder(scenario), watched));
      }
    }
    for (const [scenario, hold] of this.#holds) {
      if (wanted.has(scenario)) continue;
      const isHeld = held.has(scenario);
      if (!isHeld || action === "stop") this.#holds.delete(scenario);
      else if (hold.state !== "released" || nowMs - hold.orderedMs >= AGAIN_MS) {
        // Kept until it is seen to be done.
        this.#holds.set(scenario, { state: "released", orderedMs: nowMs, factor: 1 });
        const by = this.#watched.find(({ subject }) => subject.scenarios.includes(scenario));
        orders.push(this.#order({ kind: "resume", scenario, guard: name }, by));
      }
    }
    return orders;
  }

  #holdOrder(scenario: string): Order {
    if (this.#plan.action === "stop") return { kind: "stop", scenario };
    return { kind: "pause", scenario, ttlMs: null, guard: this.#plan.name };
  }

  /** `because`: undefined when the scenario is no longer the guard's. */
  #order(order: Order, because: Watched | undefined): GuardOrder {
    const { name, limit } = this.#plan;
    const by = (reason: string): OrderedBy => ({
      actor: "guard",
      reason: `guard ${name}: ${reason}`.slice(0, MAX_REASON),
    });
    if (because === undefined) return { guard: name, order, by: by("is not for it any more") };
    const { subject, lastValue } = because;
    const value = lastValue === null ? "not known" : this.#say(lastValue);
    const reason = `${subject.text}: ${value}, limit ${this.#say(limit)}`;
    return { guard: name, order, by: by(reason) };
  }

  #say(value: number): string {
    return WATCHES[this.#plan.watch].say(value);
  }

  #news(type: GuardNews["type"], text: string): GuardNews {
    return { type, guard: this.#plan.name, text };
  }
}

/** `OrderedBy.reason` takes no more. */
const MAX_REASON = 500;

const RANK: Readonly<Record<GuardState, number>> = { ok: 0, pending: 1, fired: 2 };

function isWorse(a: Watched, b: Watched, limit: number): boolean {
  const rank = RANK[a.standing.state] - RANK[b.standing.state];
  const headroom = ({ lastValue }: Watched) =>
    lastValue === null ? Number.POSITIVE_INFINITY : headroomOf(lastValue, limit);
  return rank !== 0 ? rank > 0 : headroom(a) < headroom(b);
}
