import type { Burst, Regime } from "../plan/regime.js";
import type { OrderedBy, OverrideTo } from "./order.js";

/**
 * What was ordered, and where each plan is: all that survives a restart. Immutable. Times are elapsed milliseconds of
 * this process (`plan/regime.ts`); in the file they are relative to the moment of writing.
 */
export interface ControlState {
  /** Grows by one with every change. */
  readonly revision: number;
  readonly killSwitch: KillSwitch | null;
  /** By the scenario's name. */
  readonly scenarios: Readonly<Record<string, ScenarioControl>>;
}

export interface KillSwitch extends OrderedBy {
  readonly id: string;
  readonly sinceUnixMs: number;
}

export interface ScenarioControl {
  /** What it does now, or will from its `fromMs` on. */
  readonly regime: Regime;
  /** Planned starts in all at `regime.fromMs`, those of former lives too: a real number. */
  readonly startsBefore: number;
  /** Ended by an order, and not started again. */
  readonly isStopped: boolean;
  /** Who holds it: it goes on when all have let go. */
  readonly pauses: readonly Pause[];
  /** One of each guard at most: the least of them is in force, on top of whatever the rate is. */
  readonly throttles: readonly Throttle[];
  /** The oldest first: of those that concern the rate the last one is in force, and of those that concern the mix. */
  readonly overrides: readonly Override[];
  /** Those that run, and some that have ended and go with the next change. */
  readonly bursts: readonly OrderedBurst[];
}

export interface Pause extends OrderedBy {
  readonly id: string;
  /** The guard that holds it; null: a person. */
  readonly guard: string | null;
  readonly sinceUnixMs: number;
  /** When it ends by itself, in elapsed time; null: never. */
  readonly untilMs: number | null;
}

export interface Throttle extends OrderedBy {
  readonly id: string;
  readonly guard: string;
  /** Above 0, below 1. */
  readonly factor: number;
  readonly sinceUnixMs: number;
  /** When it ends by itself, in elapsed time. */
  readonly untilMs: number;
}

export interface Override extends OrderedBy {
  readonly id: string;
  readonly to: OverrideTo;
  readonly fromMs: number;
  /** When it is undone by itself, in elapsed time; null: never. */
  readonly untilMs: number | null;
  readonly sinceUnixMs: number;
}

export interface OrderedBurst extends Burst, OrderedBy {
  readonly id: string;
  readonly sinceUnixMs: number;
}
