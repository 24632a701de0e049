import pLimit from "p-limit";
import type { ServerLook } from "../connections/observe-ports.js";
import { withDeadline } from "../deadline.js";

/** How long all queues of a connection may take. */
const LOOK_MS = 4_000;
/** Questions to a broker at a time: one after another a hundred queues would take too long, all at once are a burst. */
const AT_ONCE = 4;

/** What is known of a queue now; null = not known, such as when there is none of that name. */
export interface ObservedQueue {
  readonly name: string;
  /** Messages that no worker has fetched. */
  readonly ready: number | null;
  readonly consumers: number | null;
  /** Fetched and not acknowledged; null where the broker tells that of a queue to nobody, or not to us. */
  readonly unacked: number | null;
}

export interface ObservedQueues {
  readonly queues: readonly ObservedQueue[];
  /** Fetched and not acknowledged, in the whole database; null where the broker does not tell. */
  readonly unacked: number | null;
}

export function unknownQueues(names: readonly string[]): ObservedQueues {
  return {
    queues: names.map((name) => ({ name, ready: null, consumers: null, unacked: null })),
    unacked: null,
  };
}

/**
 * Looks at queues, a few at a time.
 * @throws when the broker does not answer
 */
export async function lookAtQueues(
  look: ServerLook,
  names: readonly string[],
): Promise<ObservedQueues> {
  return withDeadline(lookAtEach(look, names), LOOK_MS, "looking at the queues");
}

/**
 * The same queues with what the management API knows of them.
 * @throws when that does not answer as it should; what the broker said is known all the same
 */
export async function withUnacked(look: ServerLook, seen: ObservedQueues): Promise<ObservedQueues> {
  const queues = await eachOf(seen.queues, async (queue) => ({
    ...queue,
    unacked: await look.unackedOf(queue.name),
  }));
  return { ...seen, queues };
}

async function lookAtEach(look: ServerLook, names: readonly string[]): Promise<ObservedQueues> {
  const queues = await eachOf(names, async (name) => {
    const depth = await look.depth(name);
    return {
      name,
      ready: depth?.ready ?? null,
      consumers: depth?.consumers ?? null,
      unacked: null,
    };
  });
  return { queues, unacked: await look.unacked() };
}

/** What is asked of each, in their order; after a failure the rest is not asked any more. */
async function eachOf<Item, Answer>(
  items: readonly Item[],
  ask: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const limit = pLimit(AT_ONCE);
  try {
    return await Promise.all(items.map((item) => limit(ask, item)));
  } finally {
    limit.clearQueue();
  }
}
