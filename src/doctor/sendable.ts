import { accepts, consumersOf, hasTask, knowsConsumers } from "./checks/tasks.js";
import type { ConnectionFacts, TaskFacts } from "./facts.js";
import { measuredText } from "./texts.js";

/**
 * Why a task, or a workflow with all its tasks, is better not sent; null when it can be. A message that no
 * worker takes would stay in its queue, on Redis for ever.
 */
export function whyNotSent(
  facts: ConnectionFacts,
  tasks: readonly TaskFacts[],
  waitMs: number,
): string | null {
  if (facts.broker.fault !== null) return "the broker cannot be used";
  if (facts.backend.fault !== null) return "the result backend cannot be used";
  for (const task of tasks) {
    const why = whyNotWaitedFor(task, waitMs) ?? whyNotTaken(facts, task);
    if (why !== null) return why;
  }
  return null;
}

function whyNotWaitedFor(
  { name, delayMs, ignoreResult }: TaskFacts,
  waitMs: number,
): string | null {
  if (ignoreResult) return `the result of ${name} is ignored, so that nothing would come back`;
  if (delayMs < waitMs) return null;
  return `${name} starts ${measuredText(delayMs)} after it is sent, which is longer than --wait`;
}

function whyNotTaken(facts: ConnectionFacts, task: TaskFacts): string | null {
  const { name, queue, serializer } = task;
  const found = facts.queues.find((each) => each.name === queue);
  if (found?.isMissing) return `there is no queue ${queue}`;
  // A worker that did not answer may well take it.
  if (!knowsConsumers(facts, queue)) return null;
  const consumers = consumersOf(facts, queue);
  if (consumers.length === 0) return `no worker that answers consumes queue ${queue}`;
  if (!consumers.some((worker) => hasTask(worker, name))) {
    return `no worker of queue ${queue} has registered ${name}`;
  }
  return consumers.some((worker) => accepts(worker, serializer))
    ? null
    : `no worker of queue ${queue} accepts ${serializer}`;
}
