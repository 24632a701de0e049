import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { dashed, lines, rowsBy } from "../panels.js";
import { aggregate, firingAlerts, ofDaemon, ofTasks, quantile } from "../promql.js";
import { outcomes } from "../tasks/errors.js";
import { taskTable } from "../tasks/throughput.js";

/** What the load found out, all tasks together, and what fires. */
export function resultPanels(): Builder<Panel>[] {
  return [
    outcomes(),
    latencyNow(),
    taskTable(["datasource", "job", "instance", "scenario"]),
    alertTable(),
  ];
}

function latencyNow(): Builder<Panel> {
  const percentiles = { p50: "0.5", p95: "0.95", p99: "0.99" };
  const panel = lines({
    title: "Latency of all tasks",
    description:
      "From the planned start to the received result, all selected tasks together, and the thresholds of the SLOs as dashed lines. Healthy: level at a level rate, and below the threshold of its SLO. Each task by itself is on the dashboard Tasks. Tasks that timed out have no latency: see Outcomes.",
    unit: "s",
    width: 12,
    height: 9,
    queries: [
      ...Object.entries(percentiles).map(([name, q]) => ({
        expr: quantile(q, "", ofTasks(METRICS.latency)),
        legend: name,
      })),
      {
        expr: aggregate("max", "slo", ofDaemon(METRICS.sloLatencyThreshold)),
        legend: "{{slo}} threshold",
      },
    ],
  });
  return dashed(panel, "/ threshold$/");
}

function alertTable(): Builder<Panel> {
  return rowsBy("alertname", {
    title: "Firing alerts",
    description:
      "Alerts of the rules that come with this daemon (CeleryLoad…) that fire now at this Prometheus. Healthy: none. Their descriptions in Alertmanager name what to do. Empty too while no rules are loaded: see Status > Rules of Prometheus. Not narrowed by the variables, since some are about no single daemon.",
    unit: "short",
    width: 24,
    height: 5,
    queries: [
      {
        expr: `sum by (alertname, severity) (${firingAlerts()})`,
        legend: "firing",
      },
    ],
    columns: {
      alertname: { heading: "Alert" },
      severity: { heading: "Severity" },
      Value: { heading: "How many" },
    },
    noValue: "no alert fires",
  });
}
