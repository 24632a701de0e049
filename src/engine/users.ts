import type { Profile } from "../plan/profile.js";
import { type UsersSpec, userNumbers } from "../plan/profiles/users.js";
import { createRandom, seedOf } from "../plan/random.js";
import type { Regime } from "../plan/regime.js";
import { shareOf } from "../plan/share.js";
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
import { MAX_CATCH_UP_MS } from "./task-life.js";
import { WaitingUsers } from "./waiting-users.js";

/** How soon it looks again when it could start nothing. */
const RETRY_MS = 20;
/** How often it looks whether there are to be more users, or fewer. */
const LOOK_MS = 50;

/**
 * A closed loop of users: each starts a task, waits for its end and then for a while, and starts the next. They have no
 * names: there are those who wait, known by when they go on, and those whose task is in flight.
 */
export class Users implements Pacing {
  lastDueMs = 0;
  readonly #options: PacingOptions;
  readonly #spec: UsersSpec;
  readonly #profile: Profile;
  readonly #mix: LoopMix;
  readonly #random: () => number;
  readonly #waiting = new WaitingUsers();
  /** From one user that comes to the next, in this thread; 0: all that are wanted come at once. */
  readonly #spawnStepMs: number;
  /** From one start to the next, if there is a limit. */
  readonly #startStepMs: number;
  /** When the next user may come; null: none has. */
  #nextSpawnMs: number | null = null;
  /** There are fewer than there are to be. */
  #isShort = false;
  /** When the next task may start. */
  #nextStartMs = Number.NEGATIVE_INFINITY;
  /** Those who wait and those whose task is in flight. */
  #count = 0;
  /** Until when nothing could be started, whoever was due. */
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  #isResting = false;
  #timeline: Timeline;

  constructor(options: PacingOptions, spec: UsersSpec, { regime, startsBefore }: Beginning) {
    const { plan, seed, share } = options;
    const stepMs = (perSecond: number | null) =>
      perSecond === null ? 0 : (1000 * share.of) / perSecond;
    this.#options = options;
    this.#spec = spec;
    this.#profile = userNumbers(spec);
    this.#mix = new LoopMix(options, regime);
    this.#random = createRandom(seedOf(`users ${plan.name} ${share.index}`, seed));
    this.#spawnStepMs = stepMs(spec.spawnPerSecond);
    this.#startStepMs = stepMs(spec.maxPerSecond);
    this.#timeline = createTimeline({ ...plan, profile: this.#profile }, regime, startsBefore);
  }

  turn(zeroMs: number, nowMs: number): number {
    const elapsedMs = nowMs - zeroMs;
    const changeMs = nextChangeMs(this.#timeline, zeroMs, elapsedMs);
    if (this.#isOver(elapsedMs)) return changeMs;
    const restsUntilMs = this.#restsUntil(elapsedMs);
    this.#heed(restsUntilMs > elapsedMs, nowMs);
    if (this.#isResting) return Math.min(changeMs, zeroMs + restsUntilMs);
    const spawnMs = this.#changeNumber(elapsedMs, nowMs);
    const startMs = this.#startWhoIsDue(elapsedMs, nowMs);
    const { stages } = this.#profile;
    const isSteady = stages[0]!.durationMs === Infinity && this.#timeline.regime.ramp === null;
    const lookMs = isSteady ? Infinity : nowMs + LOOK_MS;
    return Math.min(spawnMs, startMs, lookMs, changeMs);
  }

  freed(nowMs: number): void {
    const { least, most } = this.#spec.waitMs;
    this.#waiting.add(nowMs + least + this.#random() * (most - least));
  }

  follow(regime: Regime): void {
    this.#timeline = this.#timeline.change(regime);
    this.#mix.follow(regime);
  }

  look(elapsedMs: number): Look {
    const place = lookAt(this.#timeline, this.#profile, this.#options.plan, elapsedMs);
    return {
      ...place,
      ratePerSecond: Number.NaN,
      users: this.#count,
      isOver: this.#isOver(elapsedMs),
      isAtRest: place.isPaused,
    };
  }

  #isOver(elapsedMs: number): boolean {
    return elapsedMs >= this.#timeline.endMs || this.#mix.isOutOfRows;
  }

  /** The elapsed time from which on users may start anything. */
  #restsUntil(elapsedMs: number): number {
    if (this.#timeline.isPausedAt(elapsedMs)) return Number.POSITIVE_INFINITY;
    const planMs = this.#timeline.planMsAt(elapsedMs);
    return planMs < 0 ? elapsedMs - planMs : this.#timeline.opensAt(elapsedMs);
  }

  /** After a rest whoever became due meanwhile waits anew: all of them at once would be another load. */
  #heed(isResting: boolean, nowMs: number): void {
    if (this.#isResting && !isResting) {
      const due = this.#waiting.takeUntil(nowMs);
      for (let user = 0; user < due; user++) {
        this.#waiting.add(nowMs + this.#random() * this.#spec.waitMs.most);
      }
    }
    this.#isResting = isResting;
  }

  /** Lets users come, or go of those who wait. @returns when the next one comes */
  #changeNumber(elapsedMs: number, nowMs: number): number {
    const { share } = this.#options;
    // A part of a user is one, but for what rounding makes of 50.
    const wanted = shareOf(Math.ceil(this.#timeline.rateAt(elapsedMs) - 1e-6), share);
    for (; this.#count > wanted && this.#waiting.size > 0; this.#count--) this.#waiting.remove();
    if (this.#count >= wanted) {
      this.#isShort = false;
      return Number.POSITIVE_INFINITY;
    }
    const stepMs = this.#spawnStepMs;
    // The threads take turns; nobody comes for the time in which nobody was wanted.
    let nextMs = this.#nextSpawnMs ?? nowMs + (stepMs * share.index) / share.of;
    if (!this.#isShort) nextMs = Math.max(nextMs, nowMs);
    this.#isShort = true;
    for (; this.#count < wanted && nextMs <= nowMs; nextMs += stepMs) {
      this.#waiting.add(nextMs);
      this.#count++;
    }
    this.#nextSpawnMs = nextMs;
    return this.#count < wanted ? nextMs : Number.POSITIVE_INFINITY;
  }

  /** How soon to look again when nothing may be started now; 0 when it may. */
  #heldFor(nowMs: number): number {
    const { index, life, mayStart } = this.#options;
    if (this.#nextStartMs > nowMs) return this.#nextStartMs - nowMs;
    return mayStart() && life.hasRoom(index) ? 0 : RETRY_MS;
  }

  /** @returns when the next one is due */
  #startWhoIsDue(elapsedMs: number, nowMs: number): number {
    const { plan, life, budget } = this.#options;
    const planMs = this.#timeline.planMsAt(elapsedMs);
    const { index: stage } = this.#profile.stageAt(planMs);
    for (let started = 0; started < MAX_STARTS_A_TURN; started++) {
      const dueMs = this.#waiting.nextMs;
      if (dueMs > nowMs) return dueMs;
      if (budget.left === 0) return Number.POSITIVE_INFINITY;
      const againMs = this.#heldFor(nowMs);
      if (againMs > 0) {
        this.#heldUntilMs = Math.max(nowMs, this.#nextStartMs);
        return nowMs + againMs;
      }
      if (!this.#mix.take()) return Number.POSITIVE_INFINITY;
      this.#waiting.take();
      this.#nextStartMs =
        Math.max(this.#nextStartMs, nowMs - this.#startStepMs) + this.#startStepMs;
      budget.left--;
      this.lastDueMs = elapsedMs;
      // Who was held is due when that is over, and nobody is dropped for a thread that stood still: users start late.
      const plannedMs = Math.max(dueMs, this.#heldUntilMs, nowMs - MAX_CATCH_UP_MS);
      const isWarmup = planMs < plan.warmupMs;
      const { entry, ordinal } = this.#mix;
      if (!life.start(entry, stage, plannedMs, nowMs, isWarmup, ordinal)) this.freed(nowMs);
    }
    return nowMs;
  }
}
