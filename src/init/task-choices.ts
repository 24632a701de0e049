import type { RegisteredTask, WorkerFacts } from "../doctor/facts.js";
import { routeOf } from "./routes.js";
import { sideEffectOf } from "./side-effects.js";
import { keysOf } from "./task-keys.js";

/** A registered task as a configuration would have it. */
export interface TaskChoice {
  /** Of the configuration: unique, made from the end of the name. */
  readonly key: string;
  /** Under which workers registered it. */
  readonly name: string;
  readonly queue: string;
  /** Where the queue comes from, and what is doubtful about it. */
  readonly queueNote: string;
  /** Null: none is told, so that the default holds. */
  readonly timeout: { readonly seconds: number; readonly note: string } | null;
  /** The word in its name that says that it acts on the world; null when there is none. */
  readonly sideEffect: string | null;
  /** As Celery writes it; null = none. */
  readonly rateLimit: string | null;
  readonly ignoresResult: boolean;
}

/** The tasks that workers registered, without Celery's own, by their names. */
export function taskChoices(workers: readonly WorkerFacts[]): TaskChoice[] {
  const names = new Set(workers.flatMap(({ tasks }) => tasks.map(({ name }) => name)));
  const own = [...names].filter((name) => !name.startsWith("celery.")).sort(byCodePoint);
  const keys = keysOf(own);
  return own.map((name) => {
    const registered = workers.flatMap(({ tasks }) => tasks.filter((task) => task.name === name));
    return {
      key: keys.get(name)!,
      name,
      ...queueOf(workers, name),
      timeout: timeoutOf(workers, name),
      sideEffect: sideEffectOf(name),
      rateLimit: registered.find(({ rateLimit }) => rateLimit !== null)?.rateLimit ?? null,
      ignoresResult: registered.some(({ ignoresResult }) => ignoresResult),
    };
  });
}

function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : 1;
}

/** What a producer with the workers' settings would use, where somebody consumes it (`celery/app/amqp.py`). */
function queueOf(
  workers: readonly WorkerFacts[],
  name: string,
): Pick<TaskChoice, "queue" | "queueNote"> {
  const knowing = workers.filter(({ tasks }) => tasks.some((task) => task.name === name));
  const consumed = [...new Set(knowing.flatMap(({ queues }) => queues.map((each) => each.name)))];
  const isConsumed = (each: Produced) => each.queue !== null && consumed.includes(each.queue);
  const produced = knowing.map((worker) => producedTo(worker, name));
  const { queue, from } = produced.find(isConsumed) ?? produced[0]!;
  if (queue !== null && consumed.includes(queue)) return { queue, queueNote: from };
  const others = consumed.join(", ");
  if (consumed.length === 1)
    return { queue: others, queueNote: `the one that its workers consume; ${from}` };
  if (queue === null) {
    const first = consumed[0] ?? "celery";
    return { queue: first, queueNote: `${from}; its workers consume: ${others || "none"}` };
  }
  return { queue, queueNote: `${from}, but its workers consume: ${others || "none"}` };
}

/** A queue, or null when it is not known, and where it comes from. */
interface Produced {
  readonly queue: string | null;
  readonly from: string;
}

function producedTo({ tasks, settings }: WorkerFacts, name: string): Produced {
  const own = tasks.find((task) => task.name === name)?.queue ?? null;
  if (own !== null) return { queue: own, from: "the task's own" };
  const route = routeOf(settings.routes, name);
  if (route.kind === "queue") return { queue: route.queue, from: "by task_routes" };
  if (route.kind === "unknown") return { queue: null, from: `not known, as ${route.why}` };
  const queue = settings.defaultQueue;
  return { queue, from: queue === null ? "not known" : "the default" };
}

/** Beside the run a task waits in its queue. */
const QUEUE_SECONDS = 30;

/** No task runs longer than its hard limit, or by much than its soft one; the highest of all workers counts. */
function timeoutOf(workers: readonly WorkerFacts[], name: string): TaskChoice["timeout"] {
  const limits = workers.flatMap((worker) => {
    const task = worker.tasks.find((each) => each.name === name);
    const limit = task === undefined ? null : limitOf(worker, task);
    return limit === null ? [] : [limit];
  });
  if (limits.length === 0) return null;
  const seconds = Math.ceil(Math.max(...limits));
  return {
    seconds: seconds + QUEUE_SECONDS,
    note: `its time limit of ${seconds}s, and ${QUEUE_SECONDS}s in the queue`,
  };
}

function limitOf({ timeLimits, settings }: WorkerFacts, task: RegisteredTask): number | null {
  const hard = task.timeLimitSeconds ?? timeLimits.hardSeconds ?? settings.timeLimitSeconds;
  const soft = task.softTimeLimitSeconds ?? timeLimits.softSeconds ?? settings.softTimeLimitSeconds;
  return [hard, soft].find((limit) => limit !== null && limit > 0) ?? null;
}
