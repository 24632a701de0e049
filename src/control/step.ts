import type { Refusal } from "./answer.js";
import type { ScenarioControl } from "./control-state.js";
import type { Moved } from "./regime-of.js";

/** What an order makes of one scenario, or why it is not followed. */
export type Step = Move | Refusal;

/** What an order makes of one scenario; its regime follows from it. */
export interface Move extends Moved {
  /** Of what the order made, else of the order itself. */
  readonly id: string;
  readonly text: string;
  /** Its regime is still the one before. */
  readonly control: ScenarioControl;
  /** It was stopped or had ended, and begins again. */
  readonly isStart?: boolean;
}

export function conflict(path: string, message: string): Refusal {
  return { refused: "conflict", faults: [{ path, message }] };
}
