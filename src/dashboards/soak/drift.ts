import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { limits, lines, rowsBy } from "../panels.js";
import {
  aggregate,
  inInterval,
  ofTask,
  ofTasks,
  perSecond,
  quantile,
  quantileAgo,
  quantileInRange,
} from "../promql.js";

/** Is the same load slower than it was? */
export function driftPanels(): Builder<Panel>[] {
  return [driftTable(), latencyRatio(), loadRatio(), latency(), inFlight()];
}

const LATENCY = ofTasks(METRICS.latency);
const PUBLISHED = ofTask(METRICS.published);
/** From here on a p99 has drifted: a quarter more than before, at the same load. */
const DRIFTED = 1.25;

/** Numbers of the findings, as they travel to the table. */
const FINDINGS = {
  "1": ["steady", "green"],
  "2": ["slower", "red"],
  "3": ["other load", "text"],
} as const;

function driftTable(): Builder<Panel> {
  const now = quantileInRange("0.99", "task", LATENCY);
  const before = quantileInRange("0.99", "task", LATENCY, "$before");
  const ratio = `(${now}) / ((${before}) > 0)`;
  const published = (offset: string) =>
    aggregate("sum", "task", `increase(${PUBLISHED}[$__range]${offset})`);
  const load = `${published("")} / (${published(" offset $before")} > 0)`;
  const finding = [
    `(abs(${load} - 1) > 0.1) * 0 + 3`,
    `(${ratio} > ${DRIFTED}) * 0 + 2`,
    `(${ratio} > 0) * 0 + 1`,
  ].join(" or ");
  return rowsBy("task", {
    title: "Did it get slower?",
    description:
      "This time range compared with one of the same length, $before earlier (variable Before). Healthy: steady. slower: the p99 is over a quarter above what it was, at the same load. other load: the number of tasks differs by over 10 %, so that the latencies cannot be compared. Slope: how the p99 changes within this time range, in seconds an hour. Empty until Prometheus has data that far back.",
    unit: "short",
    width: 24,
    height: 7,
    queries: [
      { expr: finding, legend: "finding" },
      { expr: now, legend: "p99" },
      { expr: before, legend: "p99 before" },
      { expr: ratio, legend: "ratio" },
      {
        expr: `3600 * deriv((${quantile("0.99", "task", LATENCY)})[$__range:$__interval])`,
        legend: "slope",
      },
      { expr: load, legend: "load" },
    ],
    columns: {
      task: { heading: "Task" },
      "Value #A": { heading: "Finding", states: FINDINGS, noValue: "nothing to compare" },
      "Value #B": { heading: "p99", unit: "s", noValue: "–" },
      "Value #C": { heading: "p99 before", unit: "s", noValue: "–" },
      "Value #D": {
        heading: "Ratio",
        unit: "none",
        steps: [
          [null, "green"],
          [DRIFTED, "red"],
        ],
        noValue: "–",
      },
      "Value #E": { heading: "Slope (s in an hour)", unit: "none", noValue: "–" },
      "Value #F": { heading: "Load ratio", unit: "none", noValue: "–" },
    },
    noValue: "no task",
  });
}

function latencyRatio(): Builder<Panel> {
  const now = quantile("0.99", "task", LATENCY);
  const before = quantileAgo("0.99", "task", LATENCY, "$before");
  const panel = lines({
    title: "p99 divided by that of $before earlier",
    description:
      "Latency now and at the same point of the cycle earlier (variable Before). Healthy: around 1. Above the dashed line at 1.25 for longer: the same load has become slower, if the panel beside this one is at 1. Choose a Before that is a whole number of the profile's cycles.",
    unit: "none",
    width: 12,
    height: 8,
    queries: [{ expr: `(${now}) / ((${before}) > 0)`, legend: "{{task}}" }],
  });
  return limits(panel, [
    [null, "transparent"],
    [DRIFTED, "red"],
  ]);
}

function loadRatio(): Builder<Panel> {
  const now = perSecond("task", PUBLISHED);
  const before = aggregate("sum", "task", `rate(${PUBLISHED}[$__rate_interval] offset $before)`);
  return lines({
    title: "Published rate divided by that of $before earlier",
    description:
      "Whether there is anything to compare. Healthy: 1, so that both times had the same load. Elsewhere the latency may differ for that reason alone: choose another Before, or an equal stage.",
    unit: "none",
    width: 12,
    height: 8,
    queries: [{ expr: `${now} / (${before} > 0)`, legend: "{{task}}" }],
  });
}

function latency(): Builder<Panel> {
  return lines({
    title: "Latency p99 by task, over the whole soak",
    description:
      "From the planned start to the result. Healthy: the same height in every equal stage from the first day to the last. A saw that climbs between restarts is a leak; a step is a deployment or a change of data; a slow climb of one task alone is a table or a key that grows.",
    unit: "s",
    width: 12,
    height: 9,
    queries: [{ expr: quantile("0.99", "task", LATENCY), legend: "{{task}}" }],
  });
}

function inFlight(): Builder<Panel> {
  return lines({
    title: "Lowest number in flight, by task",
    description:
      "The fewest tasks that were in flight within each step. Healthy: near 0 in low stages, and not higher from day to day: a floor that rises is made of tasks whose results never come, or of a backlog that no low stage works off.",
    unit: "short",
    width: 12,
    height: 9,
    queries: [
      {
        expr: aggregate("sum", "task", inInterval("min_over_time", ofTask(METRICS.inFlight))),
        legend: "{{task}}",
      },
    ],
  }).interval("10m");
}
