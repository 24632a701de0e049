import type { Clock } from "../clock.js";
import {
  type Layout,
  SCENARIO_CELLS,
  SCENARIO_STATES,
  type ScenarioCell,
  type ScenarioState,
} from "../ledger/layout.js";
import { hasRate } from "../plan/profile.js";
import { ClosedLoop } from "./closed-loop.js";
import { OpenLoop } from "./open-loop.js";
import type { Pacing, PacingOptions } from "./pacing.js";

export interface ScenarioRunOptions extends PacingOptions {
  readonly layout: Layout;
  readonly cells: Float64Array;
  readonly clock: Clock;
  readonly onState: (state: ScenarioState) => void;
  readonly onStage: (stage: number) => void;
}

/**
 * One scenario in time:
 *
 *     waiting ──startAfter──> (warming ──warmup──>) running ──end, stop──> draining ──> stopped
 *
 * It is draining while results of its tasks are awaited, at most for its graceful stop.
 */
export class ScenarioRun {
  readonly #options: ScenarioRunOptions;
  readonly #cell: Record<ScenarioCell, number>;
  readonly #pacing: Pacing;
  #state: ScenarioState = "waiting";
  #beginMs = Number.POSITIVE_INFINITY;
  #drainUntilMs = Number.POSITIVE_INFINITY;
  #stage = -1;

  constructor(options: ScenarioRunOptions) {
    this.#options = options;
    const { layout, index } = options;
    this.#cell = Object.fromEntries(
      SCENARIO_CELLS.map((cell) => [cell, layout.scenario(index, cell)]),
    ) as Record<ScenarioCell, number>;
    this.#pacing = pacingOf(options);
    this.#set("remainingSeconds", Number.POSITIVE_INFINITY);
  }

  get state(): ScenarioState {
    return this.#state;
  }

  /** Sets the zero of its elapsed time. */
  begin(nowMs: number): void {
    this.#beginMs = nowMs + this.#options.plan.startAfterMs;
    this.refresh(nowMs);
  }

  /** Plans what is due and returns when the next start is, in monotonic milliseconds. */
  turn(nowMs: number): number {
    if (this.#state !== "warming" && this.#state !== "running") {
      return this.#state === "waiting" ? this.#beginMs : Number.POSITIVE_INFINITY;
    }
    return this.#pacing.turn(this.#beginMs, nowMs);
  }

  /** Stops planning; results are awaited for the graceful stop. */
  stop(nowMs: number): void {
    if (this.#state === "draining" || this.#state === "stopped") return;
    this.#drainUntilMs = nowMs + this.#options.plan.gracefulStopMs;
    this.#set("plannedSeconds", this.#plannedMs(nowMs) / 1000);
    this.#enter("draining");
    this.refresh(nowMs);
  }

  /** Stops at once. */
  abort(nowMs: number): void {
    this.stop(nowMs);
    this.#drainUntilMs = nowMs;
    this.refresh(nowMs);
  }

  /** Moves the state on with time and writes what the metrics show of it. */
  refresh(nowMs: number): void {
    const elapsedMs = nowMs - this.#beginMs;
    if (this.#state === "waiting" && elapsedMs >= 0) {
      this.#set("startedAt", this.#unixSeconds(this.#beginMs));
      this.#enter(this.#options.plan.warmupMs > 0 ? "warming" : "running");
    }
    if (this.#state === "warming" && elapsedMs >= this.#options.plan.warmupMs) {
      this.#enter("running");
    }
    const isActive = this.#state === "warming" || this.#state === "running";
    if (isActive && (this.#pacing.isOver(elapsedMs) || this.#options.budget.left === 0)) {
      this.stop(nowMs);
      return;
    }
    if (this.#state === "draining") this.#drain(nowMs);
    this.#showPlan(isActive, elapsedMs);
  }

  /** How long it has planned starts: to the last one, where their number was the limit. */
  #plannedMs(nowMs: number): number {
    if (this.#options.budget.left === 0) return this.#pacing.lastDueMs;
    return Math.min(Math.max(0, nowMs - this.#beginMs), this.#pacing.endMs);
  }

  #drain(nowMs: number): void {
    const { life, index } = this.#options;
    if (life.inFlight(index) > 0 && nowMs < this.#drainUntilMs) return;
    life.endAll(index);
    this.#enter("stopped");
  }

  #showPlan(isActive: boolean, elapsedMs: number): void {
    this.#set("remainingSeconds", this.#remainingMs(elapsedMs) / 1000);
    if (!isActive) {
      this.#set("targetRate", 0);
      this.#set("stageRemainingSeconds", 0);
      return;
    }
    const { ratePerSecond, stage, stageRemainingMs, stageBeganMs } = this.#pacing.look(elapsedMs);
    this.#set("targetRate", ratePerSecond);
    this.#set("stageRemainingSeconds", stageRemainingMs / 1000);
    this.#enterStage(stage, this.#beginMs + stageBeganMs);
  }

  /** Until the last start. By its time it is exact, by the count as long as the pace stays what it was. */
  #remainingMs(elapsedMs: number): number {
    if (this.#state === "draining" || this.#state === "stopped") return 0;
    const { limit, left } = this.#options.budget;
    const hasPace = elapsedMs > 0 && left < limit;
    const byCountMs = hasPace ? (left * elapsedMs) / (limit - left) : Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(this.#pacing.endMs - elapsedMs, byCountMs));
  }

  #enterStage(stage: number, sinceMs: number): void {
    if (stage === this.#stage) return;
    this.#stage = stage;
    this.#set("stage", stage);
    this.#set("stageChangedAt", this.#unixSeconds(sinceMs));
    this.#options.onStage(stage);
  }

  #enter(state: ScenarioState): void {
    this.#state = state;
    this.#set("state", SCENARIO_STATES.indexOf(state));
    this.#options.onState(state);
  }

  #set(cell: ScenarioCell, value: number): void {
    this.#options.cells[this.#cell[cell]] = value;
  }

  #unixSeconds(monotonicMs: number): number {
    return this.#options.clock.unixMs(monotonicMs) / 1000;
  }
}

/** The pacing that a profile asks for. */
function pacingOf(options: PacingOptions): Pacing {
  const { profile } = options.plan;
  return hasRate(profile) ? new OpenLoop(options, profile) : new ClosedLoop(options);
}
