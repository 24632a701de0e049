import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { SIDES_RECORDS, type SidesRecord } from "../../rules/recordings/records.js";
import { lines } from "../panels.js";
import { aggregate, ofDeployment, ofTask, perSecond } from "../promql.js";

/** How much waits where, by every witness. */
export function queuePanels(): Builder<Panel>[] {
  return [
    ofEachWitness(
      "Waiting messages, every witness",
      "Messages that no worker has fetched, by queue and by who counts them. Healthy: the witnesses agree, and the number falls to 0 in low stages. They differ on Redis with priorities: celery-exporter counts only the list of the highest one, redis_exporter only the keys that it was told, and has no series for an empty one. The observer counts all.",
      SIDES_RECORDS.queueReadyBySource,
    ),
    ofEachWitness(
      "Fetched and not acknowledged",
      "Messages that workers hold: running, or prefetched for later. Healthy: at most pool size times (1 + prefetch multiplier), level. With late acknowledgement it includes what runs. Much higher: ETA and countdown tasks, or prefetch creep. Redis keeps those of all queues together (*).",
      SIDES_RECORDS.queueUnackedBySource,
    ),
    ofEachWitness(
      "Consumers by queue",
      "Who takes from each queue: consumers by RabbitMQ and the observer, workers by celery-exporter. Healthy: at least one for each queue that is sent to, constant. 0 while tasks are published: nobody will run them. A worker that answers ping and is missing here has lost its subscription: restart it.",
      SIDES_RECORDS.queueConsumersBySource,
    ),
    flow(),
  ];
}

/** A line for each queue and each one who counts there. */
function ofEachWitness(title: string, description: string, record: SidesRecord): Builder<Panel> {
  return lines({
    title,
    description,
    unit: "short",
    width: 12,
    height: 9,
    queries: [
      {
        expr: aggregate("sum", "queue, source", ofDeployment(record)),
        legend: "{{queue}} {{source}}",
      },
    ],
  });
}

function flow(): Builder<Panel> {
  return lines({
    title: "Into the broker and out of it",
    description:
      "Tasks a second that we publish and that end, beside what RabbitMQ routes and has acknowledged, and Redis's commands, of everybody. Healthy: published and ended lie on each other. The broker's numbers above ours are other traffic; ended below published for long is a backlog that grows.",
    unit: "cps",
    width: 12,
    height: 9,
    queries: [
      { expr: perSecond("", ofTask(METRICS.published)), legend: "published" },
      { expr: perSecond("", ofTask(METRICS.outcomes)), legend: "ended" },
      {
        expr: perSecond("", ofDeployment("rabbitmq_global_messages_routed_total")),
        legend: "RabbitMQ routed",
      },
      {
        expr: perSecond("", ofDeployment("rabbitmq_global_messages_acknowledged_total")),
        legend: "RabbitMQ acknowledged",
      },
      {
        expr: perSecond("cmd", ofDeployment("redis_commands_total", 'cmd=~"lpush|brpop"')),
        legend: "Redis {{cmd}}",
      },
    ],
  });
}
