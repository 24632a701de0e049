import { METRICS, metric, partOf } from "../../exposition/metrics.js";
import { foreign } from "../foreign-metrics.js";
import { best, bySource, ofOurWorkers, renamed, type SourceRule } from "./by-source.js";
import { SIDES_RECORDS } from "./records.js";

/** How many workers are up, how busy they are, and how long tasks run there. */
export function workerRules(): SourceRule[] {
  const busy = SIDES_RECORDS.workerBusyBySource;
  return [
    {
      record: SIDES_RECORDS.workersUpBySource,
      labels: ["source"],
      comment: "Workers that give signs of life.",
      expr: bySource({
        observer: ofOurWorkers(metric(METRICS.workerUp)),
        "celery-exporter": `sum by (deployment) (${foreign("celery_worker_up")})`,
        flower: `sum by (deployment) (${foreign("flower_worker_online")})`,
      }),
    },
    {
      record: busy,
      labels: ["source"],
      comment:
        "Running tasks for each place in the pools. celery-exporter gives the places by queue, and a worker of two queues is in both: so only where one queue alone has workers.",
      expr: bySource({
        observer: `${ofOurWorkers(metric(METRICS.workerActive))}
/ (${ofOurWorkers(metric(METRICS.workerPool))} > 0)`,
        "celery-exporter": `sum by (deployment) (${foreign("celery_worker_tasks_active")})
/ (max by (deployment) (${foreign("celery_active_process_count")} > 0)
  and count by (deployment) (${foreign("celery_active_process_count")} > 0) == 1)`,
      }),
    },
    {
      record: SIDES_RECORDS.workerBusy,
      labels: ["source"],
      comment: "The same from the most exact source.",
      expr: best(busy, "deployment"),
    },
    {
      record: SIDES_RECORDS.workerRunP95,
      labels: ["task", "source"],
      comment:
        "How long tasks run, by everybody who measures it. celery-exporter and Flower count successes only.",
      expr: bySource({
        observer: p95(`${metric(partOf(METRICS.phase, "bucket"))}{phase="run"}`),
        "celery-exporter": p95(foreign("celery_task_runtime", "bucket"), "name"),
        flower: p95(foreign("flower_task_runtime_seconds", "bucket")),
      }),
    },
  ];
}

function p95(buckets: string, taskLabel = "task"): string {
  const rate = `rate(${buckets}[5m])`;
  const byTask = taskLabel === "task" ? rate : renamed(rate, taskLabel, "task");
  return `histogram_quantile(0.95, sum by (deployment, task, le) (${byTask})) >= 0`;
}
