import { best, bySource, ofOurWorkers, type RecordingRule, renamed } from "./rule.js";

/** How many workers are up, how busy they are, and how long tasks run there. */
export function workerRules(): RecordingRule[] {
  const busy = "celery_load:worker_busy:by_source";
  return [
    {
      record: "celery_load:workers_up:by_source",
      labels: ["source"],
      comment: "Workers that give signs of life.",
      expr: bySource({
        observer: ofOurWorkers("celery_load_worker_up"),
        "celery-exporter": "sum by (deployment) (celery_worker_up)",
        flower: "sum by (deployment) (flower_worker_online)",
      }),
    },
    {
      record: busy,
      labels: ["source"],
      comment:
        "Running tasks for each place in the pools. celery-exporter gives the places by queue, and a worker of two queues is in both: so only where one queue alone has workers.",
      expr: bySource({
        observer: `${ofOurWorkers("celery_load_worker_active_tasks")}
/ (${ofOurWorkers("celery_load_worker_pool_size")} > 0)`,
        "celery-exporter": `sum by (deployment) (celery_worker_tasks_active)
/ (max by (deployment) (celery_active_process_count > 0)
  and count by (deployment) (celery_active_process_count > 0) == 1)`,
      }),
    },
    {
      record: "celery_load:worker_busy:ratio",
      labels: ["source"],
      comment: "The same from the most exact source.",
      expr: best(busy, "deployment"),
    },
    {
      record: "celery_load:worker_run_seconds:p95_5m",
      labels: ["task", "source"],
      comment:
        "How long tasks run, by everybody who measures it. celery-exporter and Flower count successes only.",
      expr: bySource({
        observer: p95('celery_load_task_phase_seconds_bucket{phase="run"}'),
        "celery-exporter": p95("celery_task_runtime_bucket", "name"),
        flower: p95("flower_task_runtime_seconds_bucket"),
      }),
    },
  ];
}

function p95(buckets: string, taskLabel = "task"): string {
  const rate = `rate(${buckets}[5m])`;
  const byTask = taskLabel === "task" ? rate : renamed(rate, taskLabel, "task");
  return `histogram_quantile(0.95, sum by (deployment, task, le) (${byTask})) >= 0`;
}
