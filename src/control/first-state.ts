import type { Regime } from "../plan/regime.js";
import type { ControlState, ScenarioControl } from "./control-state.js";

/** Nothing was ordered: the scenarios by name, each with how it begins. */
export function firstState(first: ReadonlyMap<string, Regime>): ControlState {
  const scenarios = [...first].map(([name, regime]) => [name, firstControl(regime)] as const);
  return { revision: 0, killSwitch: null, scenarios: Object.fromEntries(scenarios) };
}

/** A scenario of which nothing was ordered. */
export function firstControl(regime: Regime): ScenarioControl {
  return {
    ...{ regime, startsBefore: 0, isStopped: false },
    ...{ pauses: [], throttles: [], overrides: [], bursts: [] },
  };
}
