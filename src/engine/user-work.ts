import type { StartEnd } from "../ledger/balance.js";
import type { Regime } from "../plan/regime.js";
import { LoopMix } from "./loop-mix.js";
import type { PacingOptions } from "./pacing.js";
import { MAX_CATCH_UP_MS } from "./task-life.js";

/** Where the plan is when a user does something. */
export interface UserMoment {
  readonly nowMs: number;
  /** In elapsed time. */
  readonly elapsedMs: number;
  readonly stage: number;
  readonly isWarmup: boolean;
}

/** What a user does when it is its turn: one task, or a script. It says when it is through by `free`. */
export interface UserWork {
  /** True when none can begin any more. */
  readonly isOver: boolean;
  /** When something was started last, in elapsed time. */
  readonly lastDueMs: number;
  /**
   * A user begins that was due at a time.
   * @returns 0 when it has; else how soon to try again
   */
  begin(dueMs: number, moment: UserMoment): number;
  /** Whatever else is to be started. @returns when it is to be looked at again */
  turn(moment: UserMoment): number;
  /** A start of the scenario has ended; `text`: its result as the worker stored it, null when there is none. */
  ended(slot: number, end: StartEnd, text: string | null, nowMs: number): void;
  follow(regime: Regime): void;
}

/** How soon it looks again when it could start nothing. */
const RETRY_MS = 20;

/** Holds starts to `maxRate`, and while nothing may be started at all. */
export class UserStarts {
  readonly #options: PacingOptions;
  /** From one start to the next, if there is a limit. */
  readonly #stepMs: number;
  /** When the next task may start. */
  #nextMs = Number.NEGATIVE_INFINITY;
  /** Until when nothing could be started, whoever was due. */
  #heldUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: PacingOptions, maxPerSecond: number | null) {
    this.#options = options;
    this.#stepMs = maxPerSecond === null ? 0 : (1000 * options.share.of) / maxPerSecond;
  }

  /** How soon to look again when nothing may be started now; 0 when it may. */
  heldFor(nowMs: number): number {
    const { index, life, mayStart } = this.#options;
    const limitMs = this.#nextMs - nowMs;
    const againMs = limitMs > 0 ? limitMs : mayStart() && life.hasRoom(index) ? 0 : RETRY_MS;
    if (againMs > 0) this.#heldUntilMs = Math.max(nowMs, this.#nextMs);
    return againMs;
  }

  /** When a start that nothing holds was planned that was due then. */
  started(dueMs: number, nowMs: number): number {
    this.#nextMs = Math.max(this.#nextMs, nowMs - this.#stepMs) + this.#stepMs;
    this.#options.budget.left--;
    // Who was held is due when that is over, and nobody is dropped for a thread that stood still: users start late.
    return Math.max(dueMs, this.#heldUntilMs, nowMs - MAX_CATCH_UP_MS);
  }
}

/** Each user starts a task of the mix. */
export class TaskWork implements UserWork {
  lastDueMs = 0;
  readonly #options: PacingOptions;
  readonly #mix: LoopMix;
  readonly #starts: UserStarts;
  readonly #free: (nowMs: number) => void;

  constructor(
    options: PacingOptions,
    maxPerSecond: number | null,
    regime: Regime,
    free: (nowMs: number) => void,
  ) {
    this.#options = options;
    this.#mix = new LoopMix(options, regime);
    this.#starts = new UserStarts(options, maxPerSecond);
    this.#free = free;
  }

  get isOver(): boolean {
    return this.#mix.isOutOfRows;
  }

  begin(dueMs: number, { nowMs, elapsedMs, stage, isWarmup }: UserMoment): number {
    const againMs = this.#starts.heldFor(nowMs);
    if (againMs > 0) return againMs;
    if (!this.#mix.take()) return Number.POSITIVE_INFINITY;
    const plannedMs = this.#starts.started(dueMs, nowMs);
    this.lastDueMs = elapsedMs;
    const { entry, ordinal } = this.#mix;
    const slot = this.#options.life.start(entry, stage, plannedMs, nowMs, isWarmup, ordinal);
    if (slot < 0) this.#free(nowMs);
    return 0;
  }

  turn(): number {
    return Number.POSITIVE_INFINITY;
  }

  ended(_slot: number, _end: StartEnd, _text: string | null, nowMs: number): void {
    this.#free(nowMs);
  }

  follow(regime: Regime): void {
    this.#mix.follow(regime);
  }
}
