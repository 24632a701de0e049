import { type Config, measuredName } from "../config/schema.js";
import type { ThresholdPlan } from "../diagnosis/threshold-watch.js";

/** Whom each threshold is about, by the numbers of the ledger: starts of the mixes, in the order of the plan's entries. */
export function planThresholds(config: Config): ThresholdPlan[] {
  const scenarioNames = Object.keys(config.scenarios);
  const starts = Object.values(config.scenarios).flatMap(({ mix }, scenario) =>
    Object.keys(mix).map((key) => ({ key, scenario })),
  );
  return config.thresholds.map(({ of: { kind, name }, text, abort, afterMs, ...rule }) => {
    const isMeant = ({ key, scenario }: (typeof starts)[number]) =>
      kind === "all" ||
      (kind !== "scenario" && (key === name || measuredName(key, config.tasks[key]!) === name)) ||
      (kind !== "task" && scenarioNames[scenario] === name);
    const entries = [...starts.keys()].filter((entry) => isMeant(starts[entry]!));
    const scenarios = [...new Set(entries.map((entry) => starts[entry]!.scenario))];
    const { measure, comparison, limit } = rule;
    return { text, measure, comparison, limit, abort, afterMs, entries, scenarios };
  });
}
