import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS, type Series } from "../../exposition/metrics.js";
import { stackedBars } from "../panels.js";
import { aggregate, inInterval, ofDaemon, ofProcess, ofTask } from "../promql.js";

/** What broke off and came back: connections, workers, daemons, results. */
export function unrestPanels(): Builder<Panel>[] {
  return [connections(), restarts(), strayResults()];
}

const BARS = { unit: "short", width: 8, height: 8 } as const;

function connections(): Builder<Panel> {
  return stackedBars({
    ...BARS,
    title: "Reconnects and lost data, by hour",
    description:
      "How often a connection came back after it was lost, and how often a broker came back without what it held. Healthy: none. At the same minute of each hour: a proxy or firewall that cuts. Lost data: tasks are gone for good, the daemon's log has the evidence.",
    queries: [
      {
        expr: aggregate(
          "sum",
          "connection, role",
          inInterval("increase", ofDaemon(METRICS.reconnects)),
        ),
        legend: "{{connection}} {{role}}",
      },
      {
        expr: aggregate(
          "sum",
          "connection, evidence",
          inInterval("increase", ofDaemon(METRICS.dataLoss)),
        ),
        legend: "{{connection}} {{evidence}}",
      },
    ],
  }).interval("1h");
}

function restarts(): Builder<Panel> {
  const ofWorker = inInterval("resets", ofDaemon(METRICS.workerProcessed));
  return stackedBars({
    ...BARS,
    title: "Restarts, by hour",
    description:
      "Workers whose count of processed tasks began anew, and daemons that were started again. Healthy: none, or your deployments. Workers: killed for memory, or crashed; their log and the kernel's say which. Daemon: its counters begin at 0, and what was in flight has ended as unknown.",
    queries: [
      { expr: aggregate("sum", "worker", ofWorker), legend: "{{worker}}" },
      {
        expr: aggregate(
          "sum",
          "instance",
          inInterval("changes", ofProcess("process_start_time_seconds")),
        ),
        legend: "daemon {{instance}}",
      },
    ],
  }).interval("1h");
}

function strayResults(): Builder<Panel> {
  const grown = (results: Series<"scenario" | "task">) =>
    aggregate("sum", "", inInterval("increase", ofTask(results)));
  return stackedBars({
    ...BARS,
    title: "Late, duplicate and recovered results, by hour",
    description:
      "Results outside the ordinary course. Healthy: none. late: after the timeout had been counted. duplicates: a task ran twice, as after a worker was lost or a visibility timeout passed. recovered: found by asking again after the stream of results was away.",
    queries: [
      { expr: grown(METRICS.late), legend: "late" },
      { expr: grown(METRICS.duplicates), legend: "duplicates" },
      { expr: grown(METRICS.recovered), legend: "recovered" },
    ],
  }).interval("1h");
}
