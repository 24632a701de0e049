import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { SIDES_RECORDS, type SidesRecord } from "../../rules/recordings/records.js";
import { limits, lines, rowsBy, stateBands } from "../panels.js";
import { aggregate, ofDaemon, ofDeployment } from "../promql.js";

/** Who says what on this page, and can it be believed? */
export function sourcePanels(): Builder<Panel>[] {
  return [sourceStates(), sourceTable(), seen(), scrapes()];
}

const STATES = {
  "0": ["absent", "text"],
  "1": ["in doubt", "orange"],
  "2": ["believed", "green"],
} as const;

const STATE = aggregate("max", "source", ofDeployment(SIDES_RECORDS.sourceState));
const SEEN = aggregate("min", "source", ofDeployment(SIDES_RECORDS.sourceSeen));
const NAMELESS = aggregate("max", "source", ofDeployment(SIDES_RECORDS.sourceNameless));

function sourceStates(): Builder<Panel> {
  return stateBands({
    title: "Sources over time",
    description:
      "Who feeds this page: our own observer of events and queues, RabbitMQ's detailed metrics, celery-exporter, Flower, redis_exporter. Healthy: at least one of observer, celery-exporter and Flower is believed. In doubt: it has seen less than 90 % of our tasks that have ended, or cannot name over 1 % of them. All absent: nothing of it is scraped. No band at all: the rules of `celery-load rules` are not loaded.",
    unit: "none",
    width: 12,
    height: 7,
    queries: [{ expr: STATE, legend: "{{source}}" }],
    states: STATES,
  });
}

function sourceTable(): Builder<Panel> {
  const count = (record: SidesRecord) => aggregate("count", "source", ofDeployment(record));
  return rowsBy("source", {
    title: "What each source tells",
    description:
      "For each source: its state now, the share of our ended tasks that it has seen, tasks without a name, and for how many queues, workers and tasks it gives a length, a sign of life or a run time. Healthy: seen at or above 100 % (above: others send the same tasks). Where several know the same, panels take the uppermost of observer, rabbitmq, celery-exporter, flower, redis.",
    unit: "short",
    width: 12,
    height: 7,
    queries: [
      { expr: STATE, legend: "state" },
      { expr: SEEN, legend: "seen" },
      { expr: NAMELESS, legend: "nameless" },
      { expr: count(SIDES_RECORDS.queueReadyBySource), legend: "queues" },
      {
        expr: aggregate("sum", "source", ofDeployment(SIDES_RECORDS.workersUpBySource)),
        legend: "workers",
      },
      { expr: count(SIDES_RECORDS.workerRunP95), legend: "run times" },
    ],
    columns: {
      source: { heading: "Source" },
      "Value #A": { heading: "State", states: STATES },
      "Value #B": { heading: "Seen of our tasks", unit: "percentunit", noValue: "–" },
      "Value #C": { heading: "Without a name", unit: "percentunit", noValue: "–" },
      "Value #D": { heading: "Queues", noValue: "–" },
      "Value #E": { heading: "Workers up", noValue: "–" },
      "Value #F": { heading: "Tasks with a run time", noValue: "–" },
    },
    noValue: "Prometheus has not loaded the rules of `celery-load rules`",
  });
}

function seen(): Builder<Panel> {
  const panel = lines({
    title: "Share of our ended tasks that each source has seen",
    description:
      "Tasks that the source has counted as received, for each of ours whose result we have; and (nameless) the share that celery-exporter could not name, since it remembers 10,000 tasks. Healthy: at or above 100 %, nameless 0. Below: the source has lost events or started late, so its rates are too low. Above: others send the same tasks, so its numbers are not about our load alone.",
    unit: "percentunit",
    width: 12,
    height: 8,
    queries: [
      { expr: SEEN, legend: "{{source}}" },
      { expr: NAMELESS, legend: "{{source}} nameless" },
    ],
  });
  return limits(panel, [
    [null, "transparent"],
    [0.9, "green"],
  ]);
}

/** Seconds of the scrapes of a source, by a metric that it alone has. */
function scrapeSeconds(sign: string): string {
  return `max (${ofDeployment("scrape_duration_seconds")} and on (job, instance) ${sign})`;
}

function scrapes(): Builder<Panel> {
  return lines({
    title: "How long scraping a source takes",
    description:
      "Duration of the scrapes, of the slowest instance. Healthy: milliseconds for Flower, redis_exporter and RabbitMQ; celery-exporter asks every worker and waits for a second or two. Near the scrape timeout a source has holes, and its queue lengths are as old as its last answer.",
    unit: "s",
    width: 12,
    height: 8,
    queries: [
      { expr: scrapeSeconds(ofDaemon(METRICS.buildInfo)), legend: "observer" },
      { expr: scrapeSeconds(ofDeployment("celery_worker_up")), legend: "celery-exporter" },
      { expr: scrapeSeconds(ofDeployment("flower_worker_online")), legend: "flower" },
      {
        expr: scrapeSeconds(ofDeployment("rabbitmq_detailed_queue_messages_ready")),
        legend: "rabbitmq",
      },
      { expr: scrapeSeconds(ofDeployment("redis_up")), legend: "redis" },
    ],
  });
}
