/** A metric of somebody else, as far as queries need it. */
interface ForeignMetric {
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
}

/**
 * Metrics that rules and dashboards take from others, by their full names: of exporters as their documentation and
 * code say (the vectors in test/vectors/exporters hold pages of real ones), of Prometheus itself, and what
 * prom-client says of our own process. All can have the label `deployment`, which scrape jobs may set.
 */
export const FOREIGN_METRICS = {
  // danihodovic/celery-exporter, with its default prefix
  celery_task_received_total: { type: "counter", labels: ["hostname", "name", "queue_name"] },
  celery_task_runtime: { type: "histogram", labels: ["hostname", "name", "queue_name"] },
  celery_worker_up: { type: "gauge", labels: ["hostname"] },
  celery_worker_tasks_active: { type: "gauge", labels: ["hostname"] },
  celery_queue_length: { type: "gauge", labels: ["queue_name"] },
  celery_active_worker_count: { type: "gauge", labels: ["queue_name"] },
  celery_active_process_count: { type: "gauge", labels: ["queue_name"] },
  // Flower
  flower_events_total: { type: "counter", labels: ["worker", "type", "task"] },
  flower_task_runtime_seconds: { type: "histogram", labels: ["worker", "task"] },
  flower_worker_online: { type: "gauge", labels: ["worker"] },
  // RabbitMQ: /metrics/detailed, then /metrics
  rabbitmq_detailed_queue_messages_ready: { type: "gauge", labels: ["queue", "vhost"] },
  rabbitmq_detailed_queue_messages_unacked: { type: "gauge", labels: ["queue", "vhost"] },
  rabbitmq_detailed_queue_consumers: { type: "gauge", labels: ["queue", "vhost"] },
  rabbitmq_global_messages_routed_total: { type: "counter", labels: ["protocol"] },
  rabbitmq_global_messages_unroutable_dropped_total: { type: "counter", labels: ["protocol"] },
  rabbitmq_global_messages_unroutable_returned_total: { type: "counter", labels: ["protocol"] },
  rabbitmq_global_messages_acknowledged_total: {
    type: "counter",
    labels: ["protocol", "queue_type"],
  },
  rabbitmq_global_messages_redelivered_total: {
    type: "counter",
    labels: ["protocol", "queue_type"],
  },
  rabbitmq_global_messages_dead_lettered_expired_total: {
    type: "counter",
    labels: ["queue_type", "dead_letter_strategy"],
  },
  rabbitmq_alarms_memory_used_watermark: { type: "gauge", labels: [] },
  rabbitmq_alarms_free_disk_space_watermark: { type: "gauge", labels: [] },
  rabbitmq_process_resident_memory_bytes: { type: "gauge", labels: [] },
  rabbitmq_resident_memory_limit_bytes: { type: "gauge", labels: [] },
  // oliver006/redis_exporter
  redis_db_keys: { type: "gauge", labels: ["db"] },
  redis_db_keys_expiring: { type: "gauge", labels: ["db"] },
  redis_key_size: { type: "gauge", labels: ["db", "key"] },
  redis_up: { type: "gauge", labels: [] },
  redis_memory_used_bytes: { type: "gauge", labels: [] },
  redis_memory_max_bytes: { type: "gauge", labels: [] },
  redis_connected_clients: { type: "gauge", labels: [] },
  redis_blocked_clients: { type: "gauge", labels: [] },
  redis_commands_total: { type: "counter", labels: ["cmd"] },
  redis_commands_duration_seconds_total: { type: "counter", labels: ["cmd"] },
  redis_rejected_connections_total: { type: "counter", labels: [] },
  redis_client_output_buffer_limit_disconnections_total: { type: "counter", labels: [] },
  redis_evicted_keys_total: { type: "counter", labels: [] },
  // cAdvisor
  container_memory_working_set_bytes: { type: "gauge", labels: ["pod", "container"] },
  // Prometheus
  ALERTS: { type: "gauge", labels: ["alertname", "alertstate", "severity"] },
  up: { type: "gauge", labels: [] },
  scrape_duration_seconds: { type: "gauge", labels: [] },
  // prom-client
  process_cpu_seconds_total: { type: "counter", labels: [] },
  process_open_fds: { type: "gauge", labels: [] },
  process_resident_memory_bytes: { type: "gauge", labels: [] },
  process_start_time_seconds: { type: "gauge", labels: [] },
  nodejs_heap_size_used_bytes: { type: "gauge", labels: [] },
} as const satisfies Readonly<Record<string, ForeignMetric>>;

export type ForeignName = keyof typeof FOREIGN_METRICS;

/** A metric's name in a query, of a histogram one kind of its series. A misspelt one does not compile. */
export function foreign(name: ForeignName, part?: "bucket" | "sum" | "count"): string {
  return part === undefined ? name : `${name}_${part}`;
}
