import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { scenarioStates, targetAndAchieved } from "../overview/state.js";
import { lines, stackedBars, stateBands } from "../panels.js";
import { aggregate, inInterval, ofScenario, ofSlo, ofTask, perSecond } from "../promql.js";

/** What ran when, and which hours have cost the error budget. */
export function stagePanels(): Builder<Panel>[] {
  return [targetAndAchieved(), scenarioStates(), stages(), budgetByHour(), notSucceeded()];
}

function stages(): Builder<Panel> {
  return stateBands({
    title: "Stages over time",
    description:
      "A band for each stage of a profile, filled while it was the current one. Healthy: the steps that you planned, each as long as planned, again and again where they repeat. Read a change in any panel below against these: only equal stages can be compared.",
    unit: "none",
    width: 12,
    height: 6,
    queries: [
      {
        expr: aggregate("max", "scenario, stage", `${ofScenario(METRICS.stageInfo)} == 1`),
        legend: "{{scenario}} {{stage}}",
      },
    ],
    states: { "1": ["current", "blue"] },
  });
}

function budgetByHour(): Builder<Panel> {
  const bad = aggregate("sum", "slo", inInterval("increase", ofSlo(METRICS.sloBadEvents)));
  // The whole range's events, so that every bar has the same measure.
  const events = aggregate("sum", "slo", `increase(${ofSlo(METRICS.sloEvents)}[$__range] @ end())`);
  const budget = `(1 - ${aggregate("max", "slo", ofSlo(METRICS.sloObjective))})`;
  return stackedBars({
    title: "Error budget spent, by hour",
    description:
      "The share of the time range's whole error budget that each hour (or longer step) has spent; the bars of one SLO add up to what is spent of it. Healthy: low and even, together below 100 %. One high bar is an incident, its hour says which; even bars that are too high are an objective that this system does not keep.",
    unit: "percentunit",
    width: 12,
    height: 8,
    queries: [
      {
        expr: `${bad} / (${events} > 0) / ${budget}`,
        legend: "{{slo}}",
      },
    ],
  }).interval("1h");
}

function notSucceeded(): Builder<Panel> {
  const bad = perSecond("task", ofTask(METRICS.outcomes, 'outcome!="succeeded"'));
  const all = perSecond("task", ofTask(METRICS.outcomes));
  return lines({
    title: "Share of tasks that did not succeed",
    description:
      "Outcomes other than succeeded divided by all outcomes, by task. Healthy: 0, or the ratio that the task is built to have, for the whole test. A share that climbs over days is the kind of fault that a short test does not find.",
    unit: "percentunit",
    width: 12,
    height: 8,
    queries: [{ expr: `${bad} / (${all} > 0)`, legend: "{{task}}" }],
  });
}
