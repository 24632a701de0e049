import {
  countersByLabel,
  DROPS,
  OUTCOMES as ENDS_OF_PUBLISHED,
  PUBLISH_FAILURES,
} from "../ledger/ends.js";
import type { EntryCounter, EntryHistogram } from "../ledger/layout.js";

/*
 * Label values that are fixed by the code: label value → counter or histogram of the ledger.
 */
export const DROP_REASONS = countersByLabel(DROPS);
export const PUBLISH_FAILURE_KINDS = countersByLabel(PUBLISH_FAILURES);
export const OUTCOMES = countersByLabel(ENDS_OF_PUBLISHED);

export const MEMBER_OUTCOMES = {
  ...OUTCOMES,
  not_run: "notRun",
} as const satisfies Record<string, EntryCounter>;

export const LATENCY_OUTCOMES = {
  succeeded: "latencySucceeded",
  failed: "latencyFailed",
} as const satisfies Record<string, EntryHistogram>;

export const PHASES = {
  dispatch: "dispatch",
  publish: "publish",
  work: "work",
  queue: "queue",
  run: "run",
  delivery: "delivery",
} as const satisfies Record<string, EntryHistogram>;

export const UNCERTAIN_PHASES = {
  queue: "uncertainQueue",
  delivery: "uncertainDelivery",
} as const satisfies Record<string, EntryCounter>;

export const LEFT_OUT_PHASES = {
  work: "leftOutWork",
  queue: "leftOutQueue",
  delivery: "leftOutDelivery",
} as const satisfies Record<string, EntryCounter>;

export { WRONG_ANSWER } from "../ledger/layout.js";
