import { controlError } from "../celery/control-message.js";
import { isObject } from "../celery/redis-delivery.js";
import type { Control } from "../connections/observe-ports.js";
import type { WorkerBook } from "./worker-book.js";

/** How long workers may take to answer; the question ends sooner where the broker says how many heard it. */
export const ANSWER_MS = 5_000;

/**
 * Asks every worker how large its pool is, what it has done and which queues it consumes. Returns how many
 * consume each queue; null when it is not known that everybody has answered.
 * @throws when the workers could not be asked
 */
export async function askWorkers(
  control: Control,
  book: WorkerBook,
): Promise<ReadonlyMap<string, number> | null> {
  const [stats, queues] = await Promise.all(
    ["stats", "active_queues"].map((method) => control.ask({ method, timeoutMs: ANSWER_MS })),
  );
  const nowMs = performance.now();
  for (const { node, answer } of stats!.replies) {
    if (isObject(answer) && controlError(answer) === null) book.stats(node, answer, nowMs);
  }
  const consumers = new Map<string, number>();
  for (const { node, answer } of queues!.replies) {
    if (!Array.isArray(answer)) continue;
    const names = answer.flatMap(nameOf);
    book.queues(node, names, nowMs);
    for (const name of names) consumers.set(name, (consumers.get(name) ?? 0) + 1);
  }
  const { heardBy, replies } = queues!;
  return heardBy !== null && replies.length >= heardBy ? consumers : null;
}

function nameOf(queue: unknown): string[] {
  return isObject(queue) && typeof queue.name === "string" ? [queue.name] : [];
}
