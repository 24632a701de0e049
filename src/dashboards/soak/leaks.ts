import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { foreign } from "../../rules/foreign-metrics.js";
import { limits, lines, number, onTheRight } from "../panels.js";
import { aggregate, inInterval, ofDaemon, ofDeployment } from "../promql.js";

/** What grows beside us: memory of workers, prefetched tasks, queues, the broker's memory, stored results. */
export function leakPanels(): Builder<Panel>[] {
  return [
    workerMemory(),
    prefetch(),
    queueFloor(),
    storedResults(),
    brokerMemory(),
    timeToFull("redis", "Redis", `(${REDIS_MAX} > 0)`, REDIS_USED),
    timeToFull("rabbitmq", "RabbitMQ", RABBIT_MAX, RABBIT_USED),
  ];
}

const REDIS_USED = ofDeployment("redis_memory_used_bytes");
const REDIS_MAX = ofDeployment("redis_memory_max_bytes");
const RABBIT_USED = ofDeployment("rabbitmq_process_resident_memory_bytes");
const RABBIT_MAX = ofDeployment("rabbitmq_resident_memory_limit_bytes");

function workerMemory(): Builder<Panel> {
  const chosen = "$worker_processes";
  return lines({
    title: "Memory of worker processes",
    description:
      "Resident memory of what the variable Worker processes names: jobs whose processes expose it, or pods by cAdvisor. Healthy: level after the first hour, with --max-tasks-per-child a saw of constant height. A steady climb is a leak: note its slope before the workers are killed for it. Empty: nothing has that name, set the variable.",
    unit: "bytes",
    width: 12,
    height: 8,
    queries: [
      {
        expr: `sum by (job, instance) (${foreign("process_resident_memory_bytes")}{job=~"${chosen}"})`,
        legend: "{{job}} {{instance}}",
      },
      {
        expr: `sum by (pod) (${foreign("container_memory_working_set_bytes")}{container!="", pod=~"${chosen}"})`,
        legend: "{{pod}}",
      },
    ],
  });
}

function prefetch(): Builder<Panel> {
  const worker = "connection, worker";
  const prefetched = aggregate("max", worker, ofDaemon(METRICS.workerPrefetch));
  const pool = aggregate("max", worker, ofDaemon(METRICS.workerPool));
  return lines({
    title: "Prefetch limit divided by pool size",
    description:
      "How many tasks each worker may hold for each that it can run. Healthy: the configured worker_prefetch_multiplier (4 by default), unchanged over days; countdown and ETA tasks raise it for a while. A number that only climbs is prefetch creep: one worker hoards tasks that others could run. Restart it.",
    unit: "none",
    width: 12,
    height: 8,
    queries: [{ expr: `${prefetched} / (${pool} > 0)`, legend: "{{worker}}" }],
  });
}

function queueFloor(): Builder<Panel> {
  return lines({
    title: "Lowest queue length",
    description:
      "The fewest messages that waited in each queue within each step. Healthy: 0 at least once in every low stage. A floor that rises is work that is never worked off, or messages that no worker takes (unknown task, wrong queue).",
    unit: "short",
    width: 12,
    height: 8,
    queries: [
      {
        expr: aggregate(
          "max",
          "connection, queue",
          inInterval("min_over_time", ofDaemon(METRICS.queueLength)),
        ),
        legend: "{{queue}}",
      },
    ],
  }).interval("10m");
}

function storedResults(): Builder<Panel> {
  const keys = aggregate("sum", "db", ofDeployment("redis_db_keys"));
  const expiring = aggregate("sum", "db", ofDeployment("redis_db_keys_expiring"));
  return lines({
    title: "Keys in Redis",
    description:
      "Keys of each database that expire (stored results do, after result_expires), and those that never do. Healthy: expiring level off after result_expires; keys that stay are few and constant. Those that stay and climb fill the memory: results without expiry, or somebody else's data. Needs redis_exporter.",
    unit: "short",
    width: 12,
    height: 8,
    queries: [
      { expr: expiring, legend: "{{db}} expiring" },
      { expr: `${keys} - ${expiring}`, legend: "{{db}} that stay" },
    ],
  });
}

function brokerMemory(): Builder<Panel> {
  const ratio = (used: string, max: string) =>
    `${aggregate("sum", "instance", used)} / ${aggregate("sum", "instance", max)}`;
  const panel = lines({
    title: "Memory of broker and backend, share of its limit",
    description:
      "Used memory divided by maxmemory (Redis) or the watermark (RabbitMQ), and Redis's memory itself on the right axis. Healthy: level in equal stages, below 80 %. At 100 % Redis refuses writes or evicts, and RabbitMQ blocks publishers. No share for Redis: it has no maxmemory, so it ends with the machine's memory.",
    unit: "percentunit",
    width: 12,
    height: 8,
    queries: [
      { expr: ratio(REDIS_USED, `${REDIS_MAX} > 0`), legend: "Redis {{instance}}" },
      { expr: ratio(RABBIT_USED, RABBIT_MAX), legend: "RabbitMQ {{instance}}" },
      {
        expr: aggregate("sum", "instance", REDIS_USED),
        legend: "Redis {{instance}} memory",
      },
    ],
  });
  return limits(onTheRight(panel, "/ memory$/", "bytes"), [
    [null, "transparent"],
    [0.8, "orange"],
  ]);
}

function timeToFull(exporter: string, name: string, max: string, used: string): Builder<Panel> {
  return number({
    title: `${name} is full in`,
    description: `Time until the memory of ${name} reaches its limit, if it goes on growing as within this time range; of the instance that is full first. Healthy: not filling. Below a day: find what grows in the panels beside this one, now. Empty too without a limit, or without ${exporter === "redis" ? "redis_exporter" : "rabbitmq_prometheus"}.`,
    unit: "dtdurations",
    width: 6,
    height: 8,
    queries: [
      {
        expr: `min((${max} - ${used}) / (deriv(${used}[$__range]) > 0))`,
        legend: "time left",
      },
    ],
    steps: [
      [null, "red"],
      [86_400, "orange"],
      [604_800, "green"],
    ],
    noValue: "not filling",
  });
}
