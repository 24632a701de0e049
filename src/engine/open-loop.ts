import { type Arrivals, createArrivals } from "../plan/arrival.js";
import { createMix, type Mix } from "../plan/mix.js";
import { createProfile, type Profile, type RatedSpec } from "../plan/profile.js";
import { seedOf } from "../plan/random.js";
import { type Look, MAX_STARTS_A_TURN, type Pacing, type PacingOptions } from "./pacing.js";

/** A profile that has a rate: a start is due at its time, whatever became of those before it. */
export class OpenLoop implements Pacing {
  readonly endMs: number;
  lastDueMs = 0;
  readonly #options: PacingOptions;
  readonly #profile: Profile;
  readonly #arrivals: Arrivals;
  readonly #mix: Mix;
  /** The stage of the starts that are due up to this time. */
  #stage = 0;
  #stageUntilMs = -1;

  constructor(options: PacingOptions, spec: RatedSpec) {
    const { plan, seed, deal } = options;
    this.#options = options;
    this.#profile = createProfile(spec);
    this.endMs = Math.min(plan.endMs, this.#profile.endMs);
    const ownSeed = seedOf(plan.name, seed);
    this.#arrivals = createArrivals(this.#profile, plan.arrival, ownSeed, this.endMs, deal);
    this.#mix = createMix(plan.weights, deal);
  }

  turn(beganMs: number, nowMs: number): number {
    const { plan, life, budget } = this.#options;
    for (let started = 0; started < MAX_STARTS_A_TURN; started++) {
      const dueMs = this.#arrivals.nextMs;
      const plannedMs = beganMs + dueMs;
      if (plannedMs > nowMs) return plannedMs;
      if (budget.left === 0) return Number.POSITIVE_INFINITY;
      budget.left--;
      if (dueMs > this.#stageUntilMs) this.#enterStage(dueMs);
      this.lastDueMs = dueMs;
      this.#arrivals.advance();
      const entry = plan.entries[this.#mix.take()]!;
      life.start(entry, this.#stage, plannedMs, nowMs, dueMs < plan.warmupMs);
    }
    return nowMs;
  }

  isOver(elapsedMs: number): boolean {
    return elapsedMs >= this.endMs && this.#arrivals.nextMs === Number.POSITIVE_INFINITY;
  }

  look(elapsedMs: number): Look {
    const { index, remainingMs } = this.#profile.stageAt(elapsedMs);
    const { durationMs } = this.#profile.stages[index]!;
    return {
      ratePerSecond: this.#profile.rateAt(elapsedMs) / this.#options.deal.of,
      stage: index,
      stageRemainingMs: Math.min(remainingMs, Math.max(0, this.endMs - elapsedMs)),
      stageBeganMs: Number.isFinite(durationMs) ? elapsedMs + remainingMs - durationMs : 0,
    };
  }

  #enterStage(dueMs: number): void {
    const { index, untilMs } = this.#profile.stageOfStart(dueMs);
    this.#stage = index;
    this.#stageUntilMs = untilMs;
  }
}
