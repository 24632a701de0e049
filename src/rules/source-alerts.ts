import { METRICS, metric } from "../exposition/metrics.js";
import { foreign } from "./foreign-metrics.js";
import { last, lines } from "./promql.js";
import { SIDES_RECORDS } from "./recordings/records.js";
import { type Alert, listed } from "./rule.js";

/**
 * Alerts over what others expose: the exporters of the broker and the backend, and those of the workers. They
 * stay silent where Prometheus does not scrape them.
 */
export function sourceAlerts(): Alert[] {
  return [
    backendFilling("Redis", foreign("redis_memory_used_bytes"), foreign("redis_memory_max_bytes")),
    backendFilling(
      "RabbitMQ",
      foreign("rabbitmq_process_resident_memory_bytes"),
      foreign("rabbitmq_resident_memory_limit_bytes"),
    ),
    slowConsumer,
    exporterBlind,
  ];
}

const DAY_SECONDS = 86_400;

/**
 * By the growth of hours, and still by that of the last half hour: what has ended fills nothing. It must last
 * for longer than that, or a single jump would be a growth.
 */
function backendFilling(server: string, used: string, max: string): Alert {
  const secondsLeft = (window: string) =>
    `((${last(max)} > 0) - ${last(used)}) / (deriv(${used}[${window}]) > 0)`;
  return {
    name: "BackendFilling",
    severity: "warning",
    labels: { server },
    for: "45m",
    expr: lines(
      `${secondsLeft("30m")} < ${DAY_SECONDS}`,
      `and ${secondsLeft("6h")} < ${DAY_SECONDS}`,
    ),
    summary: `${server} at {{ $labels.instance }} will have no memory left within a day.`,
    description: `As it has grown in the last half hour, its memory reaches its limit in {{ $value | humanizeDuration }}. ${WHEN_FULL[server]}`,
    dashboard: "soak",
    variables: ["deployment"],
  };
}

const WHEN_FULL: Readonly<Record<string, string>> = {
  Redis:
    "It then refuses messages and results, or evicts them, by its maxmemory-policy; the application's own too.",
  RabbitMQ: "It then blocks whoever publishes, the application's own producers too.",
};

const slowConsumer: Alert = {
  name: "SlowConsumer",
  severity: "warning",
  for: "0m",
  expr: `increase(${foreign("redis_client_output_buffer_limit_disconnections_total")}[15m]) > 0`,
  summary: "Redis at {{ $labels.instance }} has cut off a client that read too slowly.",
  description: `What waited for that client is lost: results or events, if it was a daemon or an exporter. ${whoCameBack()}`,
  dashboard: "correlation",
  variables: ["deployment"],
};

/** Redis does not say whom it cut off; a reader of ours would have had to connect again. */
function whoCameBack(): string {
  const query = `sum by (connection, role) (increase(${metric(METRICS.reconnects)}[15m])) > 0`;
  return [
    `{{ with query "${query}" }}Of ours these came back within a quarter of an hour: `,
    listed("{{ $each.Labels.role }} of {{ $each.Labels.connection }}"),
    ".{{ else }}No connection of a daemon has come back in that time: it was somebody else's.{{ end }}",
  ].join("");
}

/** The recording rules of the dashboard Correlation decide it; the most of a while, for a scrape may be missing. */
const exporterBlind: Alert = {
  name: "ExporterBlind",
  severity: "info",
  for: "10m",
  expr: `max_over_time(${SIDES_RECORDS.sourceState}[5m]) == 1`,
  summary: "What {{ $labels.source }} says of the workers cannot be believed.",
  description:
    "It has seen less than 90 % of our tasks that have ended, or cannot name over 1 % of those that it saw. Its rates are too low, and what it says by task is wrong.",
  dashboard: "correlation",
  variables: ["deployment"],
};
