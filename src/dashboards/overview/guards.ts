import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { limits, lines, stateBands } from "../panels.js";
import { aggregate, ofDaemon } from "../promql.js";

/** What holds the load back, and how far away it is from that. */
export function guardPanels(): Builder<Panel>[] {
  return [guardStates(), headroom()];
}

const STATES = { "0": ["ok", "green"], "1": ["pending", "yellow"], "2": ["fired", "red"] } as const;

function guardStates(): Builder<Panel> {
  const is = (state: string) => ofDaemon(METRICS.guardState, `state="${state}"`);
  const each = "job, instance, guard";
  return stateBands({
    title: "Guards",
    description:
      "The state of each guard. Healthy: ok. Pending: above its limit, and not yet for as long as its for says. Fired: the scenarios that it concerns are held back until it was below resumeBelow for the cool-down; what it has found is in /api/v1/status and the log.",
    unit: "none",
    width: 12,
    height: 7,
    queries: [
      {
        expr: `max by (${each}) (${is("pending")}) + on (${each}) max by (${each}) (2 * ${is("fired")})`,
        legend: "{{guard}} {{instance}}",
      },
    ],
    states: { ...STATES },
  });
}

function headroom(): Builder<Panel> {
  const panel = lines({
    title: "Headroom of the guards",
    description:
      "How far away each guard's limit is, as a share of it. Healthy: well above 0, and level. 0: the limit is reached. Negative: beyond it. No line: the value is not known, and the guard stays as it is.",
    unit: "percentunit",
    width: 12,
    height: 7,
    queries: [
      {
        expr: aggregate("min", "guard, instance", ofDaemon(METRICS.guardHeadroom)),
        legend: "{{guard}} {{instance}}",
      },
    ],
  });
  return limits(panel, [
    [null, "red"],
    [0, "transparent"],
  ]);
}
