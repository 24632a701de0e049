import type { Clock } from "../clock.js";
import type { StartEnd } from "../ledger/balance.js";
import {
  type Layout,
  SCENARIO_CELLS,
  SCENARIO_STATES,
  type ScenarioCell,
  type ScenarioState,
} from "../ledger/layout.js";
import { hasRate, stagesOf, stageTimesMs } from "../plan/profile.js";
import type { Regime } from "../plan/regime.js";
import { ClosedLoop } from "./closed-loop.js";
import { OpenLoop } from "./open-loop.js";
import type { Beginning, Look, Pacing, PacingOptions } from "./pacing.js";
import { Users } from "./users.js";

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
 * waiting again while its windows are closed, and paused at any time before its end, by an order. It is draining while results of its tasks are awaited, at most
 * for its graceful stop. One that an order has stopped can be started again.
 */
export class ScenarioRun {
  readonly #options: ScenarioRunOptions;
  readonly #cell: Record<ScenarioCell, number>;
  #pacing: Pacing | undefined;
  #state: ScenarioState = "waiting";
  /** The zero of its elapsed time. */
  #zeroMs = Number.POSITIVE_INFINITY;
  #drainUntilMs = Number.POSITIVE_INFINITY;
  #stage = -1;
  #hasStarted = false;
  /** The plan's own time from which it goes on without a jump; null: it plans nothing. */
  #legFromMs: number | null = null;
  /** Not over: it may be started again. */
  #isStoppedByOrder = false;
  /** Another engine goes on with its plan. */
  #isRetired = false;

  constructor(options: ScenarioRunOptions) {
    this.#options = options;
    const { layout, index } = options;
    this.#cell = Object.fromEntries(
      SCENARIO_CELLS.map((cell) => [cell, layout.scenario(index, cell)]),
    ) as Record<ScenarioCell, number>;
    this.#set("remainingSeconds", Number.POSITIVE_INFINITY);
  }

  get state(): ScenarioState {
    return this.#state;
  }

  /** Nothing more comes of it, unless it is started anew. */
  isOver(nowMs: number): boolean {
    if (this.#state !== "stopped") return false;
    return !this.#isStoppedByOrder || nowMs - this.#zeroMs >= this.#options.plan.untilMs;
  }

  /** Sets the zero of its elapsed time, and where its plan is then. */
  begin(zeroMs: number, nowMs: number, beginning: Beginning): void {
    this.#zeroMs = zeroMs;
    this.#pacing = pacingOf(this.#options, beginning);
    this.#legFromMs = Math.max(0, beginning.regime.planMs);
    this.#isStoppedByOrder = beginning.isStopped;
    this.refresh(nowMs);
  }

  /** Plans what is due and returns when the next start is, in monotonic milliseconds. */
  turn(nowMs: number): number {
    if (this.#pacing === undefined || this.#hasEnded) return Number.POSITIVE_INFINITY;
    return this.#pacing.turn(this.#zeroMs, nowMs);
  }

  /** A task has ended that one of its users has waited for; as `Pacing.ended`. */
  ended(slot: number, end: StartEnd, text: string | null, nowMs: number): void {
    this.#pacing?.ended?.(slot, end, text, nowMs);
  }

  /** Goes on as an order says, from the regime's beginning on. */
  follow(regime: Regime): void {
    const beforeMs = this.#pacing?.look(regime.fromMs).planMs ?? 0;
    this.#pacing?.follow(regime);
    if (this.#legFromMs === null || Math.abs(regime.planMs - beforeMs) <= LEAST_JUMP_MS) return;
    this.#endLeg(beforeMs);
    this.#legFromMs = Math.max(0, regime.planMs);
  }

  /** Has a part of its highest rate from an elapsed time on. */
  feed(factor: number, fromMs: number): void {
    this.#pacing?.feed?.(factor, fromMs);
  }

  /** Begins anew after it was stopped or had ended, as the regime says that it follows. */
  start(nowMs: number): void {
    this.#isStoppedByOrder = false;
    if (!this.#hasEnded) return;
    this.#drainUntilMs = Number.POSITIVE_INFINITY;
    this.#stage = -1;
    this.#hasStarted = false;
    this.#legFromMs = 0;
    this.#enter("waiting");
    this.refresh(nowMs);
  }

  /** Stops planning; results are awaited for the graceful stop. It is over for good. */
  stop(nowMs: number): void {
    this.#isStoppedByOrder = false;
    this.#isRetired = false;
    if (!this.#hasEnded) this.#end(nowMs);
    const { gracefulStopMs } = this.#options.plan;
    this.#drainUntilMs = Math.min(this.#drainUntilMs, nowMs + gracefulStopMs);
  }

  /** Stops by an order, when the pause begins that it follows: it can be started again. */
  halt(pause: Regime): void {
    this.#isStoppedByOrder = true;
    this.follow(pause);
  }

  /** Stops for good when the pause begins: another engine goes on, and nobody waits for this one to end. */
  retire(pause: Regime): void {
    this.#isStoppedByOrder = false;
    this.#isRetired = true;
    this.follow(pause);
  }

  /** Stops at once. */
  abort(nowMs: number): void {
    this.stop(nowMs);
    this.#drainUntilMs = nowMs;
    this.refresh(nowMs);
  }

  /** Moves the state on with time and writes what the metrics show of it. */
  refresh(nowMs: number): void {
    const elapsedMs = nowMs - this.#zeroMs;
    const look = this.#pacing?.look(elapsedMs);
    if (!this.#hasEnded && look !== undefined) {
      const isHalted = (this.#isStoppedByOrder || this.#isRetired) && look.isAtRest;
      if (look.isOver || isHalted || this.#options.budget.left === 0) {
        this.#end(nowMs);
        return;
      }
      this.#enterActive(look, nowMs);
    }
    if (this.#state === "draining") this.#drain(nowMs);
    if (look !== undefined) this.#showPlan(look, nowMs);
  }

  get #hasEnded(): boolean {
    return this.#state === "draining" || this.#state === "stopped";
  }

  #end(nowMs: number): void {
    this.#drainUntilMs = this.#isRetired
      ? Number.POSITIVE_INFINITY // its tasks end by their timeouts at the latest
      : nowMs + this.#options.plan.gracefulStopMs;
    this.#endLeg(this.#plannedMs(nowMs));
    this.#enter("draining");
    this.refresh(nowMs);
  }

  /** What was driven of the plan, up to its own time `untilMs`, counts for its stages. */
  #endLeg(untilMs: number): void {
    const fromMs = this.#legFromMs;
    this.#legFromMs = null;
    if (fromMs === null || untilMs <= fromMs) return;
    const { life, index, plan } = this.#options;
    const stages = stagesOf(plan.profile);
    const before = stageTimesMs(stages, fromMs);
    const timesMs = stageTimesMs(stages, untilMs).map((ms, stage) => ms - before[stage]!);
    life.stagesLasted(index, timesMs);
  }

  #enterActive(look: Look, nowMs: number): void {
    const { planMs } = look;
    const state = this.#activeState(look);
    if (state === this.#state) return;
    // One that is paused from the start may have been under way in a former life.
    if (!this.#hasStarted && (state === "warming" || state === "running" || planMs > 0)) {
      this.#hasStarted = true;
      const sinceMs = Math.max(this.#zeroMs, nowMs - planMs);
      this.#set("startedAt", this.#options.clock.unixMs(sinceMs) / 1000);
      // It may be looked at first at the end of a short warm-up.
      if (state === "running" && this.#options.plan.warmupMs > 0) this.#enter("warming");
    }
    this.#enter(state);
  }

  #activeState({ isPaused, isOpen, planMs }: Look): ScenarioState {
    if (isPaused) return "paused";
    if (planMs < 0 || !isOpen) return "waiting";
    return planMs < this.#options.plan.warmupMs ? "warming" : "running";
  }

  /** How long it has planned starts, in the plan's time: to the last one, where their number was the limit. */
  #plannedMs(nowMs: number): number {
    if (this.#pacing === undefined) return 0;
    const untilMs = this.#options.budget.left === 0 ? this.#pacing.lastDueMs : nowMs - this.#zeroMs;
    return Math.max(0, this.#pacing.look(untilMs).planMs);
  }

  #drain(nowMs: number): void {
    const { life, index } = this.#options;
    if (life.inFlight(index) > 0 && nowMs < this.#drainUntilMs) return;
    life.endAll(index);
    this.#enter("stopped");
  }

  #showPlan(look: Look, nowMs: number): void {
    this.#set("remainingSeconds", this.#remainingMs(look) / 1000);
    this.#set("users", this.#hasEnded ? 0 : look.users);
    this.#options.pace?.look(look.users * this.#options.share.of);
    if (this.#hasEnded) {
      this.#set("targetRate", 0);
      this.#set("stageRemainingSeconds", 0);
      return;
    }
    this.#set("targetRate", look.planMs < 0 ? 0 : look.ratePerSecond);
    this.#set("stageRemainingSeconds", look.stageRemainingMs / 1000);
    if (look.planMs >= 0) this.#enterStage(look.stage, nowMs - look.inStageMs);
  }

  /** Until the last start. By its time it is exact, by the count as long as the pace stays what it was. */
  #remainingMs({ planMs, remainingMs }: Look): number {
    if (this.#hasEnded) return 0;
    const { limit, left } = this.#options.budget;
    const hasPace = planMs > 0 && left < limit;
    const byCountMs = hasPace ? (left * planMs) / (limit - left) : Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(remainingMs, byCountMs));
  }

  #enterStage(stage: number, sinceMs: number): void {
    if (stage === this.#stage) return;
    this.#stage = stage;
    this.#set("stage", stage);
    this.#set("stageChangedAt", this.#options.clock.unixMs(Math.max(this.#zeroMs, sinceMs)) / 1000);
    this.#options.onStage(stage);
  }

  #enter(state: ScenarioState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#set("state", SCENARIO_STATES.indexOf(state));
    this.#options.onState(state);
  }

  #set(cell: ScenarioCell, value: number): void {
    this.#options.cells[this.#cell[cell]] = value;
  }
}

/** What rounding makes of a plan that goes on as it was. */
const LEAST_JUMP_MS = 1;

/** The pacing that a profile asks for. */
function pacingOf(options: PacingOptions, beginning: Beginning): Pacing {
  const { profile } = options.plan;
  if (hasRate(profile)) return new OpenLoop(options, profile, beginning);
  return profile.kind === "max"
    ? new ClosedLoop(options, beginning)
    : new Users(options, profile, beginning);
}
