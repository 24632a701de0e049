import { isDeepStrictEqual } from "node:util";
import { type ResultState, returnedValue } from "../celery/results/result.js";
import type { PublishOutcome } from "../connections/ports.js";
import type { StartEnd } from "../ledger/balance.js";
import { FLAG, SLOT } from "../ledger/in-flight-table.js";
import type { Expectation } from "./messages.js";

/**
 * What a message about a task means, from the state of its slot and the state in the message.
 * The first terminal state settles a task; after that only `late` and `duplicate` are counted.
 */
export type Meaning =
  | Terminal
  | "started"
  | "retry"
  | "late"
  | "duplicate"
  /** The message of a task that was already found by asking; it was to be expected. */
  | "expected"
  | "nothing";

/** How a task ends by a result. */
export type Terminal = "succeeded" | "failed" | "revoked";

/** Pure; `slotState` is one of SLOT, `flags` are FLAG bits. */
export function meaningOf(slotState: number, flags: number, result: ResultState): Meaning {
  const inFlight = slotState >= SLOT.publishing && slotState <= SLOT.started;
  switch (result) {
    case "SUCCESS":
    case "FAILURE":
    case "REVOKED":
      if (inFlight) return TERMINAL[result];
      if (slotState === SLOT.timedOut) return "late";
      return (flags & FLAG.recovered) === 0 ? "duplicate" : "expected";
    case "RETRY":
      return "retry";
    case "STARTED":
      return inFlight ? "started" : "nothing";
    default:
      return "nothing";
  }
}

const TERMINAL = { SUCCESS: "succeeded", FAILURE: "failed", REVOKED: "revoked" } as const;

/** Has a task returned what it must? `text` is its result as the worker stored it. */
export function isExpected({ result }: Expectation, text: string): boolean {
  return isDeepStrictEqual(returnedValue(text), result);
}

/** Where a message is counted that is provably not queued. */
export const NOT_QUEUED = {
  refused: "failedRejected",
  unroutable: "failedUnroutable",
  tooLarge: "failedTooLarge",
  invalid: "failedInvalid",
  notWritten: "droppedNotConnected",
} as const satisfies Record<Exclude<PublishOutcome, "accepted" | "unknown">, StartEnd>;
