import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { addressOf } from "../board.js";
import { colourByName, lines, rowsBy, stackedAreas } from "../panels.js";
import { aggregate, grownInRange, ofTask, ofTasks, perSecond, quantileInRange } from "../promql.js";

const LATENCY = ofTasks(METRICS.latency);
/** What the table's links keep of the page that they are on. */
const KEPT = ["datasource", "job", "instance", "scenario", "quantile"];

/** How much of what is sent and finished; the table says which task is worst. */
export function throughputPanels(): Builder<Panel>[] {
  return [
    taskTable(KEPT),
    publishedByTask(),
    finishedByTask(),
    inFlightByTask(),
    publishedShare(),
    publishedByQueue(),
  ];
}

/**
 * The table of all tasks; a click on a name leads to the dashboard Tasks, narrowed to it.
 * `kept` are the variables of the page that it keeps.
 */
export function taskTable(kept: readonly string[]): Builder<Panel> {
  const succeeded = grownInRange("task", ofTask(METRICS.outcomes, 'outcome="succeeded"'));
  const finished = grownInRange("task", ofTask(METRICS.outcomes));
  const published = grownInRange("task", ofTask(METRICS.published));
  const url = addressOf("tasks", kept, { task: `\${__value.raw}` });
  return rowsBy("task", {
    title: "Tasks in this time range",
    description:
      "One row for each task, over the whole time range of the page: which task is worst? Healthy: 100 % success, no drops, a p99 near the p95. Success counts every outcome (failed, revoked, timed out, unknown are not successes); latency counts from the planned start to the received result, of tasks that succeeded or failed. Click a name to see that task alone.",
    unit: "short",
    width: 24,
    height: 8,
    queries: [
      { expr: `${published} / $__range_s`, legend: "published" },
      { expr: `${succeeded} / (${finished} > 0)`, legend: "success" },
      { expr: quantileInRange("0.5", "task", LATENCY), legend: "p50" },
      { expr: quantileInRange("0.95", "task", LATENCY), legend: "p95" },
      { expr: quantileInRange("0.99", "task", LATENCY), legend: "p99" },
      { expr: aggregate("sum", "task", ofTask(METRICS.inFlight)), legend: "in flight" },
      { expr: grownInRange("task", ofTask(METRICS.retries)), legend: "retries" },
      { expr: grownInRange("task", ofTask(METRICS.dropped)), legend: "dropped" },
    ],
    columns: {
      task: { heading: "Task", link: { title: "Show only this task", url } },
      "Value #A": { heading: "Published", unit: "cps" },
      "Value #B": {
        heading: "Success",
        unit: "percentunit",
        noValue: "nothing finished",
        steps: [
          [null, "red"],
          [0.99, "orange"],
          [0.999, "green"],
        ],
      },
      "Value #C": { heading: "p50", unit: "s" },
      "Value #D": { heading: "p95", unit: "s" },
      "Value #E": { heading: "p99", unit: "s" },
      "Value #F": { heading: "In flight now", unit: "short" },
      "Value #G": { heading: "Retries", unit: "short" },
      "Value #H": {
        heading: "Dropped",
        unit: "short",
        steps: [
          [null, "text"],
          [0.5, "orange"],
        ],
      },
    },
    noValue: "no task",
  });
}

function publishedByTask(): Builder<Panel> {
  return stackedAreas({
    title: "Published by task",
    description:
      "Tasks a second that the broker has accepted. Healthy: follows the profile, and the shares of the tasks follow the mix. A notch that the target rate does not have is load that was never sent: see drops and publish failures.",
    unit: "cps",
    width: 12,
    height: 9,
    queries: [{ expr: perSecond("task", ofTask(METRICS.published)), legend: "{{task}}" }],
  });
}

function finishedByTask(): Builder<Panel> {
  return stackedAreas({
    title: "Finished by task",
    description:
      "Tasks a second whose outcome became known, whatever it was. Healthy: the same shape as Published by task, later by the latency. Lower for long: a backlog grows (In flight by task). Higher: a backlog is worked off, or many tasks ran into their timeout at once (Outcomes).",
    unit: "cps",
    width: 12,
    height: 9,
    queries: [{ expr: perSecond("task", ofTask(METRICS.outcomes)), legend: "{{task}}" }],
  });
}

function publishedByQueue(): Builder<Panel> {
  return stackedAreas({
    title: "Published by queue",
    description:
      "The same tasks by the queue that they were sent to. Healthy: every queue here has workers that consume it; compare with the queues of your worker or broker exporter. A queue that only grows there and is filled here is routed to nobody.",
    unit: "cps",
    width: 24,
    height: 8,
    queries: [{ expr: perSecond("queue", ofTask(METRICS.published)), legend: "{{queue}}" }],
  });
}

function publishedShare(): Builder<Panel> {
  const planned = perSecond("task", ofTask(METRICS.planned));
  const published = perSecond("task", ofTask(METRICS.published));
  return lines({
    title: "Share of the plan that was published",
    description:
      "Published divided by planned, by task. Healthy: 100 %. Below it, the rest was dropped or refused for this task; since the plan does not wait, what is missing here is never sent later.",
    unit: "percentunit",
    width: 12,
    height: 9,
    queries: [{ expr: `${published} / (${planned} > 0)`, legend: "{{task}}" }],
  }).axisSoftMax(1);
}

function inFlightByTask(): Builder<Panel> {
  return colourByName(
    lines({
      title: "In flight by task",
      description:
        "Published tasks that wait for their outcome, and (publishing) tasks whose message the broker has not confirmed yet. Healthy: level while the rate is level; publishing near 0. A ramp up at a level rate is a backlog that the workers do not work off; publishing above 0 for long is a slow or blocked broker.",
      unit: "short",
      width: 12,
      height: 9,
      queries: [
        { expr: aggregate("sum", "task", ofTask(METRICS.inFlight)), legend: "{{task}}" },
        { expr: aggregate("sum", "", ofTask(METRICS.publishing)), legend: "publishing" },
      ],
    }),
    { publishing: "text" },
  );
}
