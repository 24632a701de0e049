import { createProfile } from "../plan/profile.js";
import type { Regime } from "../plan/regime.js";
import { createTimeline, type Timeline } from "../plan/timeline.js";
import { LoopMix } from "./loop-mix.js";
import {
  type Beginning,
  type Look,
  lookAt,
  MAX_STARTS_A_TURN,
  nextChangeMs,
  type Pacing,
  type PacingOptions,
} from "./pacing.js";

/** How soon it looks again when it could start nothing. */
const RETRY_MS = 20;

/** It has no rate: of its timeline only the clocks are of use. */
const NO_RATE = createProfile({ kind: "constant", ratePerSecond: 0 });

/** `max`: the end of a task makes room for the next, so that the workers decide how many are started. */
export class ClosedLoop implements Pacing {
  lastDueMs = 0;
  readonly #options: PacingOptions;
  readonly #mix: LoopMix;
  #timeline: Timeline;

  constructor(options: PacingOptions, { regime, startsBefore }: Beginning) {
    this.#options = options;
    this.#mix = new LoopMix(options, regime);
    this.#timeline = createTimeline({ ...options.plan, profile: NO_RATE }, regime, startsBefore);
  }

  turn(zeroMs: number, nowMs: number): number {
    const { index, plan, life, budget, mayStart } = this.#options;
    const elapsedMs = nowMs - zeroMs;
    const isOver = elapsedMs >= this.#timeline.endMs || this.#mix.isOutOfRows;
    if (isOver || this.#timeline.isPausedAt(elapsedMs)) {
      return nextChangeMs(this.#timeline, zeroMs, elapsedMs);
    }
    const planMs = this.#timeline.planMsAt(elapsedMs);
    if (planMs < 0) return nowMs - planMs;
    const opensMs = this.#timeline.opensAt(elapsedMs);
    if (opensMs > elapsedMs) return zeroMs + opensMs;
    if (!mayStart()) return nowMs + RETRY_MS;
    const isWarmup = planMs < plan.warmupMs;
    let started = 0;
    while (started < MAX_STARTS_A_TURN && budget.left > 0 && life.hasRoom(index)) {
      if (!this.#mix.take()) return Number.POSITIVE_INFINITY;
      budget.left--;
      started++;
      this.lastDueMs = elapsedMs;
      life.start(this.#mix.entry, 0, nowMs, nowMs, isWarmup, this.#mix.ordinal);
    }
    if (budget.left === 0) return Number.POSITIVE_INFINITY;
    return life.hasRoom(index) ? nowMs : nowMs + RETRY_MS;
  }

  follow(regime: Regime): void {
    this.#timeline = this.#timeline.change(regime);
    this.#mix.follow(regime);
  }

  look(elapsedMs: number): Look {
    const place = lookAt(this.#timeline, NO_RATE, this.#options.plan, elapsedMs);
    return {
      ...place,
      ratePerSecond: Number.NaN,
      users: 0,
      isOver: elapsedMs >= this.#timeline.endMs || this.#mix.isOutOfRows,
      isAtRest: place.isPaused,
    };
  }
}
