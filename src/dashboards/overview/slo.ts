import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { dashed, limits, lines, number, rowsBy, stackedAreas } from "../panels.js";
import { aggregate, grownInRange, ofSlo, perSecond } from "../promql.js";

/** Are the objectives met, how fast is their error budget spent, and does that count? */
export function sloPanels(): Builder<Panel>[] {
  return [sloTable(), budgetLeft(), burnRate(), badRate(), goodShare(), excludedByReason()];
}

const EVENTS = grownInRange("slo", ofSlo(METRICS.sloEvents));
const BAD = grownInRange("slo", ofSlo(METRICS.sloBadEvents));
/** Without the warm-up: it is a wish, and no doubt about what comes after it. */
const EXCLUDED = grownInRange("slo", ofSlo(METRICS.sloExcluded, 'reason!="warmup"'));
/** The share of events that may be bad. */
const BUDGET = `(1 - ${aggregate("max", "slo", ofSlo(METRICS.sloObjective))})`;
const EXCLUDED_SHARE = `${EXCLUDED} / (${EVENTS} + ${EXCLUDED} > 0)`;
const BUDGET_LEFT = `1 - ${BAD} / (${EVENTS} > 0) / ${BUDGET}`;

/** Numbers of the verdicts, as they travel to the table. */
const VERDICTS = {
  "1": ["met", "green"],
  "2": ["missed", "red"],
  "3": ["inconclusive", "orange"],
} as const;

/**
 * The verdict of a run, over the time range of the page: inconclusive when over 5 % is excluded; missed
 * when the budget is spent and ten events were bad; inconclusive when the budget is below ten events.
 */
function verdict(): string {
  return [
    `((${EXCLUDED_SHARE} > 0.05) * 0 + 3)`,
    `((${BAD} > clamp_min(${BUDGET} * ${EVENTS}, 10)) * 0 + 2)`,
    `((${BUDGET} * ${EVENTS} < 10) * 0 + 3)`,
    `(${EVENTS} * 0 + 1)`,
  ].join(" or ");
}

function sloTable(): Builder<Panel> {
  return rowsBy("slo", {
    title: "Objectives in this time range",
    description:
      "One row for each SLO, over the whole time range of the page: choose the SLO's own window to see its budget. Healthy: met, much of the budget left, nothing excluded. Verdict: missed when more than the budget was bad; inconclusive when over 5 % does not count (the daemon itself was at fault) or the budget is below ten events, so that one more or less would decide. A burn of 1 spends the budget exactly in its window.",
    unit: "short",
    width: 18,
    height: 7,
    queries: [
      { expr: verdict(), legend: "verdict" },
      { expr: aggregate("max", "slo", ofSlo(METRICS.sloObjective)), legend: "objective" },
      { expr: `1 - ${BAD} / (${EVENTS} > 0)`, legend: "good" },
      { expr: BUDGET_LEFT, legend: "budget left" },
      { expr: burn("1h"), legend: "burn" },
      { expr: EVENTS, legend: "events" },
      { expr: EXCLUDED_SHARE, legend: "excluded" },
      { expr: aggregate("max", "slo", ofSlo(METRICS.sloWindow)), legend: "window" },
    ],
    columns: {
      slo: { heading: "SLO" },
      "Value #A": { heading: "Verdict", states: VERDICTS, noValue: "no events" },
      "Value #B": { heading: "Objective", unit: "percentunit" },
      "Value #C": { heading: "Good", unit: "percentunit", noValue: "no events" },
      "Value #D": { heading: "Budget left", unit: "percentunit", steps: LEFT, noValue: "–" },
      "Value #E": { heading: "Burn, last hour", unit: "none", steps: BURN, noValue: "–" },
      "Value #F": { heading: "Events", unit: "short" },
      "Value #G": { heading: "Excluded", unit: "percentunit", steps: EXCLUDED_STEPS, noValue: "–" },
      "Value #H": { heading: "Window", unit: "dtdurations" },
    },
    noValue: "no SLO is configured",
  });
}

const LEFT = [
  [null, "red"],
  [0, "orange"],
  [0.25, "green"],
] as const;

/** Burn rates from which a month's budget is at risk: ticket from 1, page from 6 and from 14.4. */
const BURN = [
  [null, "green"],
  [1, "orange"],
  [6, "red"],
] as const;

const EXCLUDED_STEPS = [
  [null, "green"],
  [0.01, "orange"],
  [0.05, "red"],
] as const;

function budgetLeft(): Builder<Panel> {
  return number({
    title: "Smallest budget left",
    description:
      "What is left of the error budget of the SLO that is worst off, if the time range of the page is its window. Healthy: more than the share of the window that is still to come. Below 0 the objective is missed: look at Bad events to see since when, and at Outcomes for what.",
    unit: "percentunit",
    width: 6,
    height: 7,
    queries: [{ expr: `min(${BUDGET_LEFT})`, legend: "left" }],
    steps: LEFT,
    noValue: "no SLO events",
  }).decimals(1);
}

/** How many times faster than its window allows the budget is spent. The windows belong to what a burn rate is. */
function burn(window: "5m" | "1h"): string {
  const bad = aggregate("sum", "slo", `rate(${ofSlo(METRICS.sloBadEvents)}[${window}])`);
  const events = aggregate("sum", "slo", `rate(${ofSlo(METRICS.sloEvents)}[${window}])`);
  return `${bad} / (${events} > 0) / ${BUDGET}`;
}

function burnRate(): Builder<Panel> {
  const panel = lines({
    title: "Burn rate",
    description:
      "How many times faster than allowed the error budget is spent, over the last five minutes and the last hour. Healthy: below 1. Above 1 for days the objective will be missed; above 6 half a day of it costs a tenth of a month's budget; above 14.4 an hour costs 2 %, which is worth a page. The short window shows whether it still goes on.",
    unit: "none",
    width: 12,
    height: 8,
    queries: [
      { expr: burn("5m"), legend: "{{slo}} 5m" },
      { expr: burn("1h"), legend: "{{slo}} 1h" },
    ],
  }).scaleDistribution(
    new common.ScaleDistributionConfigBuilder().type(common.ScaleDistribution.Symlog).log(10),
  );
  return limits(panel, [
    [null, "transparent"],
    [1, "orange"],
    [14.4, "red"],
  ]);
}

function badRate(): Builder<Panel> {
  return stackedAreas({
    title: "Bad events by SLO and task",
    description:
      "Events a second that spend the budget: failed, revoked, timed out, later than the threshold, refused by the broker, or dropped since the workers left no room. Healthy: 0, or a level far below the budget. Look for the start of a step and compare it with the markers of stages and restarts. Not narrowed by the variable Task.",
    unit: "cps",
    width: 12,
    height: 8,
    queries: [
      {
        expr: perSecond("slo, task", ofSlo(METRICS.sloBadEvents)),
        legend: "{{slo}} {{task}}",
      },
    ],
  });
}

function goodShare(): Builder<Panel> {
  const panel = lines({
    title: "Share of good events",
    description:
      "Good events divided by all, at each point in time, and the objective of each SLO as a dashed line. Healthy: above its dashed line. Below it for a moment is what the budget is for; below it for long is a miss.",
    unit: "percentunit",
    width: 12,
    height: 8,
    queries: [
      {
        expr: `1 - ${perSecond("slo", ofSlo(METRICS.sloBadEvents))} / (${perSecond("slo", ofSlo(METRICS.sloEvents))} > 0)`,
        legend: "{{slo}}",
      },
      {
        expr: aggregate("max", "slo", ofSlo(METRICS.sloObjective)),
        legend: "{{slo}} objective",
      },
    ],
  }).axisSoftMax(1);
  return dashed(panel, "/ objective$/");
}

function excludedByReason(): Builder<Panel> {
  return stackedAreas({
    title: "Excluded events by reason",
    description:
      "Starts that count for no SLO. Healthy: none but the warmup at the start. saturated: this daemon was late, so its numbers would accuse the wrong one. stopped: in flight when the daemon stopped. invalid: the message could not be built. Many of these make a verdict inconclusive.",
    unit: "cps",
    width: 12,
    height: 8,
    queries: [
      {
        expr: perSecond("slo, reason", ofSlo(METRICS.sloExcluded)),
        legend: "{{slo}} {{reason}}",
      },
    ],
  });
}
