import type { StartEnd } from "../ledger/balance.js";
import type { Profile } from "../plan/profile.js";
import type { Regime } from "../plan/regime.js";
import type { Deal, Share } from "../plan/share.js";
import type { RowsOfStarts } from "../plan/starts.js";
import type { Timeline } from "../plan/timeline.js";
import type { CodePort } from "./code-port.js";
import type { ScenarioPlan } from "./messages.js";
import type { TaskLife } from "./task-life.js";
import type { UserPaceWatch } from "./user-pace.js";

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
  /** False while another daemon has the scenario's lease: its starts are then not ours to plan. */
  readonly mayStart: () => boolean;
  /** Which starts of the plan are done here; a closed loop has no plan to share. */
  readonly deal: Deal;
  /** This thread's part of all. */
  readonly share: Share;
  /** How its users go on; null: it has none. */
  readonly pace: UserPaceWatch | null;
  /** Of what its starts take rows; undefined: of nothing. */
  readonly rows: RowsOfStarts | undefined;
  /** What its users do, in code; null: each starts a task of the mix. */
  readonly code: CodePort | null;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Has the rows of a data read from a start's on, before they are due. */
  readonly readAhead: (data: number, ordinal: number) => void;
}

/** Where a scenario begins: with its plan, or where a former life of the daemon would be by now. */
export interface Beginning {
  readonly regime: Regime;
  /** N at that moment. */
  readonly startsBefore: number;
  /** It was stopped by an order, and waits for the one to start. */
  readonly isStopped: boolean;
}

/** How the starts of one scenario follow one another. Times are elapsed milliseconds, unless it is said. */
export interface Pacing {
  /** When the last start was planned. */
  readonly lastDueMs: number;
  /** Plans what is due when the elapsed time began at `zeroMs`, and returns when the next start is; both monotonic. */
  turn(zeroMs: number, nowMs: number): number;
  /** Goes on as an order says. */
  follow(regime: Regime): void;
  /** Has a part of its highest rate from an elapsed time on; only of a profile that follows what is observed. */
  feed?(factor: number, fromMs: number): void;
  /** A start has ended that one of its users waits for. `text`: its result as the worker stored it; null: there is none. */
  ended?(slot: number, end: StartEnd, text: string | null, nowMs: number): void;
  /** Where it is. */
  look(elapsedMs: number): Look;
}

/** What a scenario is at. */
export interface Look extends Place {
  /** Starts a second; NaN when there is no rate. */
  readonly ratePerSecond: number;
  /** Users that there are now; 0 where there are none. */
  readonly users: number;
  /** The end has come, and the last start that is due by then has been planned. */
  readonly isOver: boolean;
  /** As `isOver`, of a pause. */
  readonly isAtRest: boolean;
}

/** Where a scenario is in its plan. */
export interface Place {
  readonly isPaused: boolean;
  /** Its windows are open, or it has none. */
  readonly isOpen: boolean;
  /** The plan's own time, negative while it waits. */
  readonly planMs: number;
  /** Until its end, if nothing more is ordered. */
  readonly remainingMs: number;
  readonly stage: number;
  readonly stageRemainingMs: number;
  /** For how long it has been in the stage, in the plan's time. */
  readonly inStageMs: number;
}

/** When an order holds that has been heard of, as a monotonic time; Infinity: none is to come. */
export function nextChangeMs(timeline: Timeline, zeroMs: number, elapsedMs: number): number {
  const { fromMs } = timeline.regime;
  return fromMs > elapsedMs ? zeroMs + fromMs : Number.POSITIVE_INFINITY;
}

export function lookAt(
  timeline: Timeline,
  profile: Profile,
  plan: Pick<ScenarioPlan, "endMs" | "untilMs">,
  elapsedMs: number,
): Place {
  const planMs = timeline.planMsAt(elapsedMs);
  const { index, remainingMs } = profile.stageAt(planMs);
  const { durationMs } = profile.stages[index]!;
  const leftMs = Math.min(Math.min(plan.endMs, profile.endMs) - planMs, plan.untilMs - elapsedMs);
  return {
    isPaused: timeline.isPausedAt(elapsedMs),
    isOpen: timeline.isOpenAt(elapsedMs),
    planMs,
    remainingMs: leftMs,
    stage: index,
    stageRemainingMs: Math.min(remainingMs, Math.max(0, leftMs)),
    inStageMs: Number.isFinite(durationMs) ? durationMs - remainingMs : planMs,
  };
}

/** Starts of one scenario in one turn; more wait for the next, so that results are read in between. */
export const MAX_STARTS_A_TURN = 512;
