import { controlError } from "../celery/control-message.js";
import { isObject } from "../celery/redis-delivery.js";
import type { Control } from "../connections/observe-ports.js";
import type { ClockReadings } from "./clock-readings.js";
import type { WorkerBook } from "./worker-book.js";

/** How long workers may take to answer; the question ends sooner where the broker says how many heard it. */
export const ANSWER_MS = 5_000;

export interface Asked {
  readonly control: Control;
  readonly book: WorkerBook;
  /** Queues whose workers' clocks are read. */
  readonly clocksOf: readonly string[];
  readonly readings: ClockReadings;
}

/**
 * Asks every worker how large its pool is, what it has done and which queues it consumes, and some for a
 * heartbeat. Returns how many consume each queue; null when it is not known that everybody has answered.
 * @throws when the workers could not be asked
 */
export async function askWorkers(asked: Asked): Promise<ReadonlyMap<string, number> | null> {
  const { control, book, clocksOf, readings } = asked;
  const askedMs = performance.now();
  const beating = book.beating(clocksOf, Date.now());
  const ask = (method: string) => control.ask({ method, timeoutMs: ANSWER_MS });
  const [stats, queues] = await Promise.all([
    ask("stats"),
    ask("active_queues"),
    // Behind `stats`, see `ClockReadings`: the sooner it comes, the more it says.
    ...(beating.length === 0
      ? []
      : [
          control.ask({
            ...{ method: "heartbeat", destination: beating },
            ...{ timeoutMs: ANSWER_MS, expected: 0 }, // an event answers it
          }),
        ]),
  ]);
  const nowMs = performance.now();
  const consumers = new Map<string, number>();
  for (const { node, answer } of queues.replies) {
    if (!Array.isArray(answer)) continue;
    const names = answer.flatMap(nameOf);
    book.queues(node, names, nowMs);
    for (const name of names) consumers.set(name, (consumers.get(name) ?? 0) + 1);
  }
  for (const { node, answer } of stats.replies) {
    if (!isObject(answer) || controlError(answer) !== null) continue;
    book.stats(node, answer, nowMs);
    if (book.consumesAny(node, clocksOf)) readings.answered(node, answer, askedMs);
  }
  const { heardBy, replies } = queues;
  return heardBy !== null && replies.length >= heardBy ? consumers : null;
}

function nameOf(queue: unknown): string[] {
  return isObject(queue) && typeof queue.name === "string" ? [queue.name] : [];
}
