import { consumersOf, hasTask, knowsAllWorkers } from "./checks/tasks.js";
import { acceptsJson } from "./checks/workers.js";
import type { ConnectionFacts, TaskFacts } from "./facts.js";

/**
 * Why a task is better not sent, or null when it can be: a message that no worker takes would stay in its
 * queue, on Redis for ever.
 */
export function whyNotSent(
  facts: Omit<ConnectionFacts, "tasks">,
  { name, queue }: Pick<TaskFacts, "name" | "queue">,
): string | null {
  if (facts.broker.fault !== null) return "the broker cannot be used";
  if (facts.backend.fault !== null) return "the result backend cannot be used";
  const found = facts.queues.find((each) => each.name === queue);
  if (found?.isMissing) return `there is no queue ${queue}`;
  const isOver = { ...facts, tasks: [] };
  // A worker that did not answer may well take it.
  if (!knowsAllWorkers(isOver)) return null;
  const consumers = consumersOf(isOver, queue);
  if (consumers.length === 0) {
    return (found?.depth?.consumers ?? 0) > 0
      ? null
      : `no worker that answers consumes queue ${queue}`;
  }
  if (!consumers.some((worker) => hasTask(worker, name))) {
    return `no worker of queue ${queue} has registered it`;
  }
  return consumers.some(acceptsJson) ? null : `no worker of queue ${queue} accepts JSON`;
}
