import { METRIC_PREFIX, METRICS, type MetricKey } from "../exposition/metrics.js";
import { labelValues } from "./label-values.js";
import { code, GENERATED, table } from "./markdown.js";

/** The page docs/metrics.md: every metric of the daemon, and how to read them. */
export function metricsPage(): string {
  return `${GENERATED}

# Metrics

\`GET /metrics\` answers in Prometheus' text format 0.0.4 or in OpenMetrics 1.0, as the \`Accept\` header asks, gzipped when asked. A scrape never waits for the broker, the backend or a worker: it reads a copy of the counts, all taken at the same moment.

## Every task is accounted for

For each scenario and task, in every scrape, exactly:

\`\`\`text
planned   = publishing + published + dropped + publish failures
published = in flight + succeeded + failed + revoked + timed_out + unknown
\`\`\`

The gauges (publishing, in flight) are counted from the table of tasks and never derived from the counters, so the equations are a real check of the daemon. In PromQL the first one, which must be 0:

\`\`\`promql
sum by (scenario, task) (celery_load_tasks_planned_total)
- sum by (scenario, task) (celery_load_tasks_publishing)
- sum by (scenario, task) (celery_load_tasks_published_total)
- sum by (scenario, task) (celery_load_tasks_dropped_total)
- sum by (scenario, task) (celery_load_publish_failures_total)
\`\`\`

What the words mean:

- **planned**: the profile wanted a start. A rate is a rate: slow workers do not slow the plan down (only closed loops, \`max\` and [users](users.md), wait for them).
- **dropped**: a planned start that was never sent and never will be; nothing is caught up later. The reason \`in_flight\` means that the workers are too slow for \`maxInFlight\`, \`saturated\` that the daemon itself was, and the others concern the broker.
- **publish failure**: provably not in a queue.
- **published**: a worker may have it. That includes messages whose answer from the broker was lost; a result settles them, and without one they end as \`unknown\`.
- **outcome**: what became of a published task. A task has one, and nothing changes it: a result after the deadline is counted as late, a second one as duplicate. A retry does not end a task.

## What the latency is

\`celery_load_task_latency_seconds\` runs **from the moment at which the task was planned to start until its result was received** here, on the clock of the daemon. A stall of the broker or of the daemon itself therefore shows in the latency of everything that was due meanwhile, instead of hiding (no "coordinated omission").

It has the tasks that succeeded and those that failed. It does not have

- tasks of the warm-up (\`warmup\` of the scenario),
- tasks that timed out or are unknown, which have no result: look at the outcomes beside every latency,
- revoked tasks, which did not run,
- results that were recovered by asking the backend after its stream was away: they are known only after the fact.

Its parts are in \`celery_load_task_phase_seconds\`:

| phase | from | to | clock |
| --- | --- | --- | --- |
| \`dispatch\` | planned start | call that publishes | the daemon's |
| \`publish\` | call that publishes | answer of the broker | the daemon's |
| \`work\` | call that publishes | \`date_done\` of the result: waiting in the queue and running | the daemon's → the worker's |
| \`queue\` | call that publishes | \`task-started\` event | the daemon's → the worker's, corrected |
| \`run\` | \`task-started\` event | \`date_done\` of the result; without one the worker's own \`runtime\`, or the event that ends the task | the worker's |
| \`delivery\` | \`date_done\` of the result | result received | the worker's, corrected → the daemon's |

\`dispatch\`, \`queue\`, \`run\` and \`delivery\` follow one another without gap or overlap: of every task that has all four they add up to its latency. The worker's \`runtime\`, which Flower shows, is longer than \`run\` by the time in which the result is stored; here that is \`delivery\`.

\`dispatch\` above a few milliseconds means that the daemon is late: compare \`celery_load_generator_saturated\` before you blame the workers. \`work\` compares two clocks as they are; where the clocks disagree so much that a task would have ended before it was sent, or after its result was here, the sample is left out. The buckets of the latency are \`buckets\` of the configuration. The phases that can be most of it, \`work\`, \`queue\` and \`run\`, have the same; \`dispatch\`, \`publish\` and \`delivery\` use every second one.

The last three need [events of tasks](observer.md): \`events: on\`, or workers with \`-E\`. Then **latency = dispatch + queue + run + delivery**, but for the milliseconds in which a worker stores the result and writes its events. They are those of tasks that ran once, to success or failure: tasks that were retried or delivered again, whose result was recovered, or whose events were lost are left out; so are workflows. A phase within which a clock was set is in no histogram; \`celery_load_task_phases_left_out_total\` counts those. How the clocks are corrected, and what \`celery_load_task_phase_uncertain_total\` counts, stands [there](observer.md#clocks).

## The workers' side

\`celery_load_worker_*\` and \`celery_load_queue_*\` are what the daemon sees of the deployment beside its own tasks; everybody's tasks are in them. A series that is absent is not known: [how they are read, and what they cost](observer.md).

\`celery_load_bottleneck\` says which side makes a task slow: [by these rules](bottleneck.md).

\`celery_load_drift_per_hour\` and \`celery_load_drift_significant\` say what creeps over hours: [what is watched, and how sure that is](drift.md).

## SLOs

The metrics \`celery_load_slo_…\` count the same tasks once more, as good and bad events of the configured [service level objectives](slo.md).

## How many series there are

Labels hold names of the configuration and fixed words, with three exceptions: names of workers and exception classes come from the workers, and stages from the profiles. All sets of labels that are known beforehand exist from the start at 0. Those of the scenarios, tasks, stages, connections and queues, and of the daemon itself (\`celery_load_…\`), are counted at the start, as if everything were known of them: when they alone are more than \`limits.series\` (5000 unless set), the daemon does not start (nor does \`celery-load check\` pass) and names what makes the most of them. A histogram costs the most: its buckets + 3 for each task and label value.

What is left of \`limits.series\` is for workers, up to 200 for each connection and half of it, and for exception classes, up to 1000. Beyond that, further ones are counted with \`worker="other"\` or \`exception="other"\`, and \`celery_load_series_folded_total\` counts how often.

Tasks that share a registered name within a scenario (one task with different arguments) are one series.

## All metrics

Fixed values of a label stand behind it in the table. The values of the others:

${table(
  ["label", "its values"],
  [...freeLabels()].map(([label, values]) => [code(label), values]),
)}

${table(["name", "type", "labels", "meaning"], (Object.keys(METRICS) as MetricKey[]).map(row))}

Beside these there are prom-client's [default metrics](https://github.com/siimon/prom-client#default-metrics) of the process and of Node: \`process_*\` (among them \`process_cpu_seconds_total\`, \`process_resident_memory_bytes\`, \`process_start_time_seconds\`) and \`nodejs_*\`, without the three gauges \`nodejs_active_…_total\`, whose names \`promtool check metrics\` refuses, and without the statistics \`nodejs_eventloop_lag_…\`, for which \`celery_load_event_loop_utilization\` and \`celery_load_dispatch_lag_seconds\` stand. In OpenMetrics a counter's family is its name without \`_total\`; its series have it.
`;
}

/** Labels whose values are not fixed by the code, each once. */
function freeLabels(): Map<string, string> {
  const free = new Map<string, string>();
  for (const key of Object.keys(METRICS) as MetricKey[]) {
    for (const label of METRICS[key].labels) {
      const values = labelValues(key, label);
      if (typeof values === "string") free.set(label, values);
    }
  }
  return free;
}

function row(key: MetricKey): string[] {
  const { name, type, labels, help } = METRICS[key];
  return [
    code(METRIC_PREFIX + name),
    type,
    labels.map((label) => text(key, label)).join("<br>"),
    help,
  ];
}

function text(key: MetricKey, label: string): string {
  const values = labelValues(key, label);
  return typeof values === "object"
    ? `${code(label)} = ${values.map(code).join(", ")}`
    : code(label);
}
