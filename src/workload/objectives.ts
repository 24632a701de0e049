import { type ConfigIssue, unfit } from "../config/faults/config-issue.js";
import type { Config } from "../config/schema.js";
import type { EntryPlan, SloPlan } from "../engine/messages.js";
import type { Subject } from "../readings/subject.js";

/** Pairs of an SLO and a start that it is about, at most: each is counted by itself. */
const MAX_PAIRS = 100_000;

/** A row of the ledger for each pair of an SLO and a start that it is about, and what the rows are called. */
export function planSlos(
  config: Config,
  starts: readonly EntryPlan[],
):
  | { readonly plans: readonly SloPlan[]; readonly subjects: Subject["slos"] }
  | { readonly issues: readonly ConfigIssue[] } {
  const scenarioNames = Object.keys(config.scenarios);
  const plans: SloPlan[] = [];
  const subjects: Subject["slos"][number][] = [];
  for (const { scenario, task, ...slo } of config.slos) {
    const rows: Subject["slos"][number]["rows"][number][] = [];
    for (const [entry, start] of starts.entries()) {
      if (scenario !== null && scenarioNames[start.scenario] !== scenario) continue;
      if (task !== null && start.name !== task) continue;
      if (plans.length === MAX_PAIRS) return { issues: [TOO_MANY_PAIRS] };
      rows.push({ row: plans.push({ entry, latencyMs: slo.latencyMs }) - 1, entry });
    }
    subjects.push({ ...slo, rows });
  }
  return { plans, subjects };
}

const TOO_MANY_PAIRS = unfit(
  ["slos"],
  `the objectives are about more than ${MAX_PAIRS.toLocaleString("en-US")} tasks of scenarios, each counted for each`,
  "Use fewer objectives, or name the scenario and the task of each.",
);
