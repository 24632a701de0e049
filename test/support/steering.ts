import type { Change, Refusal } from "../../src/control/answer.js";
import type { ControlState, ScenarioControl } from "../../src/control/control-state.js";
import type { Order, OrderedBy } from "../../src/control/order.js";
import type { Reloading } from "../../src/control/reload-port.js";
import type { OrderAnswer, OrderOptions, Steering } from "../../src/control/steering-port.js";
import { firstRegime } from "../../src/plan/regime.js";

const UNTOUCHED: ScenarioControl = {
  regime: firstRegime(0, 0),
  startsBefore: 0,
  isStopped: false,
  pauses: [],
  throttles: [],
  overrides: [],
  bursts: [],
};

/** Orders as the daemon takes them, without a daemon: what they change is kept, and nothing runs. */
export class StandInSteering implements Steering {
  state: ControlState = {
    revision: 0,
    killSwitch: null,
    scenarios: { steady: UNTOUCHED, night: UNTOUCHED },
  };
  readonly changes: Change[] = [];
  /** What was given, dry runs too. */
  readonly given: { order: Order; by: OrderedBy; options: OrderOptions }[] = [];
  /** Awaited by every order. */
  before: () => Promise<void> = async () => {};
  readonly #listeners = new Set<(change: Change) => void>();

  async order(order: Order, by: OrderedBy, options: OrderOptions = {}): Promise<OrderAnswer> {
    this.given.push({ order, by, options });
    await this.before();
    const { revision } = this.state;
    const { ifRevision = null, isDryRun = false } = options;
    if (ifRevision !== null && ifRevision !== revision) return { refused: "outdated", revision };
    const id = `o${revision + 1}`;
    const next = this.#after(order, by, id);
    if ("refused" in next) return next;
    const scenario = "scenario" in order ? order.scenario : null;
    if (!isDryRun) {
      this.state = { ...next, revision: revision + 1 };
      const change: Change = {
        ...{ ...by, id, revision: revision + 1, kind: order.kind, scenario },
        ...{ text: `${order.kind} ${scenario ?? "all"}`, unixMs: 1_800_000_000_000 },
      };
      this.changes.push(change);
      for (const listener of this.#listeners) listener(change);
    }
    return {
      ...{ revision: this.state.revision, id, scenario, isDryRun },
      state: scenario === null ? null : order.kind === "pause" ? "paused" : "running",
      effectiveAt: "2027-01-15T08:00:00.000Z",
      impact: order.kind === "override" ? IMPACT : null,
    };
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #after(order: Order, by: OrderedBy, id: string): ControlState | Refusal {
    const { state } = this;
    const sinceUnixMs = 1_800_000_000_000;
    if (order.kind === "stop-all") return { ...state, killSwitch: { ...by, id, sinceUnixMs } };
    if (order.kind === "release") {
      return state.killSwitch === null
        ? refusal("conflict", "", "the kill switch is not latched")
        : { ...state, killSwitch: null };
    }
    if (order.kind === "undo") return this.#withoutHold(order.id);
    const own = Object.hasOwn(state.scenarios, order.scenario)
      ? state.scenarios[order.scenario]
      : undefined;
    if (own === undefined) {
      const names = Object.keys(state.scenarios).join(", ");
      const message = `there is no scenario "${order.scenario}". Known here: ${names}.`;
      return refusal("unknown", "scenario", message);
    }
    const changed = (part: Partial<ScenarioControl>): ControlState => ({
      ...state,
      scenarios: { ...state.scenarios, [order.scenario]: { ...own, ...part } },
    });
    const held = { ...by, id, sinceUnixMs };
    switch (order.kind) {
      case "pause": {
        const untilMs = order.ttlMs;
        return changed({ pauses: [...own.pauses, { ...held, guard: order.guard, untilMs }] });
      }
      case "resume":
        if (own.pauses.length === 0) return refusal("conflict", "", "it is not paused");
        return changed({ pauses: [] });
      case "override": {
        if (order.to.what === "rate" && order.to.perSecond > 500) {
          return refusal("bad", "rate", "must stay at or below limits.maxRate (500/s)");
        }
        const override = { ...held, to: order.to, fromMs: 0, untilMs: order.ttlMs };
        return changed({ overrides: [...own.overrides, override] });
      }
      case "throttle":
      case "stop":
        return changed({ isStopped: true });
      default:
        return changed({ isStopped: false });
    }
  }

  #withoutHold(id: string): ControlState | Refusal {
    const entries = Object.entries(this.state.scenarios);
    const known = entries.flatMap(([, { pauses, overrides }]) => [...pauses, ...overrides]);
    if (!known.some((each) => each.id === id)) {
      const ids = known.map((each) => each.id).join(", ") || "none";
      return refusal("unknown", "id", `there is no override or pause "${id}". Known here: ${ids}.`);
    }
    const isOther = (each: { readonly id: string }) => each.id !== id;
    const scenarios = entries.map(([name, own]): [string, ScenarioControl] => [
      name,
      {
        ...own,
        pauses: own.pauses.filter(isOther),
        overrides: own.overrides.filter(isOther),
      },
    ]);
    return { ...this.state, scenarios: Object.fromEntries(scenarios) };
  }
}

const IMPACT = {
  startsDifference: 1800,
  overSeconds: 600,
  workers: { capacityPerSecond: 40, expectedBacklog: 6000, drainSeconds: null },
};

function refusal(refused: Refusal["refused"], path: string, message: string): Refusal {
  return { refused, faults: [{ path, message }] };
}

/** A configuration that is right at the first reload and wrong at every other one. */
export class StandInReloading implements Reloading {
  reloads = 0;

  async reload(_by: OrderedBy, { isDryRun = false }: OrderOptions = {}) {
    if (!isDryRun) this.reloads++;
    return this.reloads <= 1
      ? {
          revision: 1,
          changes: [{ path: "scenarios.steady.profile", text: "20/s, now 50/s" }],
          isDryRun,
        }
      : {
          refused: "configuration" as const,
          faults: [
            { place: "load.yml:9:14", message: "Cannot read rate: must be a number per s." },
            { place: "load.yml:12:3", message: "Cannot change connections of a running daemon." },
          ],
        };
  }
}
