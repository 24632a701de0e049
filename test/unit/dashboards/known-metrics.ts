/**
 * Every metric that the daemon exposes in this version, by its full name. A histogram stands for its
 * `_bucket`, `_sum` and `_count` series too. `process_*` and `nodejs_*` come from prom-client.
 */
export const KNOWN_METRICS: ReadonlyMap<string, "counter" | "gauge" | "histogram"> = new Map([
  ...named("counter", [
    "tasks_planned_total",
    "tasks_published_total",
    "tasks_dropped_total",
    "publish_failures_total",
    "task_outcomes_total",
    "task_errors_total",
    "task_retries_total",
    "late_results_total",
    "duplicate_results_total",
    "results_recovered_total",
    "reconnects_total",
    "broker_data_loss_total",
    "malformed_messages_total",
    "series_folded_total",
  ]),
  ...named("gauge", [
    "tasks_publishing",
    "tasks_in_flight",
    "target_rate",
    "scenario_state",
    "stage_info",
    "stage_remaining_seconds",
    "connection_up",
    "generator_saturated",
    "event_loop_utilization",
    "dispatch_lag_seconds",
    "last_change_timestamp_seconds",
    "config_info",
    "build_info",
  ]),
  ...named("histogram", ["task_latency_seconds", "task_phase_seconds"]),
  ["process_cpu_seconds_total", "counter"],
  ["process_resident_memory_bytes", "gauge"],
  ["process_start_time_seconds", "gauge"],
]);

function named<Type extends string>(type: Type, names: readonly string[]): [string, Type][] {
  return names.map((name) => [`celery_load_${name}`, type]);
}
