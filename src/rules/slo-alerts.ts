import { METRICS, metric } from "../exposition/metrics.js";
import { BURN_RATES, type BurnRate, LEAST_BAD_EVENTS } from "../slo/burn-rates.js";
import { MAX_EXCLUDED_RATIO } from "../slo/verdict.js";
import { by, last, lines, sumBy } from "./promql.js";
import {
  BUDGET_LEFT,
  ERROR_BUDGET,
  EXCLUDED_RATIO,
  errorRatio,
  PHASE_COUNT,
  PHASE_SUM,
} from "./recordings/records.js";
import { type Alert, listed } from "./rule.js";

/** Matchers of the alert's own job and SLO, for the queries of its text. */
const OF_THIS_JOB = `cluster=%q,namespace=%q,job=%q`;
const JOB_VALUES = "$labels.cluster $labels.namespace $labels.job";

/** Alerts about the objectives themselves. */
export function sloAlerts(): Alert[] {
  return [...BURN_RATES.map(errorBudgetBurn), exhausted, inconclusive, noEvents];
}

/** The value of the alert is the burn rate over the long window. */
function errorBudgetBurn({ severity, long, short, factor, for: pending }: BurnRate): Alert {
  const bad = `increase(${metric(METRICS.sloBadEvents)}[${long}])`;
  return {
    name: "ErrorBudgetBurn",
    severity,
    labels: { long, short },
    for: pending,
    expr: lines(
      `${errorRatio(long)} / ${ERROR_BUDGET} > ${factor}`,
      `and ${errorRatio(short)} / ${ERROR_BUDGET} > ${factor}`,
      `and ${sumBy("slo", bad)} >= ${LEAST_BAD_EVENTS}`,
    ),
    summary: `SLO {{ $labels.slo }} burns its error budget {{ $value | printf "%.3g" }} times as fast as it may.`,
    description: [
      `At the rate of the last ${long} it would be spent after 1/{{ $value | printf "%.3g" }} of its window.`,
      `Bad events in ${long}: ${whereTheyAre(bad)}`,
      whichSideIsSlow(),
      whatIsExcluded(),
    ].join(" "),
    dashboard: "overview",
  };
}

const exhausted: Alert = {
  name: "ErrorBudgetExhausted",
  severity: "info",
  for: "5m",
  // Exactly spent is not overspent, whatever the last digit of a division says.
  expr: `${BUDGET_LEFT} < -1e-9`,
  summary: "SLO {{ $labels.slo }} has no error budget left.",
  description: `The objective of its window is missed as things stand: {{ $value | humanizePercentage }} of the budget is left. ${whichSideIsSlow()}`,
  dashboard: "overview",
};

const inconclusive: Alert = {
  name: "SLOInconclusive",
  severity: "warning",
  for: "15m",
  expr: `${EXCLUDED_RATIO} > ${MAX_EXCLUDED_RATIO}`,
  summary: "SLO {{ $labels.slo }} is inconclusive: too many events do not count.",
  description: `{{ $value | humanizePercentage }} of the events of an hour are excluded, more than ${MAX_EXCLUDED_RATIO * 100} %, so its burn rate says too little about the system under test. ${whatIsExcluded()}`,
  dashboard: "overview",
};

const noEvents: Alert = {
  name: "SLONoEvents",
  severity: "warning",
  for: "10m",
  expr: lines(
    `${sumBy("slo", `increase(${metric(METRICS.sloEvents)}[30m])`)} == 0`,
    `and ${sumBy(
      "slo",
      lines(
        "",
        `  ${last(metric(METRICS.sloObjective))}`,
        `  * on (${by("instance, scenario, task")}) group_left () increase(${metric(METRICS.planned)}[30m])`,
        "",
      ),
    )} > 0`,
  ),
  summary: "SLO {{ $labels.slo }} has had no event for 30 minutes.",
  description: `Tasks that it is about were planned, but none counts: burn alerts of this SLO cannot fire. ${whatIsExcluded()}`,
  dashboard: "overview",
};

/** The three tasks with most of the bad events. */
function whereTheyAre(bad: string): string {
  const own = bad.replace("[", `{${OF_THIS_JOB},slo=%q}[`);
  const query = `topk(3, sum by (scenario, task) (${own}) > 0)`;
  const each =
    '{{ $each.Value | printf "%.0f" }} of {{ $each.Labels.task }} in {{ $each.Labels.scenario }}';
  return `{{ with printf "${query}" ${JOB_VALUES} $labels.slo | query }}${listed(each)}.{{ end }}`;
}

/** How long the SLO's tasks are in each phase, the longest first. */
function whichSideIsSlow(): string {
  const tasks = `on (scenario, task) last_over_time(${metric(METRICS.sloObjective)}{${OF_THIS_JOB},slo=%q}[5m])`;
  const part = (series: string) => `sum by (phase) (${series}{${OF_THIS_JOB}} and ${tasks})`;
  const query = `sort_desc(${part(PHASE_SUM)} / (${part(PHASE_COUNT)} > 0))`;
  const values = `${JOB_VALUES} ${JOB_VALUES} $labels.slo`;
  const each = "{{ $each.Labels.phase }} {{ $each.Value | humanizeDuration }}";
  return [
    `{{ with printf "${query}" ${values} ${values} | query }}`,
    `A task spends on average: ${listed(each)}`,
    " (dispatch is this daemon, publish the broker, work the queue and the workers;",
    " of work, queue is the waiting and run the running, and delivery the result's way back).",
    "{{ else }}No result has come in the last 5 minutes: it is not known which side is slow.{{ end }}",
  ].join("");
}

/** Empty when nothing is. */
function whatIsExcluded(): string {
  const query = `sum by (reason) (increase(${metric(METRICS.sloExcluded)}{${OF_THIS_JOB},slo=%q}[1h])) > 0`;
  const each = '{{ $each.Value | printf "%.0f" }} {{ $each.Labels.reason }}';
  return `{{ with printf "${query}" ${JOB_VALUES} $labels.slo | query }}Excluded in an hour: ${listed(each)}.{{ end }}`;
}
