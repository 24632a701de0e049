import { createMix, type Mix } from "../plan/mix.js";
import { createProfile } from "../plan/profile.js";
import type { Regime } from "../plan/regime.js";
import { numberOf } from "../plan/share.js";
import { createTimeline, type Timeline } from "../plan/timeline.js";
import {
  type Beginning,
  type Look,
  MAX_STARTS_A_TURN,
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
  #timeline: Timeline;
  #weights: readonly number[];
  #mix: Mix;
  /** Rows that were taken of each data, in this thread. */
  readonly #taken: Float64Array;
  #isOutOfRows = false;

  constructor(options: PacingOptions, { regime, startsBefore }: Beginning) {
    this.#options = options;
    this.#taken = new Float64Array(options.rows?.most.length ?? 0);
    this.#timeline = createTimeline({ ...options.plan, profile: NO_RATE }, regime, startsBefore);
    this.#weights = regime.weights ?? options.plan.weights;
    this.#mix = createMix(this.#weights);
    options.rows?.most.forEach((_, data) => {
      options.readAhead(data, 0);
    });
  }

  turn(zeroMs: number, nowMs: number): number {
    const { index, plan, life, budget, mayStart } = this.#options;
    const elapsedMs = nowMs - zeroMs;
    const isOver = elapsedMs >= this.#timeline.endMs || this.#isOutOfRows;
    if (isOver || this.#timeline.isPausedAt(elapsedMs)) {
      return Number.POSITIVE_INFINITY;
    }
    const planMs = this.#timeline.planMsAt(elapsedMs);
    if (planMs < 0) return nowMs - planMs;
    const opensMs = this.#timeline.opensAt(elapsedMs);
    if (opensMs > elapsedMs) return zeroMs + opensMs;
    if (!mayStart()) return nowMs + RETRY_MS;
    let started = 0;
    while (started < MAX_STARTS_A_TURN && budget.left > 0 && life.hasRoom(index)) {
      const place = this.#mix.take();
      const ordinal = this.#nextRow(place);
      if (this.#isOutOfRows) return Number.POSITIVE_INFINITY;
      budget.left--;
      started++;
      this.lastDueMs = elapsedMs;
      life.start(plan.entries[place]!, 0, nowMs, nowMs, planMs < plan.warmupMs, ordinal);
    }
    if (budget.left === 0) return Number.POSITIVE_INFINITY;
    return life.hasRoom(index) ? nowMs : nowMs + RETRY_MS;
  }

  /** The rows that fall to this thread are those whose numbers starts of a plan would have here. */
  #nextRow(place: number): number {
    const { rows, deal } = this.#options;
    const data = rows?.dataOf[place] ?? -1;
    if (rows === undefined || data < 0) return 0;
    const ordinal = numberOf(deal, this.#taken[data]!++);
    this.#isOutOfRows ||= ordinal >= rows.most[data]!;
    return ordinal;
  }

  follow(regime: Regime): void {
    this.#timeline = this.#timeline.change(regime);
    const weights = regime.weights ?? this.#options.plan.weights;
    if (weights.every((weight, entry) => weight === this.#weights[entry])) return;
    this.#weights = weights;
    this.#mix = createMix(weights);
  }

  look(elapsedMs: number): Look {
    const { endMs, untilMs } = this.#options.plan;
    const planMs = this.#timeline.planMsAt(elapsedMs);
    const remainingMs = Math.min(endMs - planMs, untilMs - elapsedMs);
    const isPaused = this.#timeline.isPausedAt(elapsedMs);
    return {
      ratePerSecond: Number.NaN,
      isPaused,
      isOpen: this.#timeline.isOpenAt(elapsedMs),
      isOver: elapsedMs >= this.#timeline.endMs || this.#isOutOfRows,
      isAtRest: isPaused,
      planMs,
      remainingMs,
      stage: 0,
      stageRemainingMs: remainingMs,
      inStageMs: planMs,
    };
  }
}
