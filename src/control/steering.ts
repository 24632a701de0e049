import type { Accepted, Change, Effect } from "./answer.js";
import { type CarriedOn, later } from "./carry-on.js";
import type { ControlState, ScenarioControl } from "./control-state.js";
import { expire, nextExpiryMs } from "./expire.js";
import type { Ceilings, EntryMix, Facts, ScenarioFacts } from "./facts.js";
import { follow, letPass } from "./follow.js";
import { type Capacity, IMPACT_MS, impactOf } from "./impact.js";
import type { Actor, Order, OrderedBy, OrderKind } from "./order.js";
import { reduce } from "./reduce.js";
import { isSameRegime, planMsAt, regimeOf } from "./regime-of.js";
import { stateWord } from "./state-word.js";
import type { Impact, OrderAnswer, OrderDone, OrderOptions, Steering } from "./steering-port.js";
import {
  KNOWN_ORDERS,
  NO_STATE_FILE,
  type StateFileReading,
  type SteeringReading,
} from "./steering-reading.js";

/** What steering needs of the daemon. */
export interface SteeringPorts {
  /** Elapsed milliseconds. */
  nowMs(): number;
  /** Unix time of an elapsed one. */
  unixMs(elapsedMs: number): number;
  /** Has effects done that hold from `atMs` on; called in the order of the revisions. */
  send(effects: readonly Effect[], atMs: number): void;
  /** Has the scenario ended by itself? */
  isOver(scenario: string): boolean;
  /** What workers can do; null: not known. */
  capacityOf(scenario: string): Capacity | null;
  newId(): string;
  /** null: nothing survives this process. */
  readonly store: StateStore | null;
}

/** Where the state survives. */
export interface StateStore {
  /** Resolves when it is on disk or cannot be written, which it counts; never rejects. */
  save(state: ControlState): Promise<void>;
  readonly reading: StateFileReading;
}

/** What is steered. */
export interface SteeredPlan {
  readonly scenarios: ReadonlyMap<string, Omit<ScenarioFacts, "isOver">>;
  readonly limits: Ceilings;
}

/** From an order to when it holds: what it takes to reach every thread. */
const LEAD_MS = 25;
/** The same with a state file, whose disk is waited for so long and no longer: a stop is not the disk's to delay. */
const LEAD_WITH_DISK_MS = 60;
const DISK_MS = LEAD_WITH_DISK_MS - LEAD_MS;
/** How long an answer waits for the disk. */
const ANSWER_MS = 5_000;

/** Changes that are kept. */
const MOST_CHANGES = 500;
/** The longest sleep before the clock is looked at: timers know no longer time than 24.8 days, and machines sleep. */
const LOOK_MS = 1_000;
/** So long after a start an engine may still say that it has ended. */
const STARTING_MS = 1_000;

/**
 * Holds what was ordered. Orders are taken one after the other as they come; each is written to the store before it is
 * sent to the engines, as far as the disk keeps up.
 */
export class OrderDesk implements Steering {
  readonly #ports: SteeringPorts;
  #limits: Ceilings;
  readonly #changes: Change[] = [];
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #orders = new Map<string, { kind: OrderKind; actor: Actor; count: number }>();
  readonly #lastOverrideUnixMs = new Map<string, number>();
  readonly #lastPauseUnixMs = new Map<string, number>();
  readonly #startedMs = new Map<string, number>();
  #scenarios: ReadonlyMap<string, ScenarioFacts>;
  #state: ControlState;
  #sent: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;

  /** @param state whose scenarios are those of the plan, and their timelines' regimes its own */
  constructor(state: ControlState, { scenarios, limits }: SteeredPlan, ports: SteeringPorts) {
    this.#ports = ports;
    this.#limits = limits;
    this.#state = state;
    this.#scenarios = new Map(
      [...scenarios].map(([name, facts]) => [name, { ...facts, isOver: false }]),
    );
    for (const [kind, actor] of KNOWN_ORDERS) this.#count(kind, actor, 0);
    for (const [name, { overrides }] of Object.entries(state.scenarios)) {
      const times = overrides.map(({ sinceUnixMs }) => sinceUnixMs);
      this.#lastOverrideUnixMs.set(name, Math.max(0, ...times));
    }
    this.#wakeForExpiry();
  }

  get state(): ControlState {
    return this.#state;
  }

  get changes(): readonly Change[] {
    return this.#changes;
  }

  /** Of each scenario, as the configuration has it. */
  get mixes(): ReadonlyMap<string, EntryMix> {
    return new Map([...this.#scenarios].map(([name, { mix }]) => [name, mix]));
  }

  /** What metrics, status and events tell of it now. */
  get reading(): SteeringReading {
    const { revision, killSwitch, scenarios } = this.#state;
    return {
      revision,
      isKilled: killSwitch !== null,
      scenarios: Object.entries(scenarios).map(([name, { overrides, pauses }]) => ({
        name,
        overrides: overrides.length,
        pauses: pauses.length,
        lastOverrideUnixMs: this.#lastOverrideUnixMs.get(name) ?? 0,
        lastPauseUnixMs: this.#lastPauseUnixMs.get(name) ?? 0,
      })),
      orders: [...this.#orders.values()],
      stateFile: this.#ports.store?.reading ?? NO_STATE_FILE,
    };
  }

  async order(order: Order, by: OrderedBy, options: OrderOptions = {}): Promise<OrderAnswer> {
    const { isDryRun = false, ifRevision = null } = options;
    this.#expireDue();
    const { revision } = this.#state;
    if (ifRevision !== null && ifRevision !== revision) return { refused: "outdated", revision };
    const facts = this.#facts();
    const answer = reduce(this.#state, order, by, facts);
    if ("refused" in answer) return answer;
    const done = this.#doneBy(answer, facts, isDryRun);
    if (!isDryRun) await this.#follow(answer, facts);
    return done;
  }

  /**
   * Goes on from another beginning: the engines have begun, or another plan has taken over. Elapsed time starts anew.
   *
   * @param isNews false when what is steered is as it was, so that its revision stays
   */
  carryOn({ state, scenarios, changes }: CarriedOn, limits: Ceilings, isNews: boolean): void {
    this.#state = isNews ? { ...state, revision: state.revision + 1 } : state;
    this.#limits = limits;
    this.#scenarios = new Map(
      [...scenarios].map(([name, facts]) => [name, { ...facts, isOver: false }]),
    );
    this.#startedMs.clear();
    for (const change of changes) {
      this.#remember(change);
      for (const listener of this.#listeners) listener(change);
    }
    void this.#ports.store?.save(this.#state);
    this.#wakeForExpiry();
  }

  /**
   * Where everything is at a moment from which on another plan takes over, times relative to it: each regime begins
   * there.
   */
  stateAt(atMs: number): ControlState {
    const facts = this.#facts();
    const passed = letPass(this.#state, facts, atMs);
    const scenarios: Record<string, ScenarioControl> = {};
    for (const [name, { planned, mix }] of passed.scenarios) {
      const control = passed.state.scenarios[name]!;
      const planMs = planned?.timeline.planMsAt(atMs) ?? planMsAt(control.regime, atMs);
      const regime = regimeOf(control, passed.state.killSwitch !== null, mix, atMs, { planMs });
      const startsBefore = planned?.timeline.startsBy(atMs) ?? control.startsBefore;
      scenarios[name] = later({ ...control, regime, startsBefore }, -atMs);
    }
    return { ...passed.state, scenarios };
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Nothing undoes itself any more. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#listeners.clear();
  }

  #facts(): Facts {
    const { nowMs: now, unixMs, isOver, newId, store } = this.#ports;
    const nowMs = now();
    const overNow = (name: string) =>
      nowMs - (this.#startedMs.get(name) ?? -Infinity) > STARTING_MS && isOver(name);
    return {
      nowMs,
      atMs: nowMs + (store === null ? LEAD_MS : LEAD_WITH_DISK_MS),
      unixMs: unixMs(nowMs),
      newId,
      limits: this.#limits,
      changes: this.#changes,
      scenarios: new Map(
        [...this.#scenarios].map(([name, each]) => [name, { ...each, isOver: overNow(name) }]),
      ),
    };
  }

  /** Makes what was accepted the state, and tells everybody. Resolves when the engines have been told. */
  #follow({ state, change, effects }: Accepted, { nowMs, atMs }: Facts): Promise<unknown> {
    const { store, send } = this.#ports;
    this.#state = state;
    this.#scenarios = follow(this.#scenarios, state);
    this.#remember(change);
    for (const effect of effects) {
      if (effect.kind === "regime" && effect.isStart) this.#startedMs.set(effect.scenario, nowMs);
    }
    this.#wakeForExpiry();
    const saved = store?.save(state) ?? Promise.resolve();
    // The engines hear of changes in their order, whichever was on disk first.
    this.#sent = Promise.all([this.#sent, atMost(saved, DISK_MS)]).then(() => send(effects, atMs));
    for (const listener of this.#listeners) listener(change);
    // Who orders may rely on it when he is answered: it survives, unless the disk hangs.
    return Promise.all([this.#sent, atMost(saved, ANSWER_MS)]);
  }

  #remember(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length > MOST_CHANGES) this.#changes.shift();
    this.#count(change.kind, change.actor, 1);
    const { kind, scenario, unixMs } = change;
    if (scenario !== null && (kind === "override" || kind === "undo")) {
      this.#lastOverrideUnixMs.set(scenario, unixMs);
    }
    if (scenario !== null && (kind === "pause" || kind === "resume")) {
      this.#lastPauseUnixMs.set(scenario, unixMs);
    }
  }

  #count(kind: OrderKind, actor: Actor, count: number): void {
    const before = this.#orders.get(`${kind} ${actor}`)?.count ?? 0;
    this.#orders.set(`${kind} ${actor}`, { kind, actor, count: before + count });
  }

  #expireDue(): void {
    for (;;) {
      const facts = this.#facts();
      const ended = expire(this.#state, facts);
      if (ended === null) return;
      void this.#follow(ended, facts);
    }
  }

  #wakeForExpiry(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const nextMs = nextExpiryMs(this.#state);
    if (nextMs === Infinity) return;
    const leftMs = Math.ceil(nextMs - this.#facts().atMs);
    this.#timer = setTimeout(
      () => {
        this.#expireDue();
        this.#wakeForExpiry();
      },
      Math.min(LOOK_MS, Math.max(1, leftMs)),
    );
    this.#timer.unref();
  }

  #doneBy({ state, change, effects }: Accepted, facts: Facts, isDryRun: boolean): OrderDone {
    const { scenario, id, revision, unixMs } = change;
    const { atMs, nowMs } = facts;
    const steered = scenario === null ? undefined : facts.scenarios.get(scenario);
    const isStart = effects.some((effect) => effect.kind === "regime" && effect.isStart);
    const now = steered === undefined ? null : { ...steered, isOver: steered.isOver && !isStart };
    return {
      ...{ revision, id, scenario, isDryRun },
      state: now === null ? null : stateWord(state, scenario!, now, atMs),
      effectiveAt: new Date(unixMs + atMs - nowMs).toISOString(),
      impact: this.#impactOf(state, scenario, facts),
    };
  }

  /** Of an order to all: all scenarios' starts together, and nothing of the workers, who may be different ones. */
  #impactOf(after: ControlState, scenario: string | null, facts: Facts): Impact | null {
    const names = scenario === null ? Object.keys(after.scenarios) : [scenario];
    const impacts = names.flatMap((name) => {
      const { usersAtMost = null } = facts.scenarios.get(name) ?? {};
      // What users start, the workers decide.
      if (usersAtMost !== null || isSameRate(this.#state, after, name)) return [];
      const [from, to] = [this.#state, after].map(
        (state) =>
          letPass(state, facts, facts.atMs + IMPACT_MS).scenarios.get(name)?.planned?.timeline,
      );
      if (!from || !to) return [];
      const capacity = scenario === null ? null : this.#ports.capacityOf(name);
      return [impactOf(from, to, facts.atMs, capacity)];
    });
    if (impacts.length <= 1) return impacts[0] ?? null;
    return {
      startsDifference: impacts.reduce((sum, each) => sum + each.startsDifference, 0),
      overSeconds: Math.max(...impacts.map((each) => each.overSeconds)),
      workers: null,
    };
  }
}

function isSameRate(before: ControlState, after: ControlState, name: string): boolean {
  const [from, to] = [before, after].map(({ scenarios }) => ({
    ...scenarios[name]!.regime,
    weights: null,
  }));
  return isSameRegime(from!, to!);
}

/** Resolves with the promise, or after so long without it. */
async function atMost(promise: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, patience]);
  clearTimeout(timer);
}
