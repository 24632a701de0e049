import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import type { OUTCOMES } from "../../ledger/ends.js";
import { colourByName, lines, ranking, stackedAreas } from "../panels.js";
import { grownInRange, ofDaemon, ofTask, perSecond } from "../promql.js";

/** What went wrong with tasks, before and after they were sent. */
export function errorPanels(): Builder<Panel>[] {
  return [
    outcomes(),
    successByTask(),
    exceptionsOverTime(),
    topExceptions(),
    dropsByReason(),
    publishFailures(),
    hiddenWork(),
  ];
}

const OUTCOME_COLOURS = {
  succeeded: "green",
  failed: "red",
  revoked: "purple",
  timed_out: "orange",
  unknown: "text",
} satisfies Record<keyof typeof OUTCOMES, string>;

export function outcomes(): Builder<Panel> {
  return colourByName(
    stackedAreas({
      title: "Outcomes",
      description:
        "What became of published tasks. Healthy: all succeeded. failed: the task raised (see exceptions). timed_out: no result by the deadline, so workers are too slow, gone, or do not store results. revoked: expired in the queue or revoked by hand. unknown: the connection died before the broker answered, or the daemon stopped, so nobody can tell.",
      unit: "cps",
      width: 12,
      height: 9,
      queries: [{ expr: perSecond("outcome", ofTask(METRICS.outcomes)), legend: "{{outcome}}" }],
    }),
    OUTCOME_COLOURS,
  );
}

function successByTask(): Builder<Panel> {
  const succeeded = perSecond("task", ofTask(METRICS.outcomes, 'outcome="succeeded"'));
  const finished = perSecond("task", ofTask(METRICS.outcomes));
  return lines({
    title: "Success by task",
    description:
      "Succeeded tasks divided by all tasks whose outcome became known. Healthy: 100 %, or the ratio that the task is built to have. A dip of one task alone is that task's code; a dip of all at once is the broker, the backend or the workers.",
    unit: "percentunit",
    width: 12,
    height: 9,
    queries: [{ expr: `${succeeded} / (${finished} > 0)`, legend: "{{task}}" }],
  }).axisSoftMax(1);
}

function exceptionsOverTime(): Builder<Panel> {
  return stackedAreas({
    title: "Errors by exception",
    description:
      "Failed and revoked tasks a second by the class of the exception that the worker reported: since when does it break? Healthy: 0. TimeLimitExceeded and WorkerLostError come from the worker itself, not from the task's code. Classes beyond limits.series are counted as other.",
    unit: "cps",
    width: 12,
    height: 9,
    queries: [{ expr: perSecond("exception", ofTask(METRICS.errors)), legend: "{{exception}}" }],
  });
}

function topExceptions(): Builder<Panel> {
  return ranking({
    title: "Top 10 errors in this time range",
    description:
      "The ten most frequent pairs of task and exception over the whole time range of the page: what breaks most? Healthy: empty. Take the task's name to the worker's log or to Flower.",
    unit: "short",
    width: 12,
    height: 9,
    queries: [
      {
        expr: `topk(10, ${grownInRange("task, exception", ofTask(METRICS.errors))} > 0)`,
        legend: "{{task}} {{exception}}",
      },
    ],
    noValue: "no errors",
  });
}

function dropsByReason(): Builder<Panel> {
  return stackedAreas({
    title: "Drops by reason",
    description:
      "Planned starts that were never sent, and never will be. Healthy: 0. in_flight: maxInFlight is reached, the workers are too slow for this rate. not_connected, backpressure: the broker. saturated: the daemon itself was too slow.",
    unit: "cps",
    width: 8,
    height: 9,
    queries: [{ expr: perSecond("reason", ofTask(METRICS.dropped)), legend: "{{reason}}" }],
  });
}

function publishFailures(): Builder<Panel> {
  return lines({
    title: "Publish failures by kind",
    description:
      "Tasks that the broker refused, so that they are certainly not in a queue. Healthy: 0. rejected: the broker said no, as when it is out of memory or rights are missing. unroutable: RabbitMQ has no such queue. too_large: it takes none of that size. invalid: the message could not be built from the configuration. The log of the daemon has the reason.",
    unit: "cps",
    width: 8,
    height: 9,
    queries: [{ expr: perSecond("kind", ofTask(METRICS.publishFailures)), legend: "{{kind}}" }],
  });
}

function hiddenWork(): Builder<Panel> {
  return lines({
    title: "Retries, and results outside the outcomes",
    description:
      "Work that the outcomes do not show. Healthy: 0, or the retries that the task is built for. late: the result came after the timeout had been counted, so the timeout is too short or the queue too long. duplicates: the broker delivered a task twice (visibility timeout, lost acknowledgement). recovered: results found by asking again after the result stream was away. unmatched: results of tasks so old that the daemon has forgotten them; of all tasks, whatever is selected.",
    unit: "cps",
    width: 8,
    height: 9,
    queries: [
      { expr: perSecond("", ofTask(METRICS.retries)), legend: "retries" },
      { expr: perSecond("", ofTask(METRICS.late)), legend: "late" },
      { expr: perSecond("", ofTask(METRICS.duplicates)), legend: "duplicates" },
      { expr: perSecond("", ofTask(METRICS.recovered)), legend: "recovered" },
      { expr: perSecond("", ofDaemon(METRICS.unmatched)), legend: "unmatched" },
    ],
  });
}
