import { type QueueFall, QueueFalls } from "../observer/queue-falls.js";
import { consumersOf, knowsConsumers } from "./checks/tasks.js";
import type { ConnectionFacts, QueueFacts } from "./facts.js";

/**
 * Queues that lost messages between two looks, as a run finds them. Here nobody counts what workers take: only of
 * queues without any, as far as the workers were asked, it is known that they took nothing. Pure.
 */
export function queueFalls(
  before: readonly QueueFacts[],
  now: readonly QueueFacts[],
  asked: ConnectionFacts,
): QueueFall[] {
  const falls = new QueueFalls(0);
  // A look finds it, and the next one judges it.
  return [before, now, now].flatMap((queues, look) => {
    const known = queues.filter(({ depth, isMissing }) => depth !== null || isMissing);
    const seen = known.map(({ name, depth }) => {
      const answered = knowsConsumers(asked, name) ? consumersOf(asked, name).length : null;
      const consumers = depth?.consumers ?? answered;
      return { name, ready: depth?.ready ?? null, consumers, unacked: null };
    });
    return falls.looked(seen, null, look);
  });
}
