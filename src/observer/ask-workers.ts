import { controlError } from "../celery/events/control-message.js";
import type { RemoteControl } from "../connections/observe-ports.js";
import { isMapping } from "../mapping.js";
import type { ClockReadings } from "./clock-readings.js";
import type { WorkerBook } from "./worker-book.js";

/** How long workers may take to answer; the question ends sooner where the broker says how many heard it. */
export const ANSWER_MS = 5_000;

export interface Asked {
  readonly control: RemoteControl;
  readonly book: WorkerBook;
  /** Queues whose workers' clocks are read. */
  readonly clocksOf: readonly string[];
  readonly readings: ClockReadings;
}

export interface Answered {
  /** Nodes that are there, with the ids of their main processes. */
  readonly processes: ReadonlyMap<string, unknown>;
  /** How many consume each queue; null when it is not known that everybody has answered. */
  readonly consumers: ReadonlyMap<string, number> | null;
}

/**
 * Asks every worker how large its pool is, what it has done and which queues it consumes, and some for a
 * heartbeat. Returns who answered, and how many consume each queue.
 * @throws when the workers could not be asked
 */
export async function askWorkers(asked: Asked): Promise<Answered> {
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
  const processes = new Map<string, unknown>();
  for (const { node, answer } of stats.replies) {
    if (!isMapping(answer) || controlError(answer) !== null) continue;
    processes.set(node, answer.pid);
    book.stats(node, answer, nowMs);
    if (book.consumesAny(node, clocksOf)) readings.answered(node, answer, askedMs);
  }
  const { heardBy, replies } = queues;
  const isEverybody = heardBy !== null && replies.length >= heardBy;
  return { processes, consumers: isEverybody ? consumers : null };
}

function nameOf(queue: unknown): string[] {
  return isMapping(queue) && typeof queue.name === "string" ? [queue.name] : [];
}
