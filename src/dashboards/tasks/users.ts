import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { lines } from "../panels.js";
import { aggregate, ofScenario, ofTasks, quantile } from "../promql.js";

/** Closed loops of users: how many there are, and what their waiting hides. */
export function userPanels(): Builder<Panel>[] {
  return [users(), compensatedLatency()];
}

function users(): Builder<Panel> {
  return lines({
    title: "Users",
    description:
      "Users of each closed loop that are there: those who wait for a task and those between two. Healthy: as the profile says. Empty without a profile of users. Users who wait slow down with the workers, so the rate of their scenario is what the workers make of it.",
    unit: "short",
    width: 12,
    height: 8,
    queries: [
      { expr: aggregate("sum", "scenario", ofScenario(METRICS.users)), legend: "{{scenario}}" },
    ],
  });
}

function compensatedLatency(): Builder<Panel> {
  return lines({
    title: "Latency quantile $quantile as if users had kept their pace",
    description:
      "Of tasks that users start, the quantile that is chosen above of their latencies and of those of the starts that did not come while their users were waiting. Healthy: near the same quantile in Latency. Far above it: the workers stood still or were slow for a while, and the closed loop hides most of that.",
    unit: "s",
    width: 12,
    height: 8,
    queries: [
      {
        expr: quantile("$quantile", "scenario, task", ofTasks(METRICS.compensated)),
        legend: "{{scenario}} {{task}}",
      },
    ],
  });
}
