import type { Regime } from "../plan/regime.js";
import type { ControlState } from "./control-state.js";
import type { Order, OrderedBy } from "./order.js";

/** What a change was: for the log, the events, the answer. */
export interface Change extends OrderedBy {
  /** Of the override, pause or kill switch that it made, else of itself: what `undo` takes. */
  readonly id: string;
  readonly revision: number;
  readonly kind: Order["kind"];
  /** null: it concerns all. */
  readonly scenario: string | null;
  /** What it is, in a few words: `rate 50/s over 1m, for 10m`. */
  readonly text: string;
  readonly unixMs: number;
}

/** What is to be done for it, by those who can. */
export type Effect =
  /** The scenario's engine follows this from its `fromMs` on. `isStart`: it was stopped or had ended, and begins again. */
  | {
      readonly kind: "regime";
      readonly scenario: string;
      readonly regime: Regime;
      readonly isStart: boolean;
    }
  /** It follows the regime, which pauses, and then drains and stops. */
  | { readonly kind: "stop"; readonly scenario: string; readonly regime: Regime }
  /** Tell workers to revoke what is in flight. */
  | { readonly kind: "revoke" };

export interface Accepted {
  readonly state: ControlState;
  readonly change: Change;
  readonly effects: readonly Effect[];
}

/** Why an order is not followed; nothing has changed. */
export interface Refusal {
  readonly refused: "bad" | "unknown" | "conflict";
  readonly faults: readonly { readonly path: string; readonly message: string }[];
}

export type Answer = Accepted | Refusal;
