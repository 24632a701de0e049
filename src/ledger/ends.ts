/**
 * Where a planned start can end: one row each, from which come its cell, the value of its label, what it is for an
 * SLO, and its words in the docs.
 */
interface End {
  /** Its cell in the ledger. */
  readonly counter: string;
  /** What it is for SLOs; `events` alone is a good one, `bad` is counted in both. */
  readonly event: "events" | "bad" | "excludedSaturated" | "excludedStopped" | "excludedInvalid";
  readonly meaning: string;
}

/** By the value of a label. */
type Ends = Readonly<Record<string, End>>;

/** It was never sent and never will be; the label is `reason`. */
export const DROPS = {
  in_flight: { counter: "droppedInFlight", event: "bad", meaning: "maxInFlight reached" },
  backpressure: { counter: "droppedBackpressure", event: "bad", meaning: "broker does not answer" },
  ceiling: {
    counter: "droppedCeiling",
    event: "excludedStopped",
    meaning: "limits.maxInFlight or limits.tasksPerDay reached",
  },
  // The fault is ours.
  saturated: {
    counter: "droppedSaturated",
    event: "excludedSaturated",
    meaning: "this daemon was late",
  },
  not_connected: {
    counter: "droppedNotConnected",
    event: "bad",
    meaning: "no connection to the broker",
  },
} as const satisfies Ends;

/** It is provably not queued; the label is `kind`. */
export const PUBLISH_FAILURES = {
  rejected: { counter: "failedRejected", event: "bad", meaning: "the broker said no" },
  unroutable: {
    counter: "failedUnroutable",
    event: "bad",
    meaning: "RabbitMQ has no such queue",
  },
  too_large: {
    counter: "failedTooLarge",
    event: "bad",
    meaning: "RabbitMQ takes none of that size",
  },
  invalid: {
    counter: "failedInvalid",
    event: "excludedInvalid",
    meaning: "the message could not be built",
  },
} as const satisfies Ends;

/** What became of it once it was published; the label is `outcome`. */
export const OUTCOMES = {
  succeeded: { counter: "succeeded", event: "events", meaning: "it returned" },
  failed: { counter: "failed", event: "bad", meaning: "it raised, or its worker was lost" },
  revoked: {
    counter: "revoked",
    event: "bad",
    meaning: "revoked, or expired before a worker ran it",
  },
  timed_out: { counter: "timedOut", event: "bad", meaning: "no result within its timeout" },
  unknown: {
    counter: "unknown",
    event: "bad",
    meaning: "the broker's answer was lost and no result came, or the daemon stopped first",
  },
} as const satisfies Ends;

/** The counter of each value of the label. */
export function countersByLabel<Of extends Ends>(
  ends: Of,
): { readonly [Label in keyof Of]: Of[Label]["counter"] } {
  const entries = Object.entries(ends).map(([label, { counter }]) => [label, counter]);
  return Object.fromEntries(entries) as { [Label in keyof Of]: Of[Label]["counter"] };
}

/** Their counters alone, in their order. */
export function countersOf<Of extends Ends>(ends: Of): readonly Of[keyof Of]["counter"][] {
  return Object.values(ends).map(({ counter }) => counter as Of[keyof Of]["counter"]);
}

/** For the help of a metric: `in_flight (maxInFlight reached), …`. */
export function meaningsOf(ends: Ends): string {
  return Object.entries(ends)
    .map(([label, { meaning }]) => `${label} (${meaning})`)
    .join(", ");
}
