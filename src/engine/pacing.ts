import type { Deal } from "../plan/share.js";
import type { ScenarioPlan } from "./messages.js";
import type { TaskLife } from "./task-life.js";

/** How many starts the whole run may still plan; shared by its scenarios. */
export interface StartBudget {
  /** How many it was to plan at the beginning; Infinity without `--count`. */
  readonly limit: number;
  left: number;
}

export interface PacingOptions {
  /** Number of the scenario. */
  readonly index: number;
  readonly plan: ScenarioPlan;
  readonly life: TaskLife;
  readonly budget: StartBudget;
  readonly seed: number;
  /** Which starts of the plan are done here; a closed loop has no plan to share. */
  readonly deal: Deal;
}

/** How the starts of one scenario follow one another. Times are milliseconds since the scenario began. */
export interface Pacing {
  /** When the plan ends; Infinity when it never does by itself. */
  readonly endMs: number;
  /** When the last start was planned. */
  readonly lastDueMs: number;
  /** Plans what is due in a scenario that began at `beganMs`, and returns when the next start is; both monotonic. */
  turn(beganMs: number, nowMs: number): number;
  /** The end has come, and the last start that is due by then has been planned. */
  isOver(elapsedMs: number): boolean;
  /** What is wanted of a scenario that is active. */
  look(elapsedMs: number): Look;
}

/** What a scenario is at. */
export interface Look {
  /** Starts a second; NaN when there is no rate. */
  readonly ratePerSecond: number;
  readonly stage: number;
  readonly stageRemainingMs: number;
  /** When the stage began. */
  readonly stageBeganMs: number;
}

/** Starts of one scenario in one turn; more wait for the next, so that results are read in between. */
export const MAX_STARTS_A_TURN = 512;
