import type { Accepted, Answer, Change, Effect } from "./answer.js";
import type { ControlState, ScenarioControl } from "./control-state.js";
import type { Facts } from "./facts.js";
import type { Order, OrderedBy } from "./order.js";
import { refusalOf } from "./order-faults.js";
import { orderText } from "./order-text.js";
import { isSameRegime, type Moved, regimeOf } from "./regime-of.js";
import { scenarioStep } from "./scenario-orders.js";
import { conflict, type Move, type Step } from "./step.js";
import { undoStep } from "./undo.js";

/**
 * The one way of every change: an order is refused, and nothing has changed, or it is a new state, what is to be done
 * for it, and a line for the log. Pure.
 */
export function reduce(state: ControlState, order: Order, by: OrderedBy, facts: Facts): Answer {
  const refusal = refusalOf(order, facts);
  if (refusal !== null) return refusal;
  switch (order.kind) {
    case "stop-all":
      return stopAll(state, order, by, facts);
    case "release":
      return release(state, order, by, facts);
    case "undo": {
      const { scenario, step } = undoStep(state, order.id, by.actor, facts);
      return answerOf(state, order, scenario, step, by, facts);
    }
    default: {
      const step = scenarioStep(order, by, {
        facts,
        isKilled: state.killSwitch !== null,
        control: state.scenarios[order.scenario]!,
        scenario: facts.scenarios.get(order.scenario)!,
      });
      return answerOf(state, order, order.scenario, step, by, facts);
    }
  }
}

/** Puts what became of one scenario into the state. */
function answerOf(
  state: ControlState,
  { kind }: Order,
  scenario: string,
  step: Step,
  by: OrderedBy,
  facts: Facts,
): Answer {
  if ("refused" in step) return step;
  const { id, text, ...move } = step;
  const { control, effects } = moved(state, scenario, move, facts);
  const after = { ...state, scenarios: { ...state.scenarios, [scenario]: control } };
  return accepted(after, { id, kind, scenario, text }, effects, by, facts);
}

function stopAll(
  state: ControlState,
  order: Extract<Order, { kind: "stop-all" }>,
  by: OrderedBy,
  facts: Facts,
): Answer {
  if (state.killSwitch !== null && !order.revoke) {
    return conflict("", "The kill switch is on already: nothing starts until release.");
  }
  // A second one with `revoke` keeps the first one's latch and withdraws what is in flight.
  const killSwitch = state.killSwitch ?? {
    id: facts.newId(),
    sinceUnixMs: facts.unixMs,
    actor: by.actor,
    reason: by.reason,
  };
  const all = moveAll({ ...state, killSwitch }, facts);
  const effects: Effect[] = order.revoke ? [...all.effects, { kind: "revoke" }] : all.effects;
  const change = { id: killSwitch.id, kind: order.kind, scenario: null, text: orderText(order) };
  return accepted(all.state, change, effects, by, facts);
}

function release(
  state: ControlState,
  order: Extract<Order, { kind: "release" }>,
  by: OrderedBy,
  facts: Facts,
): Answer {
  if (state.killSwitch === null) return conflict("", "The kill switch is not on.");
  const all = moveAll({ ...state, killSwitch: null }, facts);
  const change = { id: facts.newId(), kind: order.kind, scenario: null, text: orderText(order) };
  return accepted(all.state, change, all.effects, by, facts);
}

/** Every scenario after a change that concerns all. */
function moveAll(state: ControlState, facts: Facts): { state: ControlState; effects: Effect[] } {
  const scenarios: Record<string, ScenarioControl> = {};
  const effects: Effect[] = [];
  for (const [name, control] of Object.entries(state.scenarios)) {
    const next = moved(state, name, { control }, facts);
    scenarios[name] = next.control;
    effects.push(...next.effects);
  }
  return { state: { ...state, scenarios }, effects };
}

/** A scenario with the regime that now follows, and what its engine is told; nothing, when it goes on as it did. */
function moved(
  state: ControlState,
  name: string,
  { control, isStart = false, ...move }: Moved & Pick<Move, "control" | "isStart">,
  { scenarios, atMs }: Facts,
): { control: ScenarioControl; effects: readonly Effect[] } {
  const before = state.scenarios[name]!;
  const { planned, mix } = scenarios.get(name)!;
  const regime = regimeOf(control, state.killSwitch !== null, mix, atMs, move);
  const isStop = control.isStopped && !before.isStopped;
  if (!isStart && !isStop && isSameRegime(before.regime, regime)) return { control, effects: [] };
  const after = {
    ...control,
    regime,
    startsBefore: planned?.timeline.startsBy(atMs) ?? control.startsBefore,
    bursts: control.bursts.filter(({ untilMs }) => untilMs > atMs),
  };
  const effect: Effect = isStop
    ? { kind: "stop", scenario: name, regime }
    : { kind: "regime", scenario: name, regime, isStart };
  // The engine of what is stopped hears of nothing but its start, which says all. One that has ended is told, for it
  // may have been started a moment ago.
  const isHeard = isStart || !before.isStopped;
  return { control: after, effects: isHeard ? [effect] : [] };
}

function accepted(
  state: ControlState,
  change: Pick<Change, "id" | "kind" | "scenario" | "text">,
  effects: readonly Effect[],
  { actor, reason }: OrderedBy,
  { unixMs }: Facts,
): Accepted {
  const revision = state.revision + 1;
  return {
    state: { ...state, revision },
    change: { ...change, revision, actor, reason, unixMs },
    effects,
  };
}
