import type { CeleryVersion } from "../../src/setup/python.js";
import type { LedgerRow } from "./metrics.js";
import type { Destinations } from "./task-arbitrary.js";
import type { TaskSettings } from "./task-runs.js";

/** A broker with a worker that gets whatever the generator makes. */
export interface FuzzTarget {
  readonly python: CeleryVersion;
  readonly broker: string;
  readonly backend: string;
  readonly isRedis: boolean;
  /** Messages that workers have and have not acknowledged. */
  unacknowledged(): Promise<number>;
  /** Forgets all messages, without a worker. */
  clear(): Promise<void>;
}

export function destinationsOf({ python, isRedis }: FuzzTarget): Destinations {
  return {
    queues: ["celery", "wärteschlange", "l".repeat(255)],
    topic: "fuzz.topic",
    delayed: isRedis || python === "debian" ? null : { exchange: "fuzz.quorum", queue: "quorum" },
  };
}

/** Why a task has not come to an end that can be accounted for; undefined when it has. */
export function endFault(
  task: TaskSettings,
  row: LedgerRow,
  hasRun: boolean,
  target: FuzzTarget,
): string | undefined {
  if (row.planned === 0 || row.publishing > 0) return "not sent yet";
  if (row.dropped > 0 || answersIn(row) > 0) return undefined;
  if (goesNowhere(task, target)) {
    const isLeft = target.isRedis && task.exchange === undefined;
    return isLeft === (row.publishFailed === 0) ? undefined : "not as it should be without a queue";
  }
  if (row.publishFailed > 0) return "the broker did not take it";
  if (isOfTheFuture(task)) return undefined; // the worker holds it, which is counted
  if (hasRun && (task.ignoreResult === true || losesRetry(task, target))) return undefined;
  // RabbitMQ drops what has expired, and a worker stores no result for it if none is wanted.
  if (mayExpire(task) && (!target.isRedis || task.ignoreResult === true)) return undefined;
  return hasRun ? "it ran and gave no result" : "no sign of it";
}

/** True for a task that no worker can get. */
export function goesNowhere(
  { queue = "celery", exchange, routingKey = queue }: TaskSettings,
  target: FuzzTarget,
): boolean {
  const { queues, topic, delayed } = destinationsOf(target);
  if (exchange === undefined) {
    return ![...queues, "topics", delayed?.queue].includes(queue as string);
  }
  // RabbitMQ's # stands for no word, too; kombu's on Redis does not.
  const bound = target.isRedis ? /^fuzz\./ : /^fuzz(\.|$)/;
  if (exchange === topic) return !bound.test(String(routingKey));
  if (exchange === delayed?.exchange) return routingKey !== delayed?.queue;
  return !(exchange === routingKey && queues.includes(exchange as string));
}

/** True while no result of a message that was sent has come. */
export function isOpen(row: LedgerRow): boolean {
  return row.published > answersIn(row);
}

function answersIn({ outcomes }: LedgerRow): number {
  return outcomes.succeeded! + outcomes.failed! + outcomes.revoked!;
}

/** True for an ETA that does not come: a worker holds the message. */
export function isOfTheFuture({ eta }: TaskSettings): boolean {
  return /^(2400|9998)/.test(String(eta ?? ""));
}

/** True for a message that a worker may or may not get before it has expired. */
export function mayExpire({ expires }: TaskSettings): boolean {
  return expires === "0.4ms" || expires === "20ms";
}

/**
 * Celery before 5.2.7 cannot retry a task that expires, and none on Redis one that came by a topic
 * exchange: its producers take an exchange that they have not declared for a direct one.
 */
function losesRetry({ name, expires, exchange }: TaskSettings, target: FuzzTarget): boolean {
  if (name !== "tests.retry") return false;
  if (target.python === "debian" && expires !== "none") return true;
  return target.isRedis && exchange !== undefined;
}
