import { controlError } from "../celery/events/control-message.js";
import { CONF_ARGUMENTS } from "../celery/events/worker-conf.js";
import type { RemoteControl } from "../connections/observe-ports.js";
import { isMapping } from "../mapping.js";
import { TASK_ATTRIBUTES, type WorkerAnswers } from "./worker-facts.js";

/** Celery's own default is 1 s; workers on busy machines are slower. */
const ANSWER_MS = 2_000;

/** The workers that answered, and what. */
export interface Asked {
  readonly heardBy: number | null;
  readonly sameNames: readonly string[];
  readonly answers: ReadonlyMap<string, WorkerAnswers>;
  /** Nodes that answered the first question and not all others. */
  readonly incomplete: readonly string[];
}

/**
 * Asks every worker for what the doctor wants to know.
 * @throws when the workers cannot be asked
 */
export async function askWorkers(control: RemoteControl): Promise<Asked> {
  const { replies, heardBy } = await control.ask({ method: "ping", timeoutMs: ANSWER_MS });
  const names = replies.map(({ node }) => node);
  const nodes = [...new Set(names)];
  if (nodes.length === 0) return { heardBy, sameNames: [], answers: new Map(), incomplete: [] };

  const ask = async (method: string, args = {}): Promise<ReadonlyMap<string, unknown>> => {
    const question = { method, args, destination: nodes, timeoutMs: ANSWER_MS };
    const { replies } = await control.ask(question);
    return new Map(
      replies
        .filter(({ answer }) => controlError(answer) === null)
        .map(({ node, answer }) => [node, answer]),
    );
  };
  const [stats, queues, registered, conf] = await Promise.all([
    ask("stats"),
    ask("active_queues"),
    ask("registered", { taskinfoitems: TASK_ATTRIBUTES, builtins: true }),
    ask("conf", CONF_ARGUMENTS),
  ]);
  // What is needed to know that something is not there; settings are never missed.
  const isComplete = (node: string) => [stats, queues, registered].every((each) => each.has(node));
  const answersOf = (node: string): WorkerAnswers => ({
    stats: stats.get(node),
    active_queues: queues.get(node),
    registered: registered.get(node),
    conf: conf.get(node),
  });
  return {
    heardBy,
    sameNames: nodes.filter((node) => names.indexOf(node) !== names.lastIndexOf(node)),
    answers: new Map(nodes.filter(isComplete).map((node) => [node, answersOf(node)])),
    incomplete: nodes.filter((node) => !isComplete(node)),
  };
}

/** Where a task is now, by the word of the worker that has it; null when none has. */
export async function findTask(
  control: RemoteControl,
  nodes: readonly string[],
  id: string,
): Promise<{ node: string; state: string } | null> {
  if (nodes.length === 0) return null;
  const { replies } = await control.ask({
    method: "query_task",
    args: { ids: [id] },
    destination: nodes,
    timeoutMs: ANSWER_MS,
  });
  for (const { node, answer } of replies) {
    const found = isMapping(answer) ? answer[id] : undefined;
    if (Array.isArray(found) && typeof found[0] === "string") return { node, state: found[0] };
  }
  return null;
}
