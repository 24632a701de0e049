import type { Serializer } from "../../celery/messages/task-options.js";
import { didYouMean } from "../../did-you-mean.js";
import { type Finding, finding } from "../advice.js";
import type { ConnectionFacts, QueueFacts, TaskFacts, WorkerFacts } from "../facts.js";

/** Queues and tasks of the configuration: is there a worker for each, and what does it do with them? */
export function checkTasks(facts: ConnectionFacts): Finding[] {
  if (facts.broker.fault !== null) return [];
  return [
    ...facts.queues.flatMap((queue) => checkQueue(facts, queue)),
    ...facts.queueFalls.map(({ queue, from, to }) =>
      finding("queue-fell", facts.connection, { queue, from, now: fallText(to) }),
    ),
    ...facts.tasks.flatMap((task) => [
      ...checkRegistration(facts, task),
      ...checkContent(facts, task),
      ...checkAttributes(facts, task),
    ]),
  ];
}

/**
 * Do the workers that answered stand for all? Nothing is missing for want of an answer then, else it
 * may be with those that are silent.
 */
function knowsAllWorkers({ workers }: ConnectionFacts): boolean {
  const { answered, sameNames, silent, heardBy, controlFault } = workers;
  const unheard = (heardBy ?? 0) - answered.length - sameNames.length;
  return controlFault === null && silent.length === 0 && unheard <= 0;
}

/** Do the workers that answered and consume a queue stand for all that do? RabbitMQ counts consumers. */
export function knowsConsumers(facts: ConnectionFacts, queue: string): boolean {
  const counted = facts.queues.find(({ name }) => name === queue)?.depth?.consumers ?? 0;
  return knowsAllWorkers(facts) && counted <= consumersOf(facts, queue).length;
}

/** The workers that consume a queue, of those that answered. */
export function consumersOf({ workers }: ConnectionFacts, queue: string): WorkerFacts[] {
  return workers.answered.filter(({ queues }) => queues.some(({ name }) => name === queue));
}

export function hasTask({ tasks }: WorkerFacts, name: string): boolean {
  return tasks.some((task) => task.name === name);
}

function checkQueue(facts: ConnectionFacts, { name, depth, isMissing }: QueueFacts): Finding[] {
  const { connection, workers } = facts;
  const users = facts.tasks.filter(({ queue }) => queue === name).map(({ key }) => key);
  const known = workers.answered.flatMap(({ queues }) => queues.map((queue) => queue.name));
  const about = { queue: name, suggestion: suggestion(name, known), tasks: users.join(", ") };
  if (isMissing) return [finding("queue-missing", connection, about)];
  const findings: Finding[] = [];
  const consumers = consumersOf(facts, name);
  if (consumers.length === 0 && hasWorkers(facts) && knowsConsumers(facts, name)) {
    findings.push(finding("queue-without-worker", connection, about));
  }
  const prefetches = consumers.map(({ prefetch }) => prefetch);
  if (depth !== null && consumers.length > 0 && prefetches.every(isLimited)) {
    const prefetch = prefetches.reduce((sum, count) => sum + count, 0);
    if (depth.ready > prefetch) {
      findings.push(
        finding("queue-deep", connection, { queue: name, ready: depth.ready, prefetch }),
      );
    }
  }
  return findings;
}

/** Null: it is gone. */
function fallText(to: number | null): string {
  return to === null ? "it is gone" : `it has ${to}`;
}

/** Prefetch 0 is no limit. */
function isLimited(prefetch: number | null): prefetch is number {
  return prefetch !== null && prefetch > 0;
}

/** Without any there is one finding about that, and not one more for each queue and task. */
function hasWorkers({ workers }: ConnectionFacts): boolean {
  return workers.answered.length > 0;
}

function checkRegistration(facts: ConnectionFacts, task: TaskFacts): Finding[] {
  const { connection, workers } = facts;
  const { key, name, queue } = task;
  if (!hasWorkers(facts)) return [];
  const knowing = workers.answered.filter((worker) => hasTask(worker, name));
  const consumers = consumersOf(facts, queue);
  if (knowing.length === 0) {
    if (!knowsConsumers(facts, queue)) return [];
    const known = workers.answered.flatMap(({ tasks }) => tasks.map((each) => each.name));
    return [
      finding("task-unknown", connection, { key, task: name, suggestion: suggestion(name, known) }),
    ];
  }
  if (consumers.length === 0) return []; // said of the queue
  const without = consumers.filter((worker) => !hasTask(worker, name));
  if (without.length === consumers.length) {
    if (!knowsConsumers(facts, queue)) return [];
    const queues = new Set(knowing.flatMap((worker) => worker.queues.map((each) => each.name)));
    return [
      finding("task-elsewhere", connection, {
        key,
        task: name,
        queue,
        nodes: nodesOf(knowing),
        queues: [...queues].join(", "),
      }),
    ];
  }
  if (without.length === 0) return [];
  return [
    finding("task-not-everywhere", connection, { key, task: name, queue, nodes: nodesOf(without) }),
  ];
}

/** `accept_content` may hold names and content types. True when it is not known. */
export function accepts({ settings }: WorkerFacts, serializer: Serializer): boolean {
  const accepted = settings.acceptContent;
  return (
    accepted === null ||
    accepted.includes(serializer) ||
    accepted.includes(CONTENT_TYPES[serializer])
  );
}

const CONTENT_TYPES: Readonly<Record<Serializer, string>> = {
  json: "application/json",
  msgpack: "application/x-msgpack",
  yaml: "application/x-yaml",
};

function checkContent(facts: ConnectionFacts, task: TaskFacts): Finding[] {
  const { key, name, queue, serializer } = task;
  return consumersOf(facts, queue)
    .filter((worker) => !accepts(worker, serializer))
    .map(({ node, settings }) => {
      const accepted = settings.acceptContent?.join(", ") || "nothing";
      const values = { key, node, accepted, serializer, task: name };
      return finding("content-refused", facts.connection, values);
    });
}

/** Does the task ignore its result by its own word, or by the worker's default? */
export function ignores({ tasks }: WorkerFacts, { name }: TaskFacts): boolean {
  return tasks.find((each) => each.name === name)?.ignoresResult ?? false;
}

function checkAttributes(facts: ConnectionFacts, task: TaskFacts): Finding[] {
  const { key, name, queue, ignoreResult } = task;
  if (ignoreResult !== null) return [];
  return consumersOf(facts, queue)
    .filter((worker) => ignores(worker, task) && !worker.settings.ignoresResults) // said of the worker
    .map(({ node }) => finding("result-ignored", facts.connection, { key, task: name, node }));
}

function nodesOf(workers: readonly WorkerFacts[]): string {
  return workers.map(({ node }) => node).join(", ");
}

function suggestion(word: string, candidates: readonly string[]): string {
  const best = didYouMean(word, candidates);
  return best === undefined ? "" : `; did you mean ${best}`;
}
