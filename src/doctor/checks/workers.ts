import {
  DEFAULT_QUEUE,
  judgeDefaultQueue,
  judgeResults,
} from "../../celery/events/setting-advice.js";
import { parseRedisUrl } from "../../celery/urls/redis-url.js";
import { schemeOf } from "../../celery/urls/server-url.js";
import { isFull } from "../../connections/limit.js";
import { type Finding, finding, judged } from "../advice.js";
import type { ConnectionFacts, WorkerFacts } from "../facts.js";
import { measuredText } from "../texts.js";
import { isBefore } from "../versions.js";
import { consumersOf, ignores, knowsConsumers } from "./tasks.js";

/** The workers as such: are they there, do they answer, can they work with this configuration? */
export function checkWorkers(facts: ConnectionFacts): Finding[] {
  if (facts.broker.fault !== null) return [];
  return [
    ...checkAnswers(facts),
    ...facts.workers.answered.flatMap((worker) => [
      ...checkResults(facts, worker),
      ...checkResultSettings(facts, worker),
      ...checkDefaultQueue(facts, worker),
      ...checkPriorityLists(facts, worker),
      ...checkExpiry(facts, worker),
      ...checkVisibility(facts, worker),
    ]),
  ];
}

function checkAnswers(facts: ConnectionFacts): Finding[] {
  const { connection, broker, workers } = facts;
  const { answered, silent, heardBy, sameNames, controlFault } = workers;
  if (controlFault !== null && isFull(controlFault)) return []; // the servers' checks tell
  if (controlFault !== null) {
    return [finding("workers-not-asked", connection, { cause: controlFault })];
  }
  const findings = sameNames.map((node) => finding("same-node-name", connection, { node }));
  if (answered.length === 0 && silent.length === 0 && !heardBy) {
    findings.push(
      hasWorkersAnyway(facts)
        ? finding("workers-not-asked", connection, { cause: "nobody answers" })
        : finding("no-worker", connection, { url: broker.url }),
    );
  }
  findings.push(...silent.map((node) => finding("worker-silent", connection, { node })));
  const unknown = (heardBy ?? 0) - answered.length - sameNames.length - silent.length;
  if (unknown > 0) {
    const counts = { heard: heardBy ?? 0, answered: answered.length };
    findings.push(finding("question-unanswered", connection, counts));
  }
  return findings;
}

/** Without remote control workers show by what they do. */
function hasWorkersAnyway(facts: ConnectionFacts): boolean {
  return facts.queues.some(({ depth }) => (depth?.consumers ?? 0) > 0) || hasResult(facts);
}

/** The result of at least one task has arrived. */
function hasResult({ starts }: ConnectionFacts): boolean {
  return starts.some(({ probe }) => probe.sent && probe.result !== null);
}

/** The result of a task that this worker ran, by its events or as the only one of the queue, has arrived. */
function hasResultOf(facts: ConnectionFacts, node: string): boolean {
  return facts.starts.some(({ probe, tasks }) => {
    if (!probe.sent || probe.result === null) return false;
    const { id } = probe.result;
    const isByEvents = probe.events.some(({ uuid, hostname }) => uuid === id && hostname === node);
    const queues = facts.tasks.filter(({ key }) => tasks.includes(key)).map(({ queue }) => queue);
    const isOnly = queues.every((queue) => {
      const consumers = consumersOf(facts, queue);
      return consumers.length === 1 && consumers[0]!.node === node && knowsConsumers(facts, queue);
    });
    return isByEvents || isOnly;
  });
}

/**
 * Compares what two URLs say whatever way their hosts are written: a server may have many names, but
 * a kind and a database are what they are.
 */
function checkResults(facts: ConnectionFacts, { node, settings }: WorkerFacts): Finding[] {
  const { connection, backend } = facts;
  const theirs = settings.resultBackend;
  // It may come from the worker's environment; and who wants no results compares none.
  if (theirs === null || backend.kind === "disabled") return [];
  const scheme = schemeOf(theirs) || theirs.toLowerCase().replace(/:.*$/, "");
  if (scheme === "disabled") return [finding("results-disabled", connection, { node, theirs })];
  const isRedis = REDIS_SCHEMES.has(scheme);
  const database = isRedis ? databaseOf(theirs) : null;
  const isSameKind = backend.kind === "rpc" ? scheme === "rpc" : isRedis;
  const isSameDatabase =
    database === null || backend.database === null || database === backend.database;
  if (isSameKind && isSameDatabase) return [];
  // It arrived: the worker's environment says otherwise than its settings, and is not told.
  if (!isSameKind && hasResultOf(facts, node)) return [];
  if (isSameKind && hasResult(facts)) {
    const both = { theirs: database ?? "", ours: backend.database ?? "" };
    return [finding("results-in-other-database", connection, { node, ...both })];
  }
  return [finding("results-elsewhere", connection, { node, theirs, ours: backend.url })];
}

/** Only of workers that our tasks come to. */
function checkResultSettings(facts: ConnectionFacts, worker: WorkerFacts): Finding[] {
  const { connection, backend, tasks } = facts;
  const isOurs = tasks.some(({ queue }) => worker.queues.some(({ name }) => name === queue));
  if (backend.kind === "disabled" || !isOurs) return [];
  const isIgnored = tasks.some((task) => task.ignoreResult === null && ignores(worker, task));
  const settings = {
    ...worker.settings,
    ignoresResults: worker.settings.ignoresResults && isIgnored,
  };
  return judgeResults(worker.node, settings, backend.kind !== "rpc").map((each) =>
    judged(each, connection),
  );
}

/** A queue that nobody consumes may be the one that workers have another default for. */
function checkDefaultQueue(facts: ConnectionFacts, worker: WorkerFacts): Finding[] {
  const isUsed = facts.tasks.some(({ queue }) => queue === DEFAULT_QUEUE);
  const isServed = consumersOf(facts, DEFAULT_QUEUE).length > 0;
  if (!isUsed || isServed || !knowsConsumers(facts, DEFAULT_QUEUE)) return [];
  return judgeDefaultQueue(worker.node, worker.settings.defaultQueue).map((each) =>
    judged(each, facts.connection),
  );
}

const REDIS_SCHEMES = new Set(["redis", "rediss", "redis+socket", "socket", "sentinel"]);

/** Null when it cannot be read out of the URL. */
function databaseOf(url: string): number | null {
  try {
    return parseRedisUrl(url).db;
  } catch {
    return null; // written as we would not: nothing is known
  }
}

/** Tasks with a priority go to a list of their own; workers only read those that they know. */
function checkPriorityLists(facts: ConnectionFacts, worker: WorkerFacts): Finding[] {
  const { connection, options, broker, tasks } = facts;
  if (broker.kind !== "redis") return [];
  const { prioritySteps: steps, sep } = worker.settings;
  if (steps === null || sep === null) return [];
  return tasks.flatMap(({ key, name, queue, priority }) => {
    const step = options.priority_steps.findLast((each) => each <= priority) ?? 0;
    if (step === 0 || !worker.queues.some((consumed) => consumed.name === queue)) return [];
    const common = { key, node: worker.node, task: name, priority };
    const mismatches: [string, unknown, unknown][] = [];
    if (!steps.includes(step)) mismatches.push(["priority_steps", steps, options.priority_steps]);
    if (sep !== options.sep) mismatches.push(["sep", sep, options.sep]);
    return mismatches.map(([option, theirs, ours]) =>
      finding("priority-list-unread", connection, {
        ...common,
        option,
        theirs: JSON.stringify(theirs),
        ours: JSON.stringify(ours),
      }),
    );
  });
}

function checkExpiry({ connection, tasks }: ConnectionFacts, worker: WorkerFacts): Finding[] {
  const { node, version } = worker;
  const expiring = tasks.filter(
    ({ name, expiresMs }) => expiresMs !== null && worker.tasks.some((task) => task.name === name),
  );
  if (version === null || !isBefore(version, [5, 2, 7]) || expiring.length === 0) return [];
  const keys = expiring.map(({ key }) => key).join(", ");
  return [finding("expires-breaks-retry", connection, { node, version, tasks: keys })];
}

function checkVisibility(facts: ConnectionFacts, worker: WorkerFacts): Finding[] {
  const { connection, broker, tasks } = facts;
  const { visibilityTimeoutSeconds: visibilitySeconds } = worker.settings;
  if (broker.kind !== "redis" || visibilitySeconds === null) return [];
  const visibilityMs = visibilitySeconds * 1000;
  return tasks.flatMap(({ key, name, timeoutMs }) => {
    const isLate = worker.tasks.some((task) => task.name === name && task.acknowledgesLate);
    if (!isLate || timeoutMs <= visibilityMs) return [];
    return [
      finding("runs-twice", connection, {
        ...{ key, task: name },
        node: worker.node,
        timeout: measuredText(timeoutMs),
        visibility: measuredText(visibilityMs),
      }),
    ];
  });
}
