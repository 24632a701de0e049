import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS, partOf } from "../../exposition/metrics.js";
import type { PHASES } from "../../readings/label-values.js";
import { colourByName, distribution, lines, stackedBars } from "../panels.js";
import { ofTask, ofTasks, perSecond, phaseSecondsOfTask, quantile } from "../promql.js";

/** How long tasks take, and where the time goes. */
export function latencyPanels(): Builder<Panel>[] {
  return [percentilesByTask(), quantileByOutcome(), heatMap(), phaseMeans(), phaseQuantile()];
}

/** The same colour for a phase in every panel of every dashboard. */
export const PHASE_COLOURS = {
  dispatch: "red",
  publish: "orange",
  queue: "yellow",
  run: "blue",
  delivery: "purple",
  work: "light-blue",
} satisfies Record<keyof typeof PHASES, string>;

function percentilesByTask(): Builder<Panel> {
  const percentiles = { p50: "0.5", p95: "0.95", p99: "0.99" };
  return lines({
    title: "Latency p50, p95 and p99 by task",
    description:
      "From the moment the task was planned to start until its result was received, of tasks that succeeded or failed. A stalled broker or generator shows up here and does not hide. Healthy: level at a level rate, p99 within a few times p50. A value at the top bound of the buckets means at least that. Tasks that timed out have no latency: see Outcomes.",
    unit: "s",
    width: 12,
    height: 10,
    queries: Object.entries(percentiles).map(([name, q]) => ({
      expr: quantile(q, "task", ofTasks(METRICS.latency)),
      legend: `{{task}} ${name}`,
    })),
  });
}

function quantileByOutcome(): Builder<Panel> {
  return lines({
    title: "Latency quantile $quantile by task and outcome",
    description:
      "The quantile that is chosen above, tasks that succeeded apart from those that failed. Healthy: level. Failures that are much faster than successes make the latency of all tasks look better than it is; failures that are slower are often retries or time limits.",
    unit: "s",
    width: 12,
    height: 10,
    queries: [
      {
        expr: quantile("$quantile", "task, outcome", ofTasks(METRICS.latency)),
        legend: "{{task}} {{outcome}}",
      },
    ],
  });
}

function heatMap(): Builder<Panel> {
  return distribution({
    title: "Latency distribution",
    description:
      "How many tasks a second ended in each latency bucket, all selected tasks together. Healthy: one narrow band at the same height. Two bands are two kinds of work or a cache; a band that climbs is a growing queue; a stripe that reaches up for a moment is a pause of the broker, of the workers or of the daemon.",
    unit: "s",
    width: 24,
    height: 9,
    queries: [
      { expr: perSecond("le", ofTask(partOf(METRICS.latency, "bucket"))), legend: "{{le}}" },
    ],
  });
}

export function phaseMeans(): Builder<Panel> {
  return colourByName(
    stackedBars({
      title: "Mean time by phase",
      description:
        "Where the time goes, on average: dispatch (planned start until we publish), publish (until the broker has answered), queue (until a worker has started it), run, delivery (until the result is here); work is queue and run together, of tasks whose worker sends no events. Means add up, so they are stacked. Healthy: nearly all of it is run or work. Dispatch: the daemon is late. Publish, delivery: the broker or backend is slow. Queue: too few workers.",
      unit: "s",
      width: 12,
      height: 9,
      queries: [
        {
          expr: phaseSecondsOfTask(),
          legend: "{{phase}}",
        },
      ],
    }),
    PHASE_COLOURS,
  );
}

function phaseQuantile(): Builder<Panel> {
  return colourByName(
    lines({
      title: "Phase quantile $quantile",
      description:
        "The quantile that is chosen above for each phase: which phase has the tail? Not stacked, since quantiles do not add up. Healthy: dispatch and publish stay in milliseconds. When latency jumps, the phase that jumps with it is the place to look.",
      unit: "s",
      width: 12,
      height: 9,
      queries: [
        {
          expr: quantile("$quantile", "phase", ofTasks(METRICS.phase)),
          legend: "{{phase}}",
        },
      ],
    }),
    PHASE_COLOURS,
  );
}
