import type { ObservedQueue } from "./queue-depths.js";

/** A queue that lost messages of which no worker says that it took them. */
export interface QueueFall {
  readonly queue: string;
  /** Messages in it before. */
  readonly from: number;
  /** And then; null when there is no such queue any more. */
  readonly to: number | null;
  /** What workers said meanwhile that they took, of whatever queue. */
  readonly taken: number;
  /** When it was seen, on a monotonic clock. */
  readonly atMs: number;
}

/** What was found of a queue so far. */
export interface QueueFallsSoFar {
  readonly count: number;
  readonly last: QueueFall | null;
}

const NONE: QueueFallsSoFar = { count: 0, last: null };

/** What is less may be an event or two that came late, or was lost. */
const LEAST_MESSAGES = 20;

interface Seen {
  readonly ready: number;
  /** How much workers had taken by then in all; null: not all of them say. */
  readonly taken: number | null;
  /** Nobody could take anything. */
  readonly isUnattended: boolean;
}

/** A fall that is not judged yet. */
interface Fall {
  readonly before: Seen;
  readonly to: number | null;
  readonly atMs: number;
  /** Nobody could take anything, as far as is known by now. */
  readonly isUnattended: boolean;
}

/**
 * Finds queues that were emptied by somebody who is no worker: purged, deleted, or with their database. It is no
 * proof, as strangers may consume a queue in silence; what workers may have taken is never told. A fall is judged at a
 * later look, when the events of those who took the messages have come, and a worker that is new has been asked what
 * it consumes. Pure.
 */
export class QueueFalls {
  readonly #seen = new Map<string, Seen>();
  /** Not judged yet, by queue. */
  readonly #falls = new Map<string, Fall>();
  /** Found, by queue. */
  readonly #found = new Map<string, QueueFallsSoFar>();
  readonly #judgeAfterMs: number;

  /** `judgeAfterMs`: how long it takes until all workers that may have taken something are known. */
  constructor(judgeAfterMs: number) {
    this.#judgeAfterMs = judgeAfterMs;
  }

  /** After a successful look at all queues. `taken` as in `Seen`, now. `nowMs` is monotonic. */
  looked(queues: readonly ObservedQueue[], taken: number | null, nowMs: number): QueueFall[] {
    const told: QueueFall[] = [];
    for (const { name, ready, consumers } of queues) {
      // Of a queue that is gone nobody can take anything.
      const isUnattended = ready === null || consumers === 0;
      const fall = this.#judged(name, taken, isUnattended, nowMs);
      if (fall !== null) {
        told.push(fall);
        this.#found.set(name, { count: this.of(name).count + 1, last: fall });
      }
      const before = this.#seen.get(name);
      if (before !== undefined && before.ready - (ready ?? 0) >= leastOf(before.ready)) {
        // One that goes on is judged from where it began.
        const first = this.#falls.get(name);
        this.#falls.set(name, {
          ...{ before: first?.before ?? before, to: ready, atMs: nowMs },
          isUnattended: isUnattended && (first?.isUnattended ?? before.isUnattended),
        });
      }
      if (ready === null) this.#seen.delete(name);
      else this.#seen.set(name, { ready, taken, isUnattended: consumers === 0 });
    }
    return told;
  }

  /** All that was found of a queue since it is looked at. */
  of(queue: string): QueueFallsSoFar {
    return this.#found.get(queue) ?? NONE;
  }

  /** Events were missed: what workers had taken before compares with nothing. */
  missedEvents(): void {
    for (const [queue, seen] of this.#seen) this.#seen.set(queue, { ...seen, taken: null });
    for (const [queue, fall] of this.#falls) {
      this.#falls.set(queue, { ...fall, before: { ...fall.before, taken: null } });
    }
  }

  /** The queues were not seen meanwhile: nothing compares with what was known. */
  forget(): void {
    this.#seen.clear();
    this.#falls.clear();
  }

  #judged(
    queue: string,
    takenNow: number | null,
    isUnattendedNow: boolean,
    nowMs: number,
  ): QueueFall | null {
    const fall = this.#falls.get(queue);
    if (fall === undefined) return null;
    const isUnattended = fall.isUnattended && isUnattendedNow;
    if (nowMs - fall.atMs < this.#judgeAfterMs) {
      this.#falls.set(queue, { ...fall, isUnattended });
      return null;
    }
    this.#falls.delete(queue);
    const { before, to, atMs } = fall;
    const known = takenNow === null || before.taken === null ? null : takenNow - before.taken;
    const taken = known ?? (isUnattended ? 0 : null);
    if (taken === null || before.ready - (to ?? 0) - taken < leastOf(before.ready)) return null;
    return { queue, from: before.ready, to, taken, atMs };
  }
}

/** So many are missed. */
function leastOf(ready: number): number {
  return Math.max(LEAST_MESSAGES, ready / 2);
}
