import type { LeasePhase } from "../lease/lease-state.js";

/** Where a lease stands. */
export interface LeaseReading {
  readonly scenario: string;
  /** Which part of all starts it is for: `2/4`. */
  readonly segment: string;
  readonly phase: LeasePhase;
  /** Who holds it instead of us: host and process; null: nobody, or it is not known. */
  readonly holder: string | null;
  /** Why it cannot be asked for now; null: it can. */
  readonly cause: string | null;
}
