import { METRICS, metric } from "../../exposition/metrics.js";
import { LATENCY_OUTCOMES } from "../../readings/label-values.js";
import { foreign } from "../foreign-metrics.js";
import {
  anyOf,
  bySource,
  named,
  ofOurWorkers,
  renamed,
  SOURCES,
  type Source,
  type SourceRule,
  sumOf,
} from "./by-source.js";
import { SIDES_RECORDS } from "./records.js";

/** A series that a source exposes for as long as it works. */
const SIGN_OF_LIFE: Readonly<Record<Source, string>> = {
  observer: metric(METRICS.workerUp),
  rabbitmq: foreign("rabbitmq_detailed_queue_messages_ready"),
  "celery-exporter": foreign("celery_worker_up"),
  flower: foreign("flower_worker_online"),
  redis: `${foreign("redis_up")} == 1`,
};

/** A source that has seen fewer of the tasks that have ended has lost events. */
const LEAST_SEEN = 0.9;
/** celery-exporter forgets names beyond 10,000 tasks; then what it says by task is wrong. */
const MOST_NAMELESS = 0.01;

/** Outcomes of tasks that have run to their end. */
const WITH_RESULT = `outcome=~"${Object.keys(LATENCY_OUTCOMES).join("|")}"`;

/** Counted by celery-exporter. */
const RECEIVED = foreign("celery_task_received_total");

/** Which sources are there, and can they be believed? */
export function sourceRules(): SourceRule[] {
  const ended = SIDES_RECORDS.tasksEnded;
  const seen = SIDES_RECORDS.sourceSeen;
  const nameless = SIDES_RECORDS.sourceNameless;
  const present = SIDES_RECORDS.sourcePresent;
  return [
    {
      record: present,
      labels: ["source"],
      comment: "1 for each source that is scraped and works, 0 for the others.",
      expr: anyOf(
        ...SOURCES.flatMap((source) => [
          named(source, `count by (deployment) (${SIGN_OF_LIFE[source]}) > bool 0`),
          named(source, `count by (deployment) (${metric(METRICS.buildInfo)}) * 0`),
        ]),
      ),
    },
    {
      record: ended,
      labels: ["task"],
      comment:
        "Our tasks whose result we have, by the name that workers know: of workflows, which have none, their members.",
      expr: `sum by (deployment, task) (
  label_replace(
    ${sumOf("task", `rate(${metric(METRICS.outcomes)}{${WITH_RESULT}}[5m])`)}
    unless on (deployment, task) ${renamed(`count by (deployment, workflow) (${metric(METRICS.membersInFlight)})`, "workflow", "task")},
    "of", "tasks", "", ""
  )
  or label_replace(
    ${sumOf("task", `rate(${metric(METRICS.memberOutcomes)}{${WITH_RESULT}}[5m])`)},
    "of", "members", "", ""
  )
)`,
    },
    {
      record: seen,
      labels: ["source"],
      comment:
        "How many tasks a source has seen for each of ours that has ended. Below 1 it has lost events; above it, others send these tasks too. The observer and RabbitMQ count no tasks by name.",
      expr: bySource({
        observer: shareOf(ofOurWorkers(`rate(${metric(METRICS.workerProcessed)}[5m])`), ended),
        "celery-exporter": shareOf(
          ours(renamed(`rate(${RECEIVED}[5m])`, "name", "task"), ended),
          ended,
        ),
        flower: shareOf(
          ours(`rate(${foreign("flower_events_total")}{type="task-received"}[5m])`, ended),
          ended,
        ),
      }),
    },
    {
      record: nameless,
      labels: ["source"],
      comment: "Share of the tasks that celery-exporter could not name (it remembers 10,000).",
      expr: named(
        "celery-exporter",
        `(sum by (deployment) (rate(${RECEIVED}{name="None"}[5m]))
  or 0 * sum by (deployment) (rate(${RECEIVED}[5m])))
/ (sum by (deployment) (rate(${RECEIVED}[5m])) > 0)`,
      ),
    },
    {
      record: SIDES_RECORDS.sourceState,
      labels: ["source"],
      comment: `0 absent, 1 in doubt (has seen less than ${LEAST_SEEN} of our tasks, or over ${MOST_NAMELESS} without a name), 2 believed.`,
      expr: `clamp_min(
  2 * ${present} - on (deployment, source) ((${seen} < ${LEAST_SEEN} or ${nameless} > ${MOST_NAMELESS}) * 0 + 1),
  0
)
or 2 * ${present}`,
    },
  ];
}

/** Of what a source has seen, the tasks that we send. */
function ours(received: string, ended: string): string {
  return `sum by (deployment) (
  sum by (deployment, task) (${received})
  and on (deployment, task) ${ended}
)`;
}

function shareOf(seen: string, ended: string): string {
  return `${seen}
/ (sum by (deployment) (${ended}) > 0)`;
}
