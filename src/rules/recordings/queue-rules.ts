import { METRICS, metric, type Series } from "../../exposition/metrics.js";
import { foreign } from "../foreign-metrics.js";
import { best, bySource, renamed, type SourceRule, sumOf } from "./by-source.js";
import { SIDES_RECORDS } from "./records.js";

/**
 * RabbitMQ has queues beside those of tasks: of events, of remote control, of replies to clients (named by
 * a UUID) and of this daemon.
 */
const OF_TASKS =
  'queue!~"celery-load[.].+|celeryev[.].+|.+[.]celery[.]pidbox|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"';

/** How much waits in each queue, is fetched, and who takes from it. */
export function queueRules(): SourceRule[] {
  const ready = SIDES_RECORDS.queueReadyBySource;
  return [
    {
      record: ready,
      labels: ["queue", "source"],
      comment:
        "Messages that wait, by everybody who counts them. On Redis a priority has a list of its own, whose key ends in \\x06\\x16 and a number.",
      expr: bySource({
        observer: ofOurQueues(METRICS.queueLength),
        rabbitmq: sumOf(
          "queue",
          `${foreign("rabbitmq_detailed_queue_messages_ready")}{${OF_TASKS}}`,
        ),
        "celery-exporter": sumOf(
          "queue",
          renamed(foreign("celery_queue_length"), "queue_name", "queue"),
        ),
        redis: sumOf(
          "queue",
          `label_replace(${foreign("redis_key_size")}{key!~"unacked.*|_kombu.*"}, "queue", "$1", "key", "(.+?)(?:\\\\x06\\\\x16[0-9])?")`,
        ),
      }),
    },
    {
      record: SIDES_RECORDS.queueReady,
      labels: ["queue", "source"],
      comment: "The same from the most exact source that knows the queue.",
      expr: best(ready, "deployment, queue"),
    },
    {
      record: SIDES_RECORDS.queueUnackedBySource,
      labels: ["queue", "source"],
      comment:
        "Messages that workers have fetched and not acknowledged. Redis keeps those of all queues together, which the observer calls *.",
      expr: bySource({
        observer: ofOurQueues(METRICS.queueUnacked),
        rabbitmq: sumOf(
          "queue",
          `${foreign("rabbitmq_detailed_queue_messages_unacked")}{${OF_TASKS}}`,
        ),
      }),
    },
    {
      record: SIDES_RECORDS.queueConsumersBySource,
      labels: ["queue", "source"],
      comment: "Who takes from a queue: consumers, or with celery-exporter workers.",
      expr: bySource({
        observer: ofOurQueues(METRICS.queueConsumers),
        rabbitmq: sumOf("queue", `${foreign("rabbitmq_detailed_queue_consumers")}{${OF_TASKS}}`),
        "celery-exporter": sumOf(
          "queue",
          renamed(foreign("celery_active_worker_count"), "queue_name", "queue"),
        ),
      }),
    },
  ];
}

/** The observers of several daemons see the same queue: one of them counts. Queues of two brokers add up. */
function ofOurQueues(count: Series<"connection" | "queue">): string {
  return `sum by (deployment, queue) (max by (deployment, connection, queue) (${metric(count)}))`;
}
