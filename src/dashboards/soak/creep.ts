import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { lines, stateBands } from "../panels.js";
import { ofDaemon } from "../promql.js";

/** What creeps over hours, as the daemon itself judges it. */
export function creepPanels(): Builder<Panel>[] {
  return [
    whatCreeps(),
    slopes(
      "Slope of the latency",
      "How much p50 and p99 of each task change in an hour, by the slope over the daemon's driftWindow. Healthy: 0, or a change of rate (beside it) that explains it. Whether a slope is more than chance is said in the panel above.",
      "s",
      "latency_.+",
      "{{task}} {{what}}",
    ),
    slopes(
      "Slope of memory",
      "How many bytes the memory of the result backend and of the daemon grow in an hour. Healthy: around 0. The backend's grows until results expire (result_expires, a day by default); the daemon's must not.",
      "bytes",
      ".+_memory",
      "{{what}} {{connection}}",
    ),
    slopes(
      "Slope of queues, retries and the load",
      "How many messages each queue grows in an hour, how many retries a task come on top, and how the rate itself changes. Healthy: 0. Where the rate changes, all else may only follow it.",
      "none",
      "queue_length|retries|rate",
      "{{what}} {{task}}{{queue}}",
    ),
  ];
}

function whatCreeps(): Builder<Panel> {
  const drift = ofDaemon(METRICS.drift);
  const isSure = ofDaemon(METRICS.driftSignificant);
  return stateBands({
    title: "What creeps?",
    description:
      "Which levels climb or fall over the daemon's driftWindow (6 h unless set) by more than chance makes plausible. Healthy: level. Climbs: see its slope in the panels below whether it matters, and whether the rate climbs with it. Empty until there is data for a third of the window.",
    unit: "none",
    width: 24,
    height: 8,
    queries: [
      {
        expr: `max by (what, task, connection, queue) (sgn(${drift}) * ${isSure})`,
        legend: "{{what}} {{task}}{{queue}} {{connection}}",
      },
    ],
    states: { "-1": ["falls", "blue"], "0": ["level", "green"], "1": ["climbs", "orange"] },
  });
}

function slopes(
  title: string,
  description: string,
  unit: string,
  what: string,
  legend: string,
): Builder<Panel> {
  const drift = ofDaemon(METRICS.drift, `what=~"${what}"`);
  return lines({
    title,
    description,
    unit,
    width: 8,
    height: 8,
    queries: [{ expr: `max by (what, task, connection, queue) (${drift})`, legend }],
  });
}
