import { createProfile, type Profile, type RatedSpec } from "../plan/profile.js";
import { seedOf } from "../plan/random.js";
import type { Regime } from "../plan/regime.js";
import { type RecordedStarts, Starts } from "../plan/starts.js";
import { createTimeline, type Timeline } from "../plan/timeline.js";
import {
  type Beginning,
  type Look,
  lookAt,
  MAX_STARTS_A_TURN,
  type Pacing,
  type PacingOptions,
} from "./pacing.js";

function recordedStarts(spec: RatedSpec): RecordedStarts | null {
  if (spec.kind !== "replay" || !spec.recording?.tasks) return null;
  return { ...spec.recording.tasks, loop: spec.loop };
}

/** A profile that has a rate: a start is due at its time, whatever became of those before it. */
export class OpenLoop implements Pacing {
  lastDueMs = 0;
  readonly #options: PacingOptions;
  readonly #profile: Profile;
  readonly #starts: Starts;
  #timeline: Timeline;
  /** Which part of its highest rate it has, if it follows what is observed. */
  #fed = 0;
  /** The stage of the starts that are due up to this time. */
  #stage = 0;
  #stageUntilMs = -1;

  constructor(options: PacingOptions, spec: RatedSpec, { regime, startsBefore }: Beginning) {
    const { plan, seed, deal } = options;
    this.#options = options;
    this.#profile = createProfile(spec);
    this.#timeline = createTimeline({ ...plan, profile: this.#profile }, regime, startsBefore);
    this.#starts = new Starts({
      timeline: this.#timeline,
      arrival: plan.arrival,
      choose: plan.choose,
      // After a restart the gaps are drawn anew: which ones came before is not known.
      seed: seedOf(plan.name + (startsBefore > 0 ? Math.floor(startsBefore) : ""), seed),
      deal,
      weights: plan.weights,
      rows: options.rows,
      recorded: recordedStarts(spec),
    });
    options.rows?.most.forEach((_, data) => {
      options.readAhead(data, this.#starts.takenOf(data));
    });
  }

  turn(zeroMs: number, nowMs: number): number {
    const { plan, life, budget, mayStart } = this.#options;
    let isOurs: boolean | null = null;
    for (let started = 0; started < MAX_STARTS_A_TURN; started++) {
      const dueMs = this.#starts.nextMs;
      const plannedMs = zeroMs + dueMs;
      if (plannedMs > nowMs) return plannedMs;
      if (budget.left === 0) return Number.POSITIVE_INFINITY;
      isOurs ??= mayStart();
      if (!isOurs) {
        this.#starts.take();
        continue;
      }
      budget.left--;
      if (dueMs > this.#stageUntilMs) this.#enterStage(dueMs);
      this.lastDueMs = dueMs;
      const isWarmup = this.#timeline.planMsAt(dueMs) < plan.warmupMs;
      const entry = plan.entries[this.#starts.take()]!;
      life.start(entry, this.#stage, plannedMs, nowMs, isWarmup, this.#starts.ordinal);
    }
    return nowMs;
  }

  feed(factor: number, fromMs: number): void {
    if (this.#profile.isFed !== true) return;
    this.#fed = factor;
    const { regime } = this.#timeline;
    // An order that was heard of may begin a little later.
    const atMs = Math.max(fromMs, regime.fromMs);
    this.follow({ ...regime, fromMs: atMs, planMs: this.#timeline.planMsAt(atMs) });
  }

  follow(regime: Regime): void {
    this.#timeline = this.#timeline.change({ ...regime, fed: this.#fed });
    this.#starts.follow(this.#timeline);
    this.#stageUntilMs = -1;
  }

  look(elapsedMs: number): Look {
    const place = lookAt(this.#timeline, this.#profile, this.#options.plan, elapsedMs);
    const hasNoStart = this.#starts.nextMs === Number.POSITIVE_INFINITY;
    return {
      ...place,
      ratePerSecond: this.#timeline.rateAt(elapsedMs) / this.#options.deal.of,
      users: 0,
      isOver: hasNoStart && (elapsedMs >= this.#timeline.endMs || this.#isOutOfRows),
      isAtRest: hasNoStart && place.isPaused,
    };
  }

  get #isOutOfRows(): boolean {
    return this.#options.rows !== undefined && this.#starts.isOutOfRows;
  }

  /** By the plan's own clock: an order that changes the rate does not move it. */
  #enterStage(dueMs: number): void {
    const planMs = this.#timeline.planMsAt(dueMs);
    const { index, untilMs } = this.#profile.stageOfStart(planMs);
    this.#stage = index;
    this.#stageUntilMs = dueMs + (untilMs - planMs);
  }
}
