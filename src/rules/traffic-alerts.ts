import { METRICS, metric } from "../exposition/metrics.js";
import { WRONG_ANSWER } from "../readings/label-values.js";
import { by, last, lines, sumBy } from "./promql.js";
import type { Alert } from "./rule.js";

/** Alerts about the load, and about how much of it is left undone. */
export function trafficAlerts(): Alert[] {
  return [
    rateNotReached,
    tasksDropped,
    publishFailures,
    duplicateResults,
    wrongAnswers,
    backlogGrowing,
    queueGrowing,
  ];
}

/** Planned starts are exact, whatever the profile does meanwhile: a ramp needs no exception. */
const rateNotReached: Alert = {
  name: "RateNotReached",
  severity: "warning",
  for: "5m",
  expr: lines(
    sumBy("scenario", `increase(${metric(METRICS.published)}[10m])`),
    `/ (${sumBy("scenario", `increase(${metric(METRICS.planned)}[10m])`)} > 20)`,
    "< 0.95",
  ),
  summary: "Scenario {{ $labels.scenario }} does not reach its rate.",
  description:
    "Only {{ $value | humanizePercentage }} of the starts that were planned in 10 minutes were published; the load is not what it is meant to be.",
  dashboard: "tasks",
};

const tasksDropped: Alert = {
  name: "TasksDropped",
  severity: "warning",
  for: "5m",
  expr: `${sumBy("scenario, task, reason", `increase(${metric(METRICS.dropped)}[2m])`)} > 0`,
  summary: "Starts of {{ $labels.task }} are dropped: {{ $labels.reason }}.",
  description:
    '{{ $value | printf "%.0f" }} in 2 minutes, in scenario {{ $labels.scenario }}. in_flight: the workers are too slow for maxInFlight. backpressure, not_connected: the broker. saturated: this daemon.',
  dashboard: "tasks",
};

const publishFailures: Alert = {
  name: "PublishFailures",
  severity: "warning",
  for: "5m",
  expr: `${sumBy("scenario, task, kind", `increase(${metric(METRICS.publishFailures)}[2m])`)} > 0`,
  summary: "Messages of {{ $labels.task }} are not queued: {{ $labels.kind }}.",
  description:
    '{{ $value | printf "%.0f" }} in 2 minutes, in scenario {{ $labels.scenario }}. The log of the daemon has the broker\'s own words.',
  dashboard: "tasks",
};

const duplicateResults: Alert = {
  name: "DuplicateResults",
  severity: "info",
  for: "0m",
  expr: `${sumBy("scenario, task", `increase(${metric(METRICS.duplicates)}[1h])`)} > 0`,
  summary: "Tasks of {{ $labels.task }} have ended more than once.",
  description:
    '{{ $value | printf "%.0f" }} further results in an hour, in scenario {{ $labels.scenario }}: the broker delivered messages again, so that workers ran them twice.',
  dashboard: "tasks",
};

/** The series is there from the first wrong answer on, which no increase shows. */
const wrongAnswers: Alert = (() => {
  const wrong = `${metric(METRICS.errors)}{exception="${WRONG_ANSWER}"}`;
  const isNew = `${last(wrong)} unless ${wrong} offset 15m`;
  return {
    name: "WrongAnswers",
    severity: "warning",
    for: "0m",
    expr: lines(
      `${sumBy("scenario, task", `increase(${wrong}[15m])`)} > 0`,
      `or ${sumBy("scenario, task", isNew)} > 0`,
    ),
    summary: "Tasks of {{ $labels.task }} succeed with a wrong answer.",
    description:
      '{{ $value | printf "%.0f" }} in a quarter of an hour returned something else than their expect says, in scenario {{ $labels.scenario }}. Workers that run other code than the rest do so, or share their state wrongly.',
    dashboard: "tasks",
  };
})();

/**
 * More than a few, with a clear trend by which they would double within an hour. Noise around a constant
 * makes a slope, too, but not one that over the window is twice the standard deviation.
 */
function isGrowing(series: string): string {
  return lines(
    `deriv(${series}[15m]) * 3600 > (min_over_time(${series}[15m]) > 10)`,
    `and deriv(${series}[15m]) * 900 > 2 * stddev_over_time(${series}[15m])`,
  );
}

const backlogGrowing: Alert = {
  name: "BacklogGrowing",
  severity: "warning",
  for: "15m",
  expr: lines(
    isGrowing(metric(METRICS.inFlight)),
    `and on (${by("instance, scenario")}) changes(${metric(METRICS.targetRate)}[15m]) == 0`,
  ),
  summary: "More and more tasks of {{ $labels.task }} wait for their result.",
  description:
    'At a constant rate of scenario {{ $labels.scenario }} they grow by {{ $value | printf "%.0f" }} an hour: the workers do not keep up.',
  dashboard: "tasks",
};

const queueGrowing: Alert = {
  name: "QueueGrowing",
  severity: "warning",
  for: "15m",
  expr: isGrowing(metric(METRICS.queueLength)),
  summary: "Queue {{ $labels.queue }} grows.",
  description:
    'It gets {{ $value | printf "%.0f" }} messages an hour more than the workers of connection {{ $labels.connection }} take out.',
  dashboard: "correlation",
};
