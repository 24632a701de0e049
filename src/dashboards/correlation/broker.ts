import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import type { ForeignName } from "../../rules/foreign-metrics.js";
import { limits, lines } from "../panels.js";
import { aggregate, ofDaemon, ofDeployment, perSecond } from "../promql.js";

/** Is it the broker, or the result backend? */
export function brokerPanels(): Builder<Panel>[] {
  return [headroom(), alarms(), redisCommands(), redisClients(), rabbitmqLosses()];
}

function headroom(): Builder<Panel> {
  const ratio = (used: ForeignName, max: ForeignName) =>
    `${aggregate("max", "instance", ofDeployment(used))} / (${aggregate("max", "instance", ofDeployment(max))} > 0)`;
  const panel = lines({
    title: "Memory, share of the limit",
    description:
      "Used memory divided by RabbitMQ's watermark, or by Redis's maxmemory. Healthy: below 80 %. At 100 % RabbitMQ blocks every publisher, and Redis refuses writes or evicts keys, results and messages alike. No line for Redis: it has no maxmemory.",
    unit: "percentunit",
    width: 12,
    height: 8,
    queries: [
      {
        expr: ratio(
          "rabbitmq_process_resident_memory_bytes",
          "rabbitmq_resident_memory_limit_bytes",
        ),
        legend: "RabbitMQ {{instance}}",
      },
      {
        expr: ratio("redis_memory_used_bytes", "redis_memory_max_bytes"),
        legend: "Redis {{instance}}",
      },
    ],
  }).axisSoftMax(1);
  return limits(panel, [
    [null, "transparent"],
    [0.8, "orange"],
  ]);
}

function alarms(): Builder<Panel> {
  const max = (metric: ForeignName) => aggregate("max", "", ofDeployment(metric));
  return lines({
    title: "Blocked, and its reasons",
    description:
      "1 while the broker accepts nothing from us (blocked, as the daemon sees it), and RabbitMQ's alarms for memory and disk. Healthy: 0. While it is 1, planned starts are dropped as backpressure and never caught up. Blocked without an alarm here: the metrics of that node are not scraped.",
    unit: "none",
    width: 12,
    height: 8,
    queries: [
      {
        expr: aggregate("max", "connection", ofDaemon(METRICS.blocked)),
        legend: "{{connection}} blocked",
      },
      { expr: max("rabbitmq_alarms_memory_used_watermark"), legend: "memory alarm" },
      { expr: max("rabbitmq_alarms_free_disk_space_watermark"), legend: "disk alarm" },
    ],
  });
}

function redisCommands(): Builder<Panel> {
  const commands = 'cmd=~"lpush|brpop|publish|setex|hset|zadd"';
  const seconds = perSecond("cmd", ofDeployment("redis_commands_duration_seconds_total", commands));
  const calls = perSecond("cmd", ofDeployment("redis_commands_total", commands));
  return lines({
    title: "Redis: time inside a command",
    description:
      "Mean time that Redis itself spends on the commands that Celery uses; waiting of BRPOP is not in it. Healthy: microseconds, level. Milliseconds: a slow command of somebody else (KEYS, large values) or swapping; see its slow log. It is then in every phase that goes through Redis.",
    unit: "s",
    width: 8,
    height: 8,
    queries: [{ expr: `${seconds} / (${calls} > 0)`, legend: "{{cmd}}" }],
  });
}

function redisClients(): Builder<Panel> {
  const sum = (metric: ForeignName) => aggregate("sum", "", ofDeployment(metric));
  return lines({
    title: "Redis: clients and what it threw away",
    description:
      "Connections, those that wait in BRPOP (idle workers), and a second: refused connections, readers that were cut off for being too slow, evicted keys. Healthy: connections constant, blocked above 0 while there is no backlog, the others 0. Cut off: results or events were lost. Evicted: results or messages are gone.",
    unit: "short",
    width: 8,
    height: 8,
    queries: [
      { expr: sum("redis_connected_clients"), legend: "connected" },
      { expr: sum("redis_blocked_clients"), legend: "blocked" },
      {
        expr: perSecond("", ofDeployment("redis_rejected_connections_total")),
        legend: "refused a second",
      },
      {
        expr: perSecond("", ofDeployment("redis_client_output_buffer_limit_disconnections_total")),
        legend: "cut off a second",
      },
      { expr: perSecond("", ofDeployment("redis_evicted_keys_total")), legend: "evicted a second" },
    ],
  });
}

function rabbitmqLosses(): Builder<Panel> {
  const total = (messages: ForeignName) => perSecond("", ofDeployment(messages));
  return lines({
    title: "RabbitMQ: delivered again, or nowhere",
    description:
      "Messages a second that were delivered again, that no queue was bound for, and that died by their time limit. Healthy: 0, or the expiry that tasks are sent with. Redelivered: workers die or reject, tasks may run twice. Unroutable: a producer sends to a queue or key that does not exist.",
    unit: "cps",
    width: 8,
    height: 8,
    queries: [
      { expr: total("rabbitmq_global_messages_redelivered_total"), legend: "redelivered" },
      {
        expr: total("rabbitmq_global_messages_unroutable_dropped_total"),
        legend: "unroutable, dropped",
      },
      {
        expr: total("rabbitmq_global_messages_unroutable_returned_total"),
        legend: "unroutable, returned",
      },
      { expr: total("rabbitmq_global_messages_dead_lettered_expired_total"), legend: "expired" },
    ],
  });
}
