import { by, JOB, last, lines, maxBy, metric, sumBy } from "./promql.js";
import { latencyQuantile } from "./recordings.js";
import type { Alert } from "./rule.js";

/** Alerts about the load, and about what the workers make of it. */
export function trafficAlerts(): Alert[] {
  return [
    rateNotReached,
    tasksDropped,
    publishFailures,
    duplicateResults,
    workersNotConsuming,
    noWorkers,
    noConsumers,
    workerLost,
    backlogGrowing,
    queueGrowing,
    latencyDrift,
  ];
}

/** Planned starts are exact, whatever the profile does meanwhile: a ramp needs no exception. */
const rateNotReached: Alert = {
  name: "RateNotReached",
  severity: "warning",
  for: "5m",
  expr: lines(
    sumBy("scenario", `increase(${metric("published")}[10m])`),
    `/ (${sumBy("scenario", `increase(${metric("planned")}[10m])`)} > 20)`,
    "< 0.95",
  ),
  summary: "Scenario {{ $labels.scenario }} does not reach its rate.",
  description:
    "Only {{ $value | humanizePercentage }} of the starts that were planned in 10 minutes were published; the load is not what it is meant to be.",
};

const tasksDropped: Alert = {
  name: "TasksDropped",
  severity: "warning",
  for: "5m",
  expr: `${sumBy("scenario, task, reason", `increase(${metric("dropped")}[2m])`)} > 0`,
  summary: "Starts of {{ $labels.task }} are dropped: {{ $labels.reason }}.",
  description:
    '{{ $value | printf "%.0f" }} in 2 minutes, in scenario {{ $labels.scenario }}. in_flight: the workers are too slow for maxInFlight. backpressure, not_connected: the broker. saturated: this daemon.',
};

const publishFailures: Alert = {
  name: "PublishFailures",
  severity: "warning",
  for: "5m",
  expr: `${sumBy("scenario, task, kind", `increase(${metric("publishFailures")}[2m])`)} > 0`,
  summary: "Messages of {{ $labels.task }} are not queued: {{ $labels.kind }}.",
  description:
    '{{ $value | printf "%.0f" }} in 2 minutes, in scenario {{ $labels.scenario }}. The log of the daemon has the broker\'s own words.',
};

const duplicateResults: Alert = {
  name: "DuplicateResults",
  severity: "info",
  for: "0m",
  expr: `${sumBy("scenario, task", `increase(${metric("duplicates")}[1h])`)} > 0`,
  summary: "Tasks of {{ $labels.task }} have ended more than once.",
  description:
    '{{ $value | printf "%.0f" }} further results in an hour, in scenario {{ $labels.scenario }}: the broker delivered messages again, so that workers ran them twice.',
};

/**
 * That tasks have timed out says that it is not only their length: they had as much time as they get.
 * A late result would show that somebody still works.
 */
const workersNotConsuming: Alert = {
  name: "WorkersNotConsuming",
  severity: "critical",
  for: "2m",
  expr: lines(
    `${sumBy("scenario", `increase(${metric("outcomes")}{outcome=~"timed_out|unknown"}[5m])`)} > 0`,
    `and ${sumBy("scenario", `increase(${metric("outcomes")}{outcome=~"succeeded|failed|revoked"}[5m])`)}`,
    `+ ${sumBy("scenario", `increase(${metric("late")}[5m])`)} == 0`,
  ),
  summary: "Not one result of scenario {{ $labels.scenario }} has come for 5 minutes.",
  description:
    'Its tasks time out: {{ $value | printf "%.0f" }} in 5 minutes. No worker consumes its queues, or results do not reach the backend.',
};

/**
 * By the last that was heard of each within the hour: a worker that is gone is told as 0 for half an hour
 * and then not at all, and none is told of while nobody can hear them. One that is away for a moment
 * restarts.
 */
const noWorkers: Alert = {
  name: "NoWorkers",
  severity: "critical",
  for: "1m",
  expr: lines(
    `${maxBy("connection", `last_over_time(${metric("workerUp")}[1h])`)} == 0`,
    `unless ${maxBy("connection", `max_over_time(${metric("workerUp")}[2m])`)} > 0`,
    `and on (${JOB}) ${sumBy("", last(metric("targetRate")))} != 0`,
  ),
  summary: "No worker of connection {{ $labels.connection }} is up.",
  description: "Tasks are sent, and nobody is there to run them.",
};

const noConsumers: Alert = {
  name: "NoConsumers",
  severity: "critical",
  for: "1m",
  expr: lines(
    `${maxBy("queue", `max_over_time(${metric("queueConsumers")}[2m])`)} == 0`,
    `and ${sumBy("queue", `increase(${metric("published")}[5m])`)} > 0`,
  ),
  summary: "No worker consumes queue {{ $labels.queue }}.",
  description: "Tasks are sent to it, and stay there until they expire.",
};

const workerLost: Alert = {
  name: "WorkerLost",
  severity: "warning",
  for: "1m",
  expr: lines(
    `${maxBy("connection, worker", `max_over_time(${metric("workerUp")}[3m])`)} == 0`,
    `and on (${by("connection")}) ${maxBy("connection", last(metric("workerUp")))} > 0`,
  ),
  summary: "Worker {{ $labels.worker }} is gone.",
  description:
    "It has not given a sign of life for 3 minutes; others of connection {{ $labels.connection }} do.",
};

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
    isGrowing(metric("inFlight")),
    `and on (${by("instance, scenario")}) changes(${metric("targetRate")}[15m]) == 0`,
  ),
  summary: "More and more tasks of {{ $labels.task }} wait for their result.",
  description:
    'At a constant rate of scenario {{ $labels.scenario }} they grow by {{ $value | printf "%.0f" }} an hour: the workers do not keep up.',
};

const queueGrowing: Alert = {
  name: "QueueGrowing",
  severity: "warning",
  for: "15m",
  expr: isGrowing(metric("queueLength")),
  summary: "Queue {{ $labels.queue }} grows.",
  description:
    'It gets {{ $value | printf "%.0f" }} messages an hour more than the workers of connection {{ $labels.connection }} take out.',
};

/** Only where the same load was on it a day before, and not for differences that nobody feels. */
const latencyDrift: Alert = (() => {
  const p99 = latencyQuantile(99);
  const today = `avg_over_time(${p99}[1h])`;
  const yesterday = `avg_over_time(${p99}[1h] offset 1d)`;
  const target = (offset: string) =>
    sumBy("scenario", `avg_over_time(${metric("targetRate")}[1h]${offset})`);
  return {
    name: "LatencyDrift",
    severity: "warning",
    for: "1h",
    expr: lines(
      `${today} / ${yesterday} > 1.25`,
      `and ${today} - ${yesterday} > 0.05`,
      `and on (${by("scenario")}) abs(${target("")} / ${target(" offset 1d")} - 1) < 0.05`,
    ),
    summary: "{{ $labels.task }} is slower than a day ago at the same load.",
    description:
      'The 99th percentile of its latency is {{ $value | printf "%.2f" }} times what it was, in scenario {{ $labels.scenario }}.',
  };
})();
