import { SETTING_ADVICE, type SettingJudgement } from "../celery/events/setting-advice.js";
import { listText } from "./texts.js";

/**
 * How much a finding matters: a problem makes the load fail or its numbers false, a warning may do so,
 * a note is good to know.
 */
export type Level = "problem" | "warning" | "note";

interface Advice {
  readonly level: Level;
  /** What is the matter; `{name}` stands for what was found. */
  readonly says: string;
  readonly remedy: string;
}

/** Every advice that the doctor can give, by its code, in the order of the reference page. */
export const ADVICE = {
  "server-unreachable": {
    level: "problem",
    says: "The {role} at {url} cannot be reached: {cause}.",
    remedy: "Check that the server runs there, and host, port and firewalls from this machine.",
  },
  "server-refuses": {
    level: "problem",
    says: "The {role} at {url} refuses us: {cause}.",
    remedy: "Correct connections.{connection}.{role}, or the account on the server.",
  },
  "server-full": {
    level: "problem",
    says: "The {role} at {url} takes no more connections: {cause}.",
    remedy:
      "Close connections that are not needed there, or raise the limit (RabbitMQ: set_user_limits, set_vhost_limits; Redis: maxclients). A run tries again until there is a place.",
  },
  "server-nearly-full": {
    level: "warning",
    says: "There was no place on {url} for {parts}: {cause}.",
    remedy:
      "Nothing, if the load is all that matters: its connections come first. To see the rest as well, raise the limit of connections (RabbitMQ: set_user_limits, set_vhost_limits; Redis: maxclients).",
  },
  "server-evicts": {
    level: "warning",
    says: "The {role} at {url} has a memory limit and the policy {policy}: short of memory it deletes {what} without a word.",
    remedy:
      "Set maxmemory-policy noeviction on that server. Short of memory it then refuses writes, its other users' too, and loses nothing: see that it has enough.",
  },
  "no-worker": {
    level: "problem",
    says: "No worker answers on {url}.",
    remedy:
      "Start a worker on this very URL: another database, virtual host or global_keyprefix is another world. A worker with worker_enable_remote_control off cannot be seen.",
  },
  "workers-not-asked": {
    level: "warning",
    says: "The workers could not be asked about queues and tasks: {cause}.",
    remedy:
      "Leave worker_enable_remote_control of the workers at True, and allow this account remote control: on Redis PUBLISH, SADD, SREM, BRPOP and DEL, on RabbitMQ to declare *.reply.celery.pidbox and to write to the exchange celery.pidbox.",
  },
  "worker-silent": {
    level: "warning",
    says: "Heartbeats come from {node}, but no full answer: queues and tasks there are not checked.",
    remedy:
      "Ask again when it is idle, as a solo pool answers only between its tasks; or set worker_enable_remote_control = True.",
  },
  "question-unanswered": {
    level: "warning",
    says: "{heard} subscribers got our question, and only {answered} answered: queues and tasks of the others are not checked.",
    remedy:
      "Ask again when the workers are idle, as a solo pool answers only between its tasks. A monitor that subscribes to every channel counts, too.",
  },
  "same-node-name": {
    level: "warning",
    says: "More than one worker has the same name: {node}.",
    remedy:
      "Give each its own name (celery worker -n NAME@%h): what one of them says is taken for the other's, here and in every monitor.",
  },
  "queue-missing": {
    level: "problem",
    says: "The broker has no queue {queue}{suggestion}: its tasks would be unroutable.",
    remedy: "Start a worker with -Q {queue}, which declares it, or correct the queue of: {tasks}.",
  },
  "queue-without-worker": {
    level: "problem",
    says: "No worker consumes queue {queue}{suggestion}.",
    remedy: "Start a worker with -Q {queue}, or correct the queue of: {tasks}.",
  },
  "queue-deep": {
    level: "warning",
    says: "Queue {queue} holds {ready} messages already, more than its workers fetch at a time ({prefetch}).",
    remedy:
      "Let the workers catch up, start more of them, or use a queue of its own: new tasks wait for all of that first.",
  },
  "queue-fell": {
    level: "warning",
    says: "Queue {queue} had {from} messages a moment ago and now {now}, and no worker consumes it: was it purged or deleted, was its database emptied (FLUSHDB), or did they expire?",
    remedy:
      "Ask who did it: `redis-cli acl log`, the broker's audit log. What was in it does not come back; a run counts such falls in queue_falls_total.",
  },
  "task-unknown": {
    level: "problem",
    says: "No worker has registered {task}{suggestion}.",
    remedy: "Correct tasks.{key}.name, or deploy the code that has it.",
  },
  "task-elsewhere": {
    level: "problem",
    says: "{task} is registered on {nodes}, and nobody there consumes its queue {queue}.",
    remedy:
      "Set tasks.{key}.queue to a queue of theirs ({queues}), or start a worker with -Q {queue}.",
  },
  "task-not-everywhere": {
    level: "problem",
    says: "Queue {queue} is consumed by {nodes}, too, where {task} is not registered: what is fetched there fails with NotRegistered.",
    remedy:
      "Deploy the same code to all workers of a queue, or give the task a queue of its own (tasks.{key}.queue).",
  },
  "content-refused": {
    level: "problem",
    says: "{task} is written in {serializer}, and {node} would throw it away, without a result: accepted there is {accepted}.",
    remedy: "Add {serializer} to accept_content of the workers, or change tasks.{key}.serializer.",
  },
  "priority-list-unread": {
    level: "problem",
    says: "The {option} of {node} is {theirs}, that of this configuration {ours}: the list of {task}, priority {priority}, is never read there.",
    remedy: "Set connections.{connection}.options.{option} to what the workers have.",
  },
  "priority-ignored": {
    level: "warning",
    says: "Queue {queue} has no x-max-priority: the priority {priority} of {task} does nothing.",
    remedy:
      "Leave tasks.{key}.priority out, or set tasks.{key}.queue to a new classic queue that workers declare with max_priority (Celery: task_queue_max_priority). {queue} cannot be given it: a worker that declares it so is refused (406), and its deletion would lose everybody's tasks in it.",
  },
  "priority-of-quorum": {
    level: "warning",
    says: "Queue {queue} is a quorum queue, which has no priorities in RabbitMQ {version}: the priority {priority} of {task} does nothing.",
    remedy:
      "Leave tasks.{key}.priority out, or give what is urgent a queue of its own (tasks.{key}.queue). Keep {queue} as it is: with x-max-priority it is refused (406); RabbitMQ 4 gives it two priorities as it stands.",
  },
  "priority-too-low": {
    level: "warning",
    says: "Queue {queue} is a quorum queue, where RabbitMQ {version} has two priorities, 0 to 4 and from 5 on: the priority {priority} of {task} does nothing.",
    remedy:
      "Set tasks.{key}.priority to 5 or more, or leave it out. Keep {queue} as it is: it needs nothing for it, and with x-max-priority it is refused (406).",
  },
  "priority-of-stream": {
    level: "warning",
    says: "Queue {queue} is a stream, which has no priorities: the priority {priority} of {task} does nothing.",
    remedy: "Leave tasks.{key}.priority out, or name a queue of another type.",
  },
  "priority-unclear": {
    level: "note",
    says: "Whether the priority {priority} of {task} does anything in queue {queue} is not known: it is declared without x-max-priority, and {unknown}.",
    remedy:
      "Look it up: rabbitmqctl list_queues -p VHOST name type arguments, or set connections.{connection}.management and ask again. Without x-max-priority a classic queue has no priorities; a quorum queue of RabbitMQ 4.0 to 4.2 has two, 0 to 4 and from 5 on; for others see rabbitmq.com/docs/priority. Nothing has to be deleted to know it.",
  },
  "rate-limited": {
    level: "warning",
    says: "Each worker starts no more than {limit} of {task} (its rate_limit on {node}), and the plan comes to {planned} for each at its peak: tasks would wait in the worker.",
    remedy: "Plan a lower rate, or raise rate_limit of the task, or start more workers.",
  },
  "expires-breaks-retry": {
    level: "warning",
    says: "Celery {version} runs on {node}: before 5.2.7 a task that expires cannot be retried, and then never answers.",
    remedy: "Set expires: none for tasks that retry ({tasks} expire), or update Celery.",
  },
  "runs-twice": {
    level: "warning",
    says: "{task} acknowledges late and may take {timeout}, longer than the visibility_timeout of {node}, {visibility}: Redis hands it out a second time.",
    remedy:
      "Raise visibility_timeout in broker_transport_options of the workers, of all on this Redis alike. The price: what a worker held that died is handed out later by as much.",
  },
  "results-elsewhere": {
    level: "problem",
    says: "Results of {node} are stored at {theirs}, and this configuration waits for them at {ours}.",
    remedy: "Set connections.{connection}.backend to the workers' result_backend.",
  },
  "results-in-other-database": {
    level: "problem",
    says: "Results of {node} are stored in database {theirs} of Redis, and this configuration looks in {ours}. They still arrive, as channels know no databases; but those of a time without connection are not found, and none is removed.",
    remedy: "Set connections.{connection}.backend to the workers' result_backend.",
  },
  "results-disabled": {
    level: "problem",
    says: "No results of {node} are stored: result_backend is {theirs} there.",
    remedy: "Set result_backend of the workers, and connections.{connection}.backend to the same.",
  },
  "result-ignored": {
    level: "problem",
    says: "{task} ignores its result on {node}: each one would end as timed_out.",
    remedy: "Take ignore_result off the task, or task_ignore_result off the app.",
  },
  ...SETTING_ADVICE,
  "result-unreadable": {
    level: "problem",
    says: "The result of {task} came and could not be read.",
    remedy:
      "Set result_serializer of the workers to json, msgpack or yaml, and result_compression to gzip or brotli, or to none.",
  },
  "publish-failed": {
    level: "problem",
    says: "{task} could not be published ({outcome}): {reason}.",
    remedy: "See the log of the broker, and queue and headers of tasks.{key}.",
  },
  "publish-refused": {
    level: "problem",
    says: "{task} could not be published ({outcome}): {reason}.",
    remedy: "{todo}",
  },
  "task-failed": {
    level: "problem",
    says: "{task} failed with {exception}.",
    remedy:
      "Correct args and kwargs of tasks.{key}, or see the worker's log for the task {id}. If it is meant to fail, all is well.",
  },
  "task-revoked": {
    level: "problem",
    says: "{task} was revoked ({exception}).",
    remedy:
      "If it expired, raise tasks.{key}.expires or compare the clocks; else see who revokes tasks of that name.",
  },
  "result-missing": {
    level: "problem",
    says: "{task} ended on {node} ({end}), and its result did not come to {url}.",
    remedy:
      "Compare result_backend of the workers (and their variable CELERY_RESULT_BACKEND) with connections.{connection}.backend; a task that ends by Ignore stores none.",
  },
  "task-runs-on": {
    level: "warning",
    says: "{task} still ran on {node} after {waited}.",
    remedy: "Wait longer with --wait, up to its timeout of {timeout}.",
  },
  "task-waits": {
    level: "warning",
    says: "{task} was fetched by {node} and had not started after {waited}: its pool is busy.",
    remedy: "Ask again when it is idle, raise --concurrency, or start more workers.",
  },
  "task-lost": {
    level: "problem",
    says: "{task} gave no result within {waited}, and no worker that answers has it.",
    remedy:
      "See whether queue {queue} moves, and the worker's log for the task {id}: a task that ends by Ignore or Reject, or in a worker with another result_backend, looks like this.",
  },
  "latency-near-timeout": {
    level: "warning",
    says: "{task} took {latency}, more than half of its timeout of {timeout}.",
    remedy: "Raise tasks.{key}.timeout: under load tasks take longer, and would end as timed_out.",
  },
  "clock-off": {
    level: "warning",
    says: "The clock of {node} is at least {offset} {direction} ours.",
    remedy:
      "Synchronise the clocks (NTP): phases between the two are wrong by as much, and messages expire too early or too late.",
  },
  "events-off": {
    level: "note",
    says: "Task events are off: the time in the queue and the run cannot be told apart.",
    remedy: "Start the workers with -E (worker_send_task_events = True).",
  },
  "events-not-received": {
    level: "note",
    says: "Events could not be received: {cause}.",
    remedy:
      "Allow this account PSUBSCRIBE on the channels of celeryev (Redis), or a queue celeryev.* bound to the exchange celeryev (RabbitMQ). Workers started with --without-heartbeat and without -E send none.",
  },
  "events-malformed": {
    level: "note",
    says: "{count} event messages could not be read.",
    remedy: "See what else publishes to celeryev, and event_serializer of the workers (json).",
  },
} as const satisfies Readonly<Record<string, Advice>>;

export type AdviceCode = keyof typeof ADVICE;

/** The `{name}`s of a text. */
type Slots<Text extends string> = Text extends `${string}{${infer Slot}}${infer Rest}`
  ? Slot | Slots<Rest>
  : never;

type Slot<Code extends AdviceCode> = Exclude<
  Slots<(typeof ADVICE)[Code]["says"] | (typeof ADVICE)[Code]["remedy"]>,
  "connection"
>;

/** Whatever is about a task may have its key in the configuration, so that it can be merged by it. */
type Values<Code extends AdviceCode> = Readonly<Record<Slot<Code>, string | number>> & {
  readonly key?: string;
};

/** Something that the user should know, and what to do about it. */
export interface Finding {
  readonly code: AdviceCode;
  readonly level: Level;
  readonly connection: string;
  readonly says: string;
  readonly remedy: string;
  /** What was found, by the names in the advice's texts; a list where several findings were merged. */
  readonly values: Readonly<Record<string, Value>>;
}

type Value = string | number | readonly (string | number)[];

/** An advice with what was found in it. */
export function finding<Code extends AdviceCode>(
  code: Code,
  connection: string,
  values: Values<Code>,
): Finding {
  return filledIn(code, connection, values);
}

/** An advice about what a worker's settings were judged to be. */
export function judged({ code, values }: SettingJudgement, connection: string): Finding {
  return filledIn(code, connection, values);
}

/** What may differ in findings that say the same: they are merged task by task, then worker by worker. */
const MERGED_BY = [["key", "id"], ["node"]] as const;

/** The same findings in the same order, where those that say the same of many tasks or workers are one. */
export function mergeFindings(findings: readonly Finding[]): Finding[] {
  return MERGED_BY.reduce<Finding[]>(mergeBy, [...findings]);
}

function mergeBy(findings: readonly Finding[], slots: readonly string[]): Finding[] {
  const groups = new Map<string, Finding[]>();
  for (const each of findings) {
    const rest = Object.entries(each.values).filter(([slot]) => !slots.includes(slot));
    const same = JSON.stringify([each.code, each.connection, rest.sort()]);
    groups.set(same, [...(groups.get(same) ?? []), each]);
  }
  return [...groups.values()].map((group) => {
    const [first, ...others] = group as [Finding, ...Finding[]];
    if (others.length === 0) return first;
    const merged = slots
      .filter((slot) => slot in first.values)
      .map((slot) => [slot, [...new Set(group.flatMap(({ values }) => values[slot] ?? []))]]);
    const values = { ...first.values, ...Object.fromEntries(merged) };
    return filledIn(first.code, first.connection, values);
  });
}

function filledIn(
  code: AdviceCode,
  connection: string,
  values: Readonly<Record<string, Value>>,
): Finding {
  const { level, says, remedy } = ADVICE[code];
  const keys = listOf(values.key);
  // One name may stand under many keys: then it is told which.
  const task = keys.length > 1 ? `${values.task} (${listText(keys)})` : values.task;
  const all: Readonly<Record<string, Value | undefined>> = { ...values, task, connection };
  const filled = (text: string) =>
    text
      .replace(/tasks\.\{key\}(\.\w+)?/g, (_, field = "") =>
        listText(keys.map((key) => `tasks.${key}${field}`)),
      )
      .replace(/\{(\w+)\}/g, (_, slot) => listText(listOf(all[slot])));
  return { code, level, connection, says: filled(says), remedy: filled(remedy), values };
}

function listOf(value: Value | undefined): readonly (string | number)[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value as string | number];
}
