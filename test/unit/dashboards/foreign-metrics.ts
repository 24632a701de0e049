import { correlationRules } from "../../../src/rules/correlation/rules.js";
import type { KnownMetric } from "./known-metrics.js";

/**
 * Metrics that the dashboards take from others, by their full names: of exporters as their
 * documentation and code say (the vectors in test/vectors/exporters hold pages of real ones), of
 * Prometheus itself, and of our recording rules. A histogram stands for its series.
 */
export const FOREIGN_METRICS: ReadonlyMap<string, KnownMetric> = new Map([
  // danihodovic/celery-exporter, with its default prefix
  ...metrics("counter", ["hostname", "name", "queue_name"], ["celery_task_received_total"]),
  ...metrics("histogram", ["hostname", "name", "queue_name"], ["celery_task_runtime"]),
  ...metrics("gauge", ["hostname"], ["celery_worker_up", "celery_worker_tasks_active"]),
  ...metrics(
    "gauge",
    ["queue_name"],
    ["celery_queue_length", "celery_active_worker_count", "celery_active_process_count"],
  ),
  // Flower
  ...metrics("counter", ["worker", "type", "task"], ["flower_events_total"]),
  ...metrics("histogram", ["worker", "task"], ["flower_task_runtime_seconds"]),
  ...metrics("gauge", ["worker"], ["flower_worker_online"]),
  // RabbitMQ: /metrics/detailed, then /metrics
  ...metrics(
    "gauge",
    ["queue", "vhost"],
    [
      "rabbitmq_detailed_queue_messages_ready",
      "rabbitmq_detailed_queue_messages_unacked",
      "rabbitmq_detailed_queue_consumers",
    ],
  ),
  ...metrics(
    "counter",
    ["protocol"],
    [
      "rabbitmq_global_messages_routed_total",
      "rabbitmq_global_messages_unroutable_dropped_total",
      "rabbitmq_global_messages_unroutable_returned_total",
    ],
  ),
  ...metrics(
    "counter",
    ["protocol", "queue_type"],
    ["rabbitmq_global_messages_acknowledged_total", "rabbitmq_global_messages_redelivered_total"],
  ),
  ...metrics(
    "counter",
    ["queue_type", "dead_letter_strategy"],
    ["rabbitmq_global_messages_dead_lettered_expired_total"],
  ),
  ...metrics(
    "gauge",
    [],
    [
      "rabbitmq_alarms_memory_used_watermark",
      "rabbitmq_alarms_free_disk_space_watermark",
      "rabbitmq_process_resident_memory_bytes",
      "rabbitmq_resident_memory_limit_bytes",
    ],
  ),
  // oliver006/redis_exporter
  ...metrics("gauge", ["db"], ["redis_db_keys", "redis_db_keys_expiring"]),
  ...metrics("gauge", ["db", "key"], ["redis_key_size"]),
  ...metrics(
    "gauge",
    [],
    [
      "redis_up",
      "redis_memory_used_bytes",
      "redis_memory_max_bytes",
      "redis_connected_clients",
      "redis_blocked_clients",
    ],
  ),
  ...metrics("counter", ["cmd"], ["redis_commands_total", "redis_commands_duration_seconds_total"]),
  ...metrics(
    "counter",
    [],
    [
      "redis_rejected_connections_total",
      "redis_client_output_buffer_limit_disconnections_total",
      "redis_evicted_keys_total",
    ],
  ),
  // cAdvisor
  ...metrics("gauge", ["pod", "container"], ["container_memory_working_set_bytes"]),
  // Prometheus
  ...metrics("gauge", ["alertname", "alertstate", "severity"], ["ALERTS"]),
  ...metrics("gauge", [], ["scrape_duration_seconds"]),
  ...correlationRules().map(
    ({ record, labels }) => [record, { type: "gauge", labels: labelsOf(labels) }] as const,
  ),
]);

function metrics(
  type: string,
  labels: readonly string[],
  names: readonly string[],
): [string, KnownMetric][] {
  return names.map((name) => [name, { type, labels: labelsOf(labels) }]);
}

/** With the label that scrape jobs may set. */
function labelsOf(labels: readonly string[]): KnownMetric["labels"] {
  return new Map([...labels, "deployment"].map((label) => [label, null]));
}
