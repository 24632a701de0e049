/**
 * Recording rules that accept the workers' and the broker's side of the traffic from whoever exposes it:
 * our own observer, celery-exporter, Flower, rabbitmq_prometheus, redis_exporter. Every record says in
 * its label `source` whom it is from, and is summed up by the label `deployment` that scrape jobs may set.
 */
export interface RecordingRule {
  readonly record: string;
  readonly labels: readonly string[];
  /** What it is, and why it is computed like this. */
  readonly comment: string;
  readonly expr: string;
}

/** Which source is taken where several know the same, the most exact first. */
const SOURCES = ["observer", "rabbitmq", "celery-exporter", "flower", "redis"] as const;

type Source = (typeof SOURCES)[number];

/** Some of the sources, each with an expression that answers only where it is scraped. */
type BySource = Partial<Record<Source, string>>;

/** A series that a source exposes for as long as it works. */
const SIGN_OF_LIFE: Readonly<Record<Source, string>> = {
  observer: "celery_load_worker_up",
  rabbitmq: "rabbitmq_detailed_queue_messages_ready",
  "celery-exporter": "celery_worker_up",
  flower: "flower_worker_online",
  redis: "redis_up == 1",
};

/** A source that has seen fewer of the tasks that have ended has lost events. */
const LEAST_SEEN = 0.9;
/** celery-exporter forgets names beyond 10,000 tasks; then what it says by task is wrong. */
const MOST_NAMELESS = 0.01;

/**
 * RabbitMQ has queues beside those of tasks: of events, of remote control, of replies to clients (named by
 * a UUID) and of this daemon.
 */
const OF_TASKS =
  'queue!~"celery-load[.].+|celeryev[.].+|.+[.]celery[.]pidbox|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"';

/** Outcomes of tasks that have run to their end. */
const WITH_RESULT = 'outcome=~"succeeded|failed"';

/** All rules, each one behind those that it reads. */
export function correlationRules(): RecordingRule[] {
  return [...believable(), ...queues(), ...workers()];
}

function believable(): RecordingRule[] {
  const ended = "celery_load:tasks_ended:rate5m";
  const seen = "celery_load:source_seen:ratio";
  const nameless = "celery_load:source_nameless:ratio";
  const present = "celery_load:source_present";
  return [
    {
      record: present,
      labels: ["source"],
      comment: "1 for each source that is scraped and works, 0 for the others.",
      expr: anyOf(
        ...SOURCES.flatMap((source) => [
          named(source, `count by (deployment) (${SIGN_OF_LIFE[source]}) > bool 0`),
          named(source, "count by (deployment) (celery_load_build_info) * 0"),
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
    ${sumOf("task", `rate(celery_load_task_outcomes_total{${WITH_RESULT}}[5m])`)}
    unless on (deployment, task) ${renamed("count by (deployment, workflow) (celery_load_workflow_members_in_flight)", "workflow", "task")},
    "of", "tasks", "", ""
  )
  or label_replace(
    ${sumOf("task", `rate(celery_load_workflow_member_outcomes_total{${WITH_RESULT}}[5m])`)},
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
        observer: shareOf(ofOurWorkers("rate(celery_load_worker_processed_total[5m])"), ended),
        "celery-exporter": shareOf(
          ours(renamed("rate(celery_task_received_total[5m])", "name", "task"), ended),
          ended,
        ),
        flower: shareOf(ours('rate(flower_events_total{type="task-received"}[5m])', ended), ended),
      }),
    },
    {
      record: nameless,
      labels: ["source"],
      comment: "Share of the tasks that celery-exporter could not name (it remembers 10,000).",
      expr: named(
        "celery-exporter",
        `(sum by (deployment) (rate(celery_task_received_total{name="None"}[5m]))
  or 0 * sum by (deployment) (rate(celery_task_received_total[5m])))
/ (sum by (deployment) (rate(celery_task_received_total[5m])) > 0)`,
      ),
    },
    {
      record: "celery_load:source_state",
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

function queues(): RecordingRule[] {
  const ready = "celery_load:queue_ready:by_source";
  return [
    {
      record: ready,
      labels: ["queue", "source"],
      comment:
        "Messages that wait, by everybody who counts them. On Redis a priority has a list of its own, whose key ends in \\x06\\x16 and a number.",
      expr: bySource({
        observer: ofOurQueues("queue_length"),
        rabbitmq: sumOf("queue", `rabbitmq_detailed_queue_messages_ready{${OF_TASKS}}`),
        "celery-exporter": sumOf("queue", renamed("celery_queue_length", "queue_name", "queue")),
        redis: sumOf(
          "queue",
          `label_replace(redis_key_size{key!~"unacked.*|_kombu.*"}, "queue", "$1", "key", "(.+?)(?:\\\\x06\\\\x16[0-9])?")`,
        ),
      }),
    },
    {
      record: "celery_load:queue_ready",
      labels: ["queue", "source"],
      comment: "The same from the most exact source that knows the queue.",
      expr: best(ready, "deployment, queue"),
    },
    {
      record: "celery_load:queue_unacked:by_source",
      labels: ["queue", "source"],
      comment:
        "Messages that workers have fetched and not acknowledged. Redis keeps those of all queues together, which the observer calls *.",
      expr: bySource({
        observer: ofOurQueues("queue_unacked"),
        rabbitmq: sumOf("queue", `rabbitmq_detailed_queue_messages_unacked{${OF_TASKS}}`),
      }),
    },
    {
      record: "celery_load:queue_consumers:by_source",
      labels: ["queue", "source"],
      comment: "Who takes from a queue: consumers, or with celery-exporter workers.",
      expr: bySource({
        observer: ofOurQueues("queue_consumers"),
        rabbitmq: sumOf("queue", `rabbitmq_detailed_queue_consumers{${OF_TASKS}}`),
        "celery-exporter": sumOf(
          "queue",
          renamed("celery_active_worker_count", "queue_name", "queue"),
        ),
      }),
    },
  ];
}

function workers(): RecordingRule[] {
  const busy = "celery_load:worker_busy:by_source";
  return [
    {
      record: "celery_load:workers_up:by_source",
      labels: ["source"],
      comment: "Workers that give signs of life.",
      expr: bySource({
        observer: ofOurWorkers("celery_load_worker_up"),
        "celery-exporter": "sum by (deployment) (celery_worker_up)",
        flower: "sum by (deployment) (flower_worker_online)",
      }),
    },
    {
      record: busy,
      labels: ["source"],
      comment:
        "Running tasks for each place in the pools. celery-exporter gives the places by queue, and a worker of two queues is in both: so only where one queue alone has workers.",
      expr: bySource({
        observer: `${ofOurWorkers("celery_load_worker_active_tasks")}
/ (${ofOurWorkers("celery_load_worker_pool_size")} > 0)`,
        "celery-exporter": `sum by (deployment) (celery_worker_tasks_active)
/ (max by (deployment) (celery_active_process_count > 0)
  and count by (deployment) (celery_active_process_count > 0) == 1)`,
      }),
    },
    {
      record: "celery_load:worker_busy:ratio",
      labels: ["source"],
      comment: "The same from the most exact source.",
      expr: best(busy, "deployment"),
    },
    {
      record: "celery_load:worker_run_seconds:p95_5m",
      labels: ["task", "source"],
      comment:
        "How long tasks run, by everybody who measures it. celery-exporter and Flower count successes only.",
      expr: bySource({
        observer: p95('celery_load_task_phase_seconds_bucket{phase="run"}'),
        "celery-exporter": p95("celery_task_runtime_bucket", "name"),
        flower: p95("flower_task_runtime_seconds_bucket"),
      }),
    },
  ];
}

/** The observers of several daemons see the same queue: one of them counts. Queues of two brokers add up. */
function ofOurQueues(metric: string): string {
  return `sum by (deployment, queue) (max by (deployment, connection, queue) (celery_load_${metric}))`;
}

/** The observers of several daemons hear the same worker: one of them counts. */
function ofOurWorkers(expr: string): string {
  return `sum by (deployment) (max by (deployment, connection, worker) (${expr}))`;
}

function p95(buckets: string, taskLabel = "task"): string {
  const rate = `rate(${buckets}[5m])`;
  const byTask = taskLabel === "task" ? rate : renamed(rate, taskLabel, "task");
  return `histogram_quantile(0.95, sum by (deployment, task, le) (${byTask})) >= 0`;
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

function sumOf(label: string, expr: string): string {
  return `sum by (deployment, ${label}) (${expr})`;
}

/** The same series with the value of one label as another. */
function renamed(expr: string, from: string, to: string): string {
  return `label_replace(${expr}, "${to}", "$1", "${from}", "(.+)")`;
}

function bySource(expressions: BySource): string {
  return anyOf(
    ...SOURCES.flatMap((source) => {
      const expr = expressions[source];
      return expr === undefined ? [] : [named(source, expr)];
    }),
  );
}

function named(source: Source, expr: string): string {
  return `label_replace(${expr}, "source", "${source}", "", "")`;
}

function anyOf(...expressions: string[]): string {
  return expressions.join("\nor ");
}

/** Of the records by source, those of the first source that has one for these labels. */
function best(record: string, labels: string): string {
  return SOURCES.map((source) => `${record}{source="${source}"}`).join(`\nor on (${labels}) `);
}

/** The rules as a file for Prometheus. */
export function correlationRulesText(): string {
  const rules = correlationRules().map(({ record, comment, expr }) =>
    [
      `      # ${comment}`,
      `      - record: ${record}`,
      "        expr: |-",
      ...expr.split("\n").map((line) => `          ${line}`),
    ].join("\n"),
  );
  return `# Generated from src/dashboards/correlation/rules.ts: change that, then run \`npm run generate\`.
#
# What the dashboard Correlation reads: the workers' and the broker's side of the traffic, from whichever of
# our observer, celery-exporter, Flower, rabbitmq_prometheus and redis_exporter this Prometheus scrapes.
# Does it scrape several Celery deployments? Give the scrape jobs of each a label \`deployment\`.
groups:
  - name: celery-load-correlation
    rules:
${rules.join("\n\n")}
`;
}
