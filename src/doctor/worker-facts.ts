import { redactUrl } from "../celery/redact-url.js";
import { isObject } from "../celery/redis-delivery.js";
import { DEFAULT_SEP } from "../celery/redis-envelope.js";
import type { ConsumedQueue, RegisteredTask, WorkerFacts, WorkerSettings } from "./facts.js";

/** Attributes of tasks that are asked for with `registered`. */
export const TASK_ATTRIBUTES = ["rate_limit", "ignore_result", "acks_late"] as const;

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
    queues: listOf(answers.active_queues).flatMap(readQueue),
    tasks: listOf(answers.registered).flatMap(readTask),
    settings: readSettings(answers.conf, stats.broker),
  };
}

/** Since Celery 5.3 it is said; before, each pool can be told by what else it says. */
function poolName(pool: Readonly<Record<string, unknown>>): string | null {
  const { implementation } = pool;
  const named =
    typeof implementation === "string" ? /([^.:]+):[^:]*$/.exec(implementation)?.[1] : undefined;
  if (named !== undefined) return named === "thread" ? "threads" : named;
  if ("writes" in pool) return "prefork";
  if ("threads" in pool) return "threads";
  return null;
}

function readQueue(queue: unknown): ConsumedQueue[] {
  const { name, max_priority, queue_arguments } = objectOf(queue);
  if (typeof name !== "string") return [];
  const maxPriority =
    numberOf(max_priority) ?? numberOf(objectOf(queue_arguments)["x-max-priority"]);
  return [{ name, maxPriority }];
}

/** `app.add [rate_limit=10/m ignore_result=False]`, see `registered` in `celery/worker/control.py`. */
function readTask(text: unknown): RegisteredTask[] {
  if (typeof text !== "string" || text === "") return [];
  const [, name = text, attributes = ""] = /^(.*?) \[([a-z_]+=.*)\]$/.exec(text) ?? [];
  const values = new Map(
    attributes.split(" ").map((pair): [string, string] => {
      const equals = pair.indexOf("=");
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
  return [
    {
      name,
      rateLimit: values.get("rate_limit") ?? null,
      ignoresResult: values.get("ignore_result") === "True",
      acknowledgesLate: values.get("acks_late") === "True",
    },
  ];
}

/** What is not set has Celery's default; what was not answered is null. */
function readSettings(conf: unknown, broker: unknown): WorkerSettings {
  const { result_backend: backend, accept_content: accepted } = objectOf(conf);
  const transport = objectOf(objectOf(broker).transport_options);
  const { sep, priority_steps: steps, visibility_timeout: visibility } = transport;
  const orDefault = <T>(value: T | null, answer: unknown, byDefault: T) =>
    value ?? (isObject(answer) ? byDefault : null);
  return {
    // Celery masks its passwords; not every version does so everywhere.
    resultBackend: typeof backend === "string" && backend !== "" ? redactUrl(backend) : null,
    acceptContent: orDefault(stringsOf(accepted), conf, ["json"]),
    visibilityTimeoutSeconds: orDefault(numberOf(visibility), broker, 3600),
    prioritySteps: orDefault(numbersOf(steps), broker, [0, 3, 6, 9]),
    sep: orDefault(typeof sep === "string" ? sep : null, broker, DEFAULT_SEP),
  };
}

function stringsOf(value: unknown): string[] | null {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : null;
}

function numbersOf(value: unknown): number[] | null {
  return Array.isArray(value) ? value.filter((item) => typeof item === "number") : null;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
