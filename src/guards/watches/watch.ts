import type { ObservedConnection } from "../../observer/connection-observer.js";
import type { LedgerView } from "../../readings/ledger-view.js";

/** What guards look at, all of one moment. */
export interface GuardFacts {
  /** Monotonic, in milliseconds. */
  readonly nowMs: number;
  /** With the fine tables, when a guard watches a latency. */
  readonly ledger: LedgerView;
  /** One for each connection, in the ledger's order. */
  readonly observed: readonly ObservedConnection[];
  /** Since /metrics was last asked for, or else since the daemon has been able to answer. */
  readonly scrapeAgeMs: number;
}

/** What a look has found. */
export interface Found {
  /** In the unit of the limit; null when it is not known. */
  readonly value: number | null;
  /** Why it is not known; empty when it is. */
  readonly why: string;
  /** Nothing is known as no load of ours is there to make it known; it may be tried again. */
  readonly isForWantOfLoad?: boolean;
}

/** Looks at one subject about once a second, and remembers what it needs. */
export interface Watcher {
  look(facts: GuardFacts): Found;
}

export function known(value: number): Found {
  return { value, why: "" };
}

export function unknown(why: string, isForWantOfLoad = false): Found {
  return { value: null, why, isForWantOfLoad };
}
