import type { LeaseTimes } from "./lease-times.js";

/**
 * Where a daemon stands with one lease:
 *
 *     standby ──claimed──> waiting ──grace──> held <──proved / not proved in time──> expired
 *        ^                    │                │                                        │
 *        └────────── the claim is somebody else's, or was taken anew <───────────────────┘
 */
export type LeasePhase =
  /** The claim is not ours, for all we know. */
  | "standby"
  /** The claim is ours, and who had it before may still trust in it. */
  | "waiting"
  /** Ours: may start. */
  | "held"
  /** It was ours, and that could not be proved in time: nothing starts until it is. */
  | "expired";

/** What the server said of the claim. */
export type ClaimAnswer =
  /** It was nobody's and is ours now, or was taken by a request of ours whose answer was lost. */
  | "taken"
  /** It is still ours, and was without a gap since it was taken. */
  | "kept"
  | "others";

/** What is known of a lease. Immutable; times are milliseconds on one monotonic clock. */
export interface LeaseState {
  /** When it was known that the claim is ours, without a gap since; null: it is not. */
  readonly claimedMs: number | null;
  /** When the last proof was asked for. */
  readonly provenMs: number;
}

export const NO_LEASE: LeaseState = { claimedMs: null, provenMs: Number.NEGATIVE_INFINITY };

/** After an answer to what was asked at `askedMs`. What is not answered changes nothing: time does. */
export function afterAnswer(
  state: LeaseState,
  answer: ClaimAnswer,
  askedMs: number,
  answeredMs: number,
): LeaseState {
  if (answer === "others") return NO_LEASE;
  const isContinued = answer === "kept" && state.claimedMs !== null;
  return { claimedMs: isContinued ? state.claimedMs : answeredMs, provenMs: askedMs };
}

export function phaseAt(state: LeaseState, times: LeaseTimes, nowMs: number): LeasePhase {
  if (state.claimedMs === null) return "standby";
  if (nowMs < state.claimedMs + times.graceMs) return "waiting";
  return nowMs < trustedUntilMs(state, times) ? "held" : "expired";
}

/** Until when what is held may be used without another proof. */
export function trustedUntilMs(state: LeaseState, times: LeaseTimes): number {
  return state.provenMs + times.trustMs;
}

/** When the phase changes by time alone; Infinity: never. */
export function nextChangeMs(state: LeaseState, times: LeaseTimes, nowMs: number): number {
  switch (phaseAt(state, times, nowMs)) {
    case "waiting":
      return state.claimedMs! + times.graceMs;
    case "held":
      return trustedUntilMs(state, times);
    default:
      return Number.POSITIVE_INFINITY;
  }
}
