import { createMix, type Mix } from "../plan/mix.js";
import { type Look, MAX_STARTS_A_TURN, type Pacing, type PacingOptions } from "./pacing.js";

/** How soon it looks again when it could start nothing. */
const RETRY_MS = 20;

/** `max`: the end of a task makes room for the next, so that the workers decide how many are started. */
export class ClosedLoop implements Pacing {
  readonly endMs: number;
  lastDueMs = 0;
  readonly #options: PacingOptions;
  readonly #mix: Mix;

  constructor(options: PacingOptions) {
    this.#options = options;
    this.endMs = options.plan.endMs;
    this.#mix = createMix(options.plan.weights);
  }

  turn(beganMs: number, nowMs: number): number {
    const { index, plan, life, budget } = this.#options;
    const elapsedMs = nowMs - beganMs;
    if (elapsedMs >= this.endMs) return Number.POSITIVE_INFINITY;
    let started = 0;
    while (started < MAX_STARTS_A_TURN && budget.left > 0 && life.hasRoom(index)) {
      budget.left--;
      started++;
      this.lastDueMs = elapsedMs;
      const entry = plan.entries[this.#mix.take()]!;
      life.start(entry, 0, nowMs, nowMs, elapsedMs < plan.warmupMs);
    }
    if (budget.left === 0) return Number.POSITIVE_INFINITY;
    return life.hasRoom(index) ? nowMs : nowMs + RETRY_MS;
  }

  isOver(elapsedMs: number): boolean {
    return elapsedMs >= this.endMs;
  }

  look(elapsedMs: number): Look {
    const stageRemainingMs = this.endMs - elapsedMs;
    return { ratePerSecond: Number.NaN, stage: 0, stageRemainingMs, stageBeganMs: 0 };
  }
}
