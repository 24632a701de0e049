import type { ControlState } from "./control-state.js";
import type { ScenarioFacts } from "./facts.js";
import { planMsAt } from "./regime-of.js";

/** What a scenario does at an elapsed time, in a word of `scenario_state`, as far as it was ordered. */
export function stateWord(
  state: ControlState,
  name: string,
  { isOver, warmupMs }: ScenarioFacts,
  atMs: number,
): string {
  const { regime, isStopped } = state.scenarios[name]!;
  if (isStopped || isOver) return "stopped";
  if (regime.isPaused) return "paused";
  const planMs = planMsAt(regime, atMs);
  if (planMs < 0) return "waiting";
  return planMs < warmupMs ? "warming" : "running";
}
