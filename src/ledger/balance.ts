import { countersOf, DROPS, OUTCOMES, PUBLISH_FAILURES } from "./ends.js";
import type { EntryCounter } from "./layout.js";

/** One entry's (or any sum of entries') counts and gauges. */
export interface Counts {
  readonly counter: (name: EntryCounter) => number;
  readonly publishing: number;
  readonly inFlight: number;
}

/** Both equations of the ledger as differences; the ledger is balanced when both are 0. */
export interface Balance {
  /** planned - (publishing + published + dropped + publish failures) */
  readonly planned: number;
  /** published - (in flight + outcomes) */
  readonly published: number;
}

export const DROP_COUNTERS = countersOf(DROPS);
export const PUBLISH_FAILURE_COUNTERS = countersOf(PUBLISH_FAILURES);
/** Of starts and of members of workflows, of which alone some are not run. */
export const OUTCOME_COUNTERS = [...countersOf(OUTCOMES), "notRun"] as const;

/** Where a planned start can end; only members of workflows have `notRun`. */
export type StartEnd = Exclude<
  | (typeof DROP_COUNTERS)[number]
  | (typeof PUBLISH_FAILURE_COUNTERS)[number]
  | (typeof OUTCOME_COUNTERS)[number],
  "notRun"
>;

export function balanceOf({ counter, publishing, inFlight }: Counts): Balance {
  const sum = (names: readonly EntryCounter[]) =>
    names.reduce((total, name) => total + counter(name), 0);
  return {
    planned:
      counter("planned") -
      (publishing + counter("published") + sum(DROP_COUNTERS) + sum(PUBLISH_FAILURE_COUNTERS)),
    published: counter("published") - (inFlight + sum(OUTCOME_COUNTERS)),
  };
}
