import type { Clock } from "../clock.js";
import {
  type Layout,
  SCENARIO_CELLS,
  SCENARIO_STATES,
  type ScenarioCell,
  type ScenarioState,
} from "../ledger/layout.js";
import { type Arrivals, createArrivals } from "../plan/arrival.js";
import { createMix, type Mix } from "../plan/mix.js";
import { createProfile, type Profile } from "../plan/profile.js";
import { seedOf } from "../plan/random.js";
import type { Deal } from "../plan/share.js";
import type { ScenarioPlan } from "./messages.js";
import type { TaskLife } from "./task-life.js";

/** How many starts the whole run may still plan; shared by its scenarios. */
export interface StartBudget {
  /** How many it was to plan at the beginning; Infinity without `--count`. */
  readonly limit: number;
  left: number;
}

export interface ScenarioRunOptions {
  readonly index: number;
  readonly plan: ScenarioPlan;
  readonly layout: Layout;
  readonly cells: Float64Array;
  readonly clock: Clock;
  readonly life: TaskLife;
  readonly budget: StartBudget;
  readonly seed: number;
  /** Which starts of the plan are done here; a closed loop has no plan to share. */
  readonly deal: Deal;
  readonly onState: (state: ScenarioState) => void;
  readonly onStage: (stage: number) => void;
}

/** A profile that has a rate, and the starts that are due by it. */
interface Paced {
  readonly profile: Profile;
  readonly arrivals: Arrivals;
}

/** Starts of one scenario in one turn; more wait for the next, so that results are read in between. */
const MAX_STARTS_A_TURN = 512;
/** How soon a closed loop looks again when it could start nothing. */
const CLOSED_LOOP_RETRY_MS = 20;

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
  readonly #mix: Mix;
  /** Null for the closed loop `max`, which has no rate. */
  readonly #paced: Paced | null;
  readonly #endMs: number;
  #state: ScenarioState = "waiting";
  #beginMs = Number.POSITIVE_INFINITY;
  #drainUntilMs = Number.POSITIVE_INFINITY;
  #stage = -1;
  /** The stage of the starts that are due up to this time, and the time of the last one. */
  #startStage = 0;
  #startStageUntilMs = -1;
  #lastDueMs = 0;

  constructor(options: ScenarioRunOptions) {
    this.#options = options;
    const { plan, layout, index, seed, deal } = options;
    this.#cell = Object.fromEntries(
      SCENARIO_CELLS.map((cell) => [cell, layout.scenario(index, cell)]),
    ) as Record<ScenarioCell, number>;
    if (plan.profile.kind === "max") {
      this.#mix = createMix(plan.weights);
      this.#paced = null;
      this.#endMs = plan.endMs;
    } else {
      this.#mix = createMix(plan.weights, deal);
      const profile = createProfile(plan.profile);
      this.#endMs = Math.min(plan.endMs, profile.endMs);
      const ownSeed = seedOf(plan.name, seed);
      const arrivals = createArrivals(profile, plan.arrival, ownSeed, this.#endMs, deal);
      this.#paced = { profile, arrivals };
    }
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
    return this.#paced === null ? this.#fill(nowMs) : this.#catchUp(this.#paced, nowMs);
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
    if (isActive && (this.#isOver(elapsedMs) || this.#options.budget.left === 0)) {
      this.stop(nowMs);
      return;
    }
    if (this.#state === "draining") this.#drain(nowMs);
    this.#showPlan(isActive, elapsedMs);
  }

  /** The end has come, and the last start that is due by then has been planned. */
  #isOver(elapsedMs: number): boolean {
    if (elapsedMs < this.#endMs) return false;
    return this.#paced === null || this.#paced.arrivals.nextMs === Number.POSITIVE_INFINITY;
  }

  #catchUp({ profile, arrivals }: Paced, nowMs: number): number {
    const { plan, life, budget } = this.#options;
    for (let started = 0; started < MAX_STARTS_A_TURN; started++) {
      const plannedMs = this.#beginMs + arrivals.nextMs;
      if (plannedMs > nowMs) return plannedMs;
      if (budget.left === 0) return Number.POSITIVE_INFINITY;
      budget.left--;
      const dueMs = arrivals.nextMs;
      if (dueMs > this.#startStageUntilMs) this.#enterStartStage(profile, dueMs);
      this.#lastDueMs = dueMs;
      arrivals.advance();
      const entry = plan.entries[this.#mix.take()]!;
      life.start(entry, this.#startStage, plannedMs, nowMs, dueMs < plan.warmupMs);
    }
    return nowMs;
  }

  #fill(nowMs: number): number {
    const { index, plan, life, budget } = this.#options;
    const elapsedMs = nowMs - this.#beginMs;
    if (elapsedMs >= this.#endMs) return Number.POSITIVE_INFINITY;
    let started = 0;
    while (started < MAX_STARTS_A_TURN && budget.left > 0 && life.hasRoom(index)) {
      budget.left--;
      started++;
      this.#lastDueMs = elapsedMs;
      life.start(plan.entries[this.#mix.take()]!, 0, nowMs, nowMs, elapsedMs < plan.warmupMs);
    }
    if (budget.left === 0) return Number.POSITIVE_INFINITY;
    return life.hasRoom(index) ? nowMs : nowMs + CLOSED_LOOP_RETRY_MS;
  }

  #enterStartStage(profile: Profile, dueMs: number): void {
    const { index, untilMs } = profile.stageOfStart(dueMs);
    this.#startStage = index;
    this.#startStageUntilMs = untilMs;
  }

  /** How long it has planned starts: to the last one, where their number was the limit. */
  #plannedMs(nowMs: number): number {
    if (this.#options.budget.left === 0) return this.#lastDueMs;
    return Math.min(Math.max(0, nowMs - this.#beginMs), this.#endMs);
  }

  #drain(nowMs: number): void {
    const { life, index } = this.#options;
    if (life.inFlight(index) > 0 && nowMs < this.#drainUntilMs) return;
    life.endAll(index);
    this.#enter("stopped");
  }

  #showPlan(isActive: boolean, elapsedMs: number): void {
    this.#set("remainingSeconds", this.#remainingMs(elapsedMs) / 1000);
    if (this.#paced === null) {
      this.#set("targetRate", isActive ? Number.NaN : 0);
      this.#set("stageRemainingSeconds", isActive ? (this.#endMs - elapsedMs) / 1000 : 0);
      if (isActive) this.#enterStage(0, this.#beginMs);
      return;
    }
    const { profile } = this.#paced;
    this.#set("targetRate", isActive ? profile.rateAt(elapsedMs) / this.#options.deal.of : 0);
    if (!isActive) {
      this.#set("stageRemainingSeconds", 0);
      return;
    }
    const { index, remainingMs } = profile.stageAt(elapsedMs);
    const untilEndMs = Math.max(0, this.#endMs - elapsedMs);
    this.#set("stageRemainingSeconds", Math.min(remainingMs, untilEndMs) / 1000);
    const { durationMs } = profile.stages[index]!;
    const stageBeganMs = Number.isFinite(durationMs) ? elapsedMs + remainingMs - durationMs : 0;
    this.#enterStage(index, this.#beginMs + stageBeganMs);
  }

  /** Until the last start. By its time it is exact, by the count as long as the pace stays what it was. */
  #remainingMs(elapsedMs: number): number {
    if (this.#state === "draining" || this.#state === "stopped") return 0;
    const { limit, left } = this.#options.budget;
    const hasPace = elapsedMs > 0 && left < limit;
    const byCountMs = hasPace ? (left * elapsedMs) / (limit - left) : Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(this.#endMs - elapsedMs, byCountMs));
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
