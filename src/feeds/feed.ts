import { BacklogFeed } from "./backlog-feed.js";
import type { FeedPlan } from "./feed-plan.js";
import { TopUpFeed } from "./top-up-feed.js";

/** What is known at a look. */
export interface FeedFacts {
  /** Monotonic. */
  readonly nowMs: number;
  /** Messages that wait in the queue; null: the broker does not tell. */
  readonly depth: number | null;
  /** Tasks of others that workers of the queue have begun, in all; null: there are no events. */
  readonly others: number | null;
  /** Messages that we have put into the queue, in all. */
  readonly ours: number;
  /** For how long the plan has run, which pauses stop. */
  readonly planMs: number;
}

/** The rate that is wanted, in starts a second of the whole plan; or why it is not known. */
export type FeedAnswer = { readonly perSecond: number } | { readonly unknown: string };

/** Follows what is observed, about once a second. */
export interface Feed {
  look(facts: FeedFacts): FeedAnswer;
}

export function createFeed({ spec }: FeedPlan): Feed {
  return spec.kind === "backlog" ? new BacklogFeed(spec) : new TopUpFeed(spec);
}
