import type { ClaimAnswer } from "../lease/lease-state.js";
import type { ObserveOptions } from "./observe-ports.js";

/**
 * A name that at most one client of a broker has: what a lease (`lease/`) stands on. One implementation a broker,
 * listed in `open.ts`. Its connection is its own.
 */
export interface Claim {
  /**
   * Takes the claim if it is nobody's; if it is ours, keeps it for another while. Never call it again before it has
   * settled. It may take as long as a connection may be silent.
   * @throws when the answer is not known: no connection, an answer that was lost, a refusal. The claim may be ours.
   */
  ask(): Promise<Claimed>;
  /** As `ObservePart.checkLiveness`. */
  checkLiveness(isLate: boolean): void;
  /** Gives the claim up if it is ours, when the server can be told in time, and closes the connection. */
  close(): Promise<void>;
}

export interface Claimed {
  readonly answer: ClaimAnswer;
  /** Who has it, in their own words; null: us, or the broker does not tell. */
  readonly holder: string | null;
}

export interface ClaimOptions extends Omit<ObserveOptions, "management"> {
  /** What is claimed: `steady:2/4`. */
  readonly subject: string;
  /** How long the server keeps a claim that nobody asks for again. */
  readonly keptMs: number;
}
