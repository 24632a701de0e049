import type { BacklogSpec } from "../plan/profiles/fed.js";
import type { Feed, FeedAnswer, FeedFacts } from "./feed.js";

/** A distance from the target is to be gone after so long; much less, and what is read late would make it swing. */
const REACH_MS = 5_000;
/** What workers take is the mean of about so long. */
const MEAN_MS = 5_000;

/**
 * Holds the depth of a queue: as much as workers take (less what others send), and a part of what is missing. What they take is
 * what we have put in, less what the queue has grown by.
 */
export class BacklogFeed implements Feed {
  readonly #spec: BacklogSpec;
  #last: { readonly nowMs: number; readonly depth: number; readonly ours: number } | null = null;
  /** What the queue would lose without us, messages a second. */
  #drain = 0;

  constructor(spec: BacklogSpec) {
    this.#spec = spec;
  }

  look({ nowMs, depth, ours, planMs }: FeedFacts): FeedAnswer {
    if (depth === null) {
      this.#last = null;
      return { unknown: "the broker does not tell how many messages wait" };
    }
    const last = this.#last;
    this.#last = { nowMs, depth, ours };
    if (last !== null && nowMs > last.nowMs) {
      const seconds = (nowMs - last.nowMs) / 1000;
      const drain = (ours - last.ours - (depth - last.depth)) / seconds;
      // From nothing on: what has just been put in and is not read yet looks as if it were taken.
      this.#drain += (1 - Math.exp((last.nowMs - nowMs) / MEAN_MS)) * (drain - this.#drain);
    }
    const target = targetAt(this.#spec, planMs);
    // Where the target will be when the distance is gone.
    const growing = (targetAt(this.#spec, planMs + REACH_MS) - target) / (REACH_MS / 1000);
    const missing = (target - depth) / (REACH_MS / 1000);
    const wanted = this.#drain + missing + growing;
    return { perSecond: Math.min(this.#spec.maxPerSecond, Math.max(0, wanted)) };
  }
}

/** In straight lines up and down, from the least on. */
export function targetAt({ min, max, periodMs }: BacklogSpec, planMs: number): number {
  if (periodMs === null) return max;
  const part = (Math.max(0, planMs) % periodMs) / periodMs;
  return min + (max - min) * (part < 0.5 ? 2 * part : 2 - 2 * part);
}
