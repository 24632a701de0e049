/** How an exporter counts tasks: what to ask Prometheus for, and which labels tell what. */
export interface CounterSource {
  readonly title: string;
  /** Selectors of counters. What producers say they sent comes first, as workers receive late and again. */
  readonly sent: Selector;
  readonly received: Selector | null;
  /** Tasks that were received once more. */
  readonly retried: Selector | null;
  /** Buckets of the run time. */
  readonly runTime: Selector | null;
  /** The label with the name of the task; null: it knows only queues. */
  readonly nameLabel: string | null;
  /** Null: it knows no queues. */
  readonly queueLabel: string | null;
}

/** A metric, and matchers in PromQL's braces. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly string[];
}

const counter = (metric: string, ...matchers: string[]): Selector => ({ metric, matchers });

/** What was routed to each queue; by its name of `/metrics/detailed`, of its later versions, and of `/metrics/per-object`. */
const rabbitmq = (metric: string): CounterSource => ({
  title: "RabbitMQ",
  sent: counter(metric),
  ...{ received: null, retried: null, runTime: null },
  nameLabel: null,
  queueLabel: "queue",
});

/** Those that are known, the one that tells most first. */
export const COUNTER_SOURCES: readonly CounterSource[] = [
  {
    title: "celery-exporter",
    sent: counter("celery_task_sent_total"),
    received: counter("celery_task_received_total"),
    retried: counter("celery_task_retried_total"),
    runTime: counter("celery_task_runtime_bucket"),
    nameLabel: "name",
    queueLabel: "queue_name",
  },
  {
    title: "Flower",
    sent: counter("flower_events_total", 'type="task-sent"'),
    received: counter("flower_events_total", 'type="task-received"'),
    retried: counter("flower_events_total", 'type="task-retried"'),
    runTime: counter("flower_task_runtime_seconds_bucket"),
    nameLabel: "task",
    queueLabel: null,
  },
  rabbitmq("rabbitmq_detailed_queue_messages_published_total"),
  rabbitmq("rabbitmq_detailed_queue_exchange_messages_published_total"),
  rabbitmq("rabbitmq_queue_messages_published_total"),
];

/** The text of a selector in a query, with the user's own matchers. */
export function selectorText({ metric, matchers }: Selector, more: readonly string[] = []): string {
  const all = [...matchers, ...more];
  return all.length === 0 ? metric : `${metric}{${all.join(",")}}`;
}
