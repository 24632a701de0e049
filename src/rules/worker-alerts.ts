import { METRICS, metric } from "../exposition/metrics.js";
import { by, JOB, last, lines, maxBy, sumBy } from "./promql.js";
import { PHASE_COUNT, PHASE_SUM, PREFETCH_PER_PLACE } from "./recordings/records.js";
import type { Alert } from "./rule.js";

/** Alerts about the workers, as the daemon's observer knows them. */
export function workerAlerts(): Alert[] {
  return [workersNotConsuming, noWorkers, noConsumers, workerLost, prefetchDrift, clockUncertain];
}

/**
 * That tasks have timed out says that it is not only their length: they had as much time as they get.
 * A late result would show that somebody still works.
 */
const workersNotConsuming: Alert = {
  name: "WorkersNotConsuming",
  severity: "critical",
  for: "2m",
  expr: lines(
    `${sumBy("scenario", `increase(${metric(METRICS.outcomes)}{outcome=~"timed_out|unknown"}[5m])`)} > 0`,
    `and ${sumBy("scenario", `increase(${metric(METRICS.outcomes)}{outcome=~"succeeded|failed|revoked"}[5m])`)}`,
    `+ ${sumBy("scenario", `increase(${metric(METRICS.late)}[5m])`)} == 0`,
  ),
  summary: "Not one result of scenario {{ $labels.scenario }} has come for 5 minutes.",
  description:
    'Its tasks time out: {{ $value | printf "%.0f" }} in 5 minutes. No worker consumes its queues, or results do not reach the backend.',
  dashboard: "correlation",
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
    `${maxBy("connection", `last_over_time(${metric(METRICS.workerUp)}[1h])`)} == 0`,
    `unless ${maxBy("connection", `max_over_time(${metric(METRICS.workerUp)}[2m])`)} > 0`,
    `and on (${JOB}) ${sumBy("", last(metric(METRICS.targetRate)))} != 0`,
  ),
  summary: "No worker of connection {{ $labels.connection }} is up.",
  description: "Tasks are sent, and nobody is there to run them.",
  dashboard: "correlation",
};

const noConsumers: Alert = {
  name: "NoConsumers",
  severity: "critical",
  for: "1m",
  expr: lines(
    `${maxBy("queue", `max_over_time(${metric(METRICS.queueConsumers)}[2m])`)} == 0`,
    `and ${sumBy("queue", `increase(${metric(METRICS.published)}[5m])`)} > 0`,
  ),
  summary: "No worker consumes queue {{ $labels.queue }}.",
  description: "Tasks are sent to it, and stay there until they expire.",
  dashboard: "correlation",
};

const workerLost: Alert = {
  name: "WorkerLost",
  severity: "warning",
  for: "1m",
  expr: lines(
    `${maxBy("connection, worker", `max_over_time(${metric(METRICS.workerUp)}[3m])`)} == 0`,
    `and on (${by("connection")}) ${maxBy("connection", last(metric(METRICS.workerUp)))} > 0`,
  ),
  summary: "Worker {{ $labels.worker }} is gone.",
  description:
    "It has not given a sign of life for 3 minutes; others of connection {{ $labels.connection }} do.",
  dashboard: "correlation",
};

/**
 * Against the least of a day. Not for workers that have started within it: they may have been given another
 * prefetch multiplier.
 */
const prefetchDrift: Alert = {
  name: "PrefetchDrift",
  severity: "warning",
  for: "1h",
  expr: lines(
    `min_over_time(${PREFETCH_PER_PLACE}[15m]) / min_over_time(${PREFETCH_PER_PLACE}[1d]) > 2`,
    `unless on (${by("connection, worker")}) ${maxBy("connection, worker", `resets(${metric(METRICS.workerProcessed)}[1d])`)} > 0`,
  ),
  summary: "Worker {{ $labels.worker }} hoards more and more tasks.",
  description:
    'It may hold {{ $value | printf "%.1f" }} times as many unacknowledged messages as within the last day, for each task that it can run. What it holds, no other worker can take, and no queue length shows.',
  dashboard: "soak",
};

/** Below this nobody minds how a wait is split. */
const SHORT_WAIT_SECONDS = 0.1;

const clockUncertain: Alert = {
  name: "ClockUncertain",
  severity: "info",
  for: "30m",
  expr: lines(
    `${maxBy("connection, worker", last(metric(METRICS.workerClockUncertainty)))}`,
    `> on (${JOB}) group_left () 0.1 * (${meanWait("30m")} > ${SHORT_WAIT_SECONDS})`,
  ),
  summary: "The clock of worker {{ $labels.worker }} is not known well enough.",
  description:
    "It may be off by {{ $value | humanizeDuration }} either way, over a tenth of the time that tasks wait in the queue. The split of its tasks' time between queue, run and delivery is that uncertain; their latency is not touched.",
  dashboard: "correlation",
};

function meanWait(window: string): string {
  const sum = (rate: string) => sumBy("", `avg_over_time(${rate}{phase="queue"}[${window}])`);
  return `${sum(PHASE_SUM)} / ${sum(PHASE_COUNT)}`;
}
