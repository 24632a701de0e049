import { poolName } from "../celery/events/pool-name.js";
import { isMapping } from "../mapping.js";
import type { ConsumedQueue, RegisteredTask, WorkerFacts } from "./facts.js";
import { readSettings } from "./worker-settings.js";

/** Attributes of tasks that are asked for with `registered`. */
export const TASK_ATTRIBUTES = [
  ...["rate_limit", "ignore_result", "acks_late"],
  ...["queue", "time_limit", "soft_time_limit"],
] as const;

/** A worker's answers to four questions (`celery/worker/control.py`), none of them checked. */
export interface WorkerAnswers {
  readonly stats: unknown;
  readonly active_queues: unknown;
  readonly registered: unknown;
  readonly conf: unknown;
}

/** What a worker says of itself. Reads what is there: answers differ by version and pool. */
export function readWorker(
  node: string,
  version: string | null,
  answers: WorkerAnswers,
): WorkerFacts {
  const stats = objectOf(answers.stats);
  const pool = objectOf(stats.pool);
  return {
    node,
    version,
    pool: poolName(pool),
    concurrency: numberOf(pool["max-concurrency"]),
    prefetch: numberOf(stats.prefetch_count),
    timeLimits: readTimeLimits(pool),
    queues: listOf(answers.active_queues).flatMap(readQueue),
    tasks: listOf(answers.registered).flatMap(readTask),
    settings: readSettings(answers.conf, stats.broker),
  };
}

/** The prefork pool says `[soft, hard]`, 0 for none; other pools have no time limits. */
function readTimeLimits({
  timeouts,
}: Readonly<Record<string, unknown>>): WorkerFacts["timeLimits"] {
  const [soft, hard] = listOf(timeouts);
  return { softSeconds: numberOf(soft) || null, hardSeconds: numberOf(hard) || null };
}

function readQueue(queue: unknown): ConsumedQueue[] {
  const { name, max_priority, queue_arguments } = objectOf(queue);
  if (typeof name !== "string") return [];
  const { "x-max-priority": most, "x-queue-type": type } = objectOf(queue_arguments);
  const maxPriority = numberOf(max_priority) ?? numberOf(most);
  return [{ name, maxPriority, type: typeof type === "string" ? type : null }];
}

/**
 * `app.add [rate_limit=10/m ignore_result=False]`, see `registered` in `celery/worker/control.py`. A value may
 * hold spaces, as a queue's name may; a name may end in brackets of its own.
 */
function readTask(text: unknown): RegisteredTask[] {
  if (typeof text !== "string" || text === "") return [];
  const [, name = text, attributes = ""] = WITH_ATTRIBUTES.exec(text) ?? [];
  const values = new Map(
    [...attributes.matchAll(ATTRIBUTE)].map((match): [string, string] => [match[1]!, match[2]!]),
  );
  return [
    {
      name,
      queue: values.get("queue") ?? null,
      rateLimit: values.get("rate_limit") ?? null,
      ignoresResult: values.get("ignore_result") === "True",
      acknowledgesLate: values.get("acks_late") === "True",
      timeLimitSeconds: secondsOf(values.get("time_limit")),
      softTimeLimitSeconds: secondsOf(values.get("soft_time_limit")),
    },
  ];
}

const KEY = `(?:${TASK_ATTRIBUTES.join("|")})`;
const WITH_ATTRIBUTES = new RegExp(`^(.*?) \\[(${KEY}=.*)\\]$`, "s");
const ATTRIBUTE = new RegExp(`(${KEY})=(.*?)(?= ${KEY}=|$)`, "gs");

function secondsOf(text: string | undefined): number | null {
  return text === undefined || text === "" ? null : numberOf(Number(text));
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return isMapping(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
