import type { Config } from "../config/schema.js";
import type { EntryPlan, SloPlan } from "../engine/messages.js";
import type { Subject } from "../readings/subject.js";

/** A row of the ledger for each pair of an SLO and a start that it is about, and what the rows are called. */
export function planSlos(
  config: Config,
  starts: readonly EntryPlan[],
): { readonly plans: readonly SloPlan[]; readonly subjects: Subject["slos"] } {
  const scenarioNames = Object.keys(config.scenarios);
  const plans: SloPlan[] = [];
  const subjects = config.slos.map(({ scenario, task, ...slo }) => {
    const own = [...starts.entries()].filter(
      ([, start]) =>
        (scenario === null || scenarioNames[start.scenario] === scenario) &&
        (task === null || start.name === task),
    );
    const { latencyMs } = slo;
    return {
      ...slo,
      rows: own.map(([entry]) => ({ row: plans.push({ entry, latencyMs }) - 1, entry })),
    };
  });
  return { plans, subjects };
}
