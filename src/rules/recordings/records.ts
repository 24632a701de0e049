/*
 * The names of all recording rules, for those who read them: alerts, dashboards, and other rules.
 */

/** Bad events per event, over a window. */
export function errorRatio(window: string): string {
  return `slo:celery_load_slo_errors_per_events:ratio_rate${window}`;
}

/** Share of events that may be bad. */
export const ERROR_BUDGET = "slo:celery_load_error_budget:ratio";
/** Share of the budget of the SLO's window that is left; below 0 it is spent. */
export const BUDGET_LEFT = "slo:celery_load_error_budget_left:ratio";
/** Share of the events of an hour that do not count, the warm-up not among them. */
export const EXCLUDED_RATIO = "slo:celery_load_slo_excluded_per_events:ratio_rate1h";

/** Events and bad ones a second: what the ranges of days are summed from. */
export const EVENTS_RATE = "slo:celery_load_slo_events:rate5m";
export const BAD_RATE = "slo:celery_load_slo_bad_events:rate5m";

/** A quantile of the latency over five minutes, by scenario and task. */
export function latencyQuantile(percent: 50 | 95 | 99): string {
  return `celery_load:task_latency_seconds:p${percent}_5m`;
}

/** Time that tasks spent in a phase, and how many they were, each a second. */
export const PHASE_SUM = "celery_load:task_phase_seconds_sum:rate5m";
export const PHASE_COUNT = "celery_load:task_phase_seconds_count:rate5m";
export const PHASE_MEAN = "celery_load:task_phase_seconds:mean5m";

/** How many messages a worker may hold for each that it can run at a time. */
export const PREFETCH_PER_PLACE = "celery_load:worker_prefetch_limit:per_place";

/** The workers' and the broker's side of the traffic, from whoever exposes it; each rule says what it is. */
export const SIDES_RECORDS = {
  sourcePresent: "celery_load:source_present",
  sourceSeen: "celery_load:source_seen:ratio",
  sourceNameless: "celery_load:source_nameless:ratio",
  sourceState: "celery_load:source_state",
  tasksEnded: "celery_load:tasks_ended:rate5m",
  queueReadyBySource: "celery_load:queue_ready:by_source",
  queueReady: "celery_load:queue_ready",
  queueUnackedBySource: "celery_load:queue_unacked:by_source",
  queueConsumersBySource: "celery_load:queue_consumers:by_source",
  workersUpBySource: "celery_load:workers_up:by_source",
  workerBusyBySource: "celery_load:worker_busy:by_source",
  workerBusy: "celery_load:worker_busy:ratio",
  workerRunP95: "celery_load:worker_run_seconds:p95_5m",
} as const;

export type SidesRecord = (typeof SIDES_RECORDS)[keyof typeof SIDES_RECORDS];
