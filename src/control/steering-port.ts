import type { Change, Refusal } from "./answer.js";
import type { ControlState } from "./control-state.js";
import type { Order, OrderedBy } from "./order.js";

/** The one way in for every change, as the control API, guards and the reload see it. */
export interface Steering {
  readonly state: ControlState;
  /** Changes of this life, the newest last; the oldest are forgotten. */
  readonly changes: readonly Change[];
  /**
   * Checks an order, writes it to the state and has it done. A dry run answers the same and changes nothing. Never
   * rejects for what an order is: that is a refusal.
   */
  order(order: Order, by: OrderedBy, options?: OrderOptions): Promise<OrderAnswer>;
  /** Called with every change, also those that ttl, guards and a reload make; returns what ends that. */
  onChange(listener: (change: Change) => void): () => void;
}

export interface OrderOptions {
  readonly isDryRun?: boolean;
  /** The revision that the order was made for; another one is refused as `outdated`. */
  readonly ifRevision?: number | null;
}

export type OrderAnswer = OrderDone | Refusal | OutdatedRefusal;

export interface OutdatedRefusal {
  readonly refused: "outdated";
  readonly revision: number;
}

/** As design.md has it: `{revision, id, scenario, state, effectiveAt, impact}`. */
export interface OrderDone {
  readonly revision: number;
  readonly id: string;
  readonly scenario: string | null;
  /** Of the scenario: warming, running, paused, …; null for an order to all. */
  readonly state: string | null;
  /** RFC 3339, from when on it holds. */
  readonly effectiveAt: string;
  readonly isDryRun: boolean;
  /** null for what changes no rate. */
  readonly impact: Impact | null;
}

/** What an order changes, as far as it can be known. */
export interface Impact {
  /** Starts more, or less when negative, than without the order, until the end of the plan or for an hour. */
  readonly startsDifference: number;
  readonly overSeconds: number;
  /** null when the workers have not told their places or mean run time. */
  readonly workers: WorkersImpact | null;
}

export interface WorkersImpact {
  /** Tasks a second that the workers' places can do at the present mean run time. */
  readonly capacityPerSecond: number;
  /** The most of our tasks that will wait within that time. */
  readonly expectedBacklog: number;
  /** Seconds from then until none waits, at the rate that the plan has by then; null: never. */
  readonly drainSeconds: number | null;
}
