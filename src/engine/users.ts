import type { StartEnd } from "../ledger/balance.js";
import type { Profile } from "../plan/profile.js";
import { type UsersSpec, userNumbers } from "../plan/profiles/users.js";
import { createRandom, seedOf } from "../plan/random.js";
import type { Regime } from "../plan/regime.js";
import { shareOf } from "../plan/share.js";
import { createTimeline, type Timeline } from "../plan/timeline.js";
import {
  type Beginning,
  type Look,
  lookAt,
  MAX_STARTS_A_TURN,
  nextChangeMs,
  type Pacing,
  type PacingOptions,
} from "./pacing.js";
import { ScriptWork } from "./script-work.js";
import { TaskWork, type UserMoment, type UserWork } from "./user-work.js";
import { WaitingUsers } from "./waiting-users.js";

/** How often it looks whether there are to be more users, or fewer. */
const LOOK_MS = 50;

/**
 * A closed loop of users: each starts a task, or goes through a script, waits for its end and then for a while, and does it
 * again. They have no names: there are those who wait, known by when they go on, and those who are at it.
 */
export class Users implements Pacing {
  readonly #options: PacingOptions;
  readonly #spec: UsersSpec;
  readonly #profile: Profile;
  readonly #work: UserWork;
  readonly #random: () => number;
  readonly #waiting = new WaitingUsers();
  /** From one user that comes to the next, in this thread; 0: all that are wanted come at once. */
  readonly #spawnStepMs: number;
  /** When the next user may come; null: none has. */
  #nextSpawnMs: number | null = null;
  /** There are fewer than there are to be. */
  #isShort = false;
  /** Those who wait and those who are at it. */
  #count = 0;
  #isResting = false;
  #timeline: Timeline;

  constructor(options: PacingOptions, spec: UsersSpec, { regime, startsBefore }: Beginning) {
    const { plan, seed, share } = options;
    this.#options = options;
    this.#spec = spec;
    this.#profile = userNumbers(spec);
    const free = (nowMs: number) => this.#wait(nowMs);
    this.#work =
      options.code === null
        ? new TaskWork(options, spec.maxPerSecond, regime, free)
        : new ScriptWork(options, options.code, spec.maxPerSecond, free);
    this.#random = createRandom(seedOf(`users ${plan.name} ${share.index}`, seed));
    this.#spawnStepMs = spec.spawnPerSecond === null ? 0 : (1000 * share.of) / spec.spawnPerSecond;
    this.#timeline = createTimeline({ ...plan, profile: this.#profile }, regime, startsBefore);
  }

  get lastDueMs(): number {
    return this.#work.lastDueMs;
  }

  turn(zeroMs: number, nowMs: number): number {
    const elapsedMs = nowMs - zeroMs;
    const changeMs = nextChangeMs(this.#timeline, zeroMs, elapsedMs);
    if (this.#isOver(elapsedMs)) return changeMs;
    const restsUntilMs = this.#restsUntil(elapsedMs);
    this.#heed(restsUntilMs > elapsedMs, nowMs);
    if (this.#isResting) return Math.min(changeMs, zeroMs + restsUntilMs);
    const spawnMs = this.#changeNumber(elapsedMs, nowMs);
    const moment = this.#momentOf(elapsedMs, nowMs);
    const startMs = this.#startWhoIsDue(moment);
    const workMs = this.#work.turn(moment);
    const { stages } = this.#profile;
    const isSteady = stages[0]!.durationMs === Infinity && this.#timeline.regime.ramp === null;
    const lookMs = isSteady ? Infinity : nowMs + LOOK_MS;
    return Math.min(spawnMs, startMs, workMs, lookMs, changeMs);
  }

  ended(slot: number, end: StartEnd, text: string | null, nowMs: number): void {
    this.#work.ended(slot, end, text, nowMs);
  }

  /** A user is through, and waits. */
  #wait(nowMs: number): void {
    const { least, most } = this.#spec.waitMs;
    this.#waiting.add(nowMs + least + this.#random() * (most - least));
  }

  follow(regime: Regime): void {
    this.#timeline = this.#timeline.change(regime);
    this.#work.follow(regime);
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
    return elapsedMs >= this.#timeline.endMs || this.#work.isOver;
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

  #momentOf(elapsedMs: number, nowMs: number): UserMoment {
    const planMs = this.#timeline.planMsAt(elapsedMs);
    const { index: stage } = this.#profile.stageAt(planMs);
    return { nowMs, elapsedMs, stage, isWarmup: planMs < this.#options.plan.warmupMs };
  }

  /** @returns when the next one is due */
  #startWhoIsDue(moment: UserMoment): number {
    const { nowMs } = moment;
    for (let started = 0; started < MAX_STARTS_A_TURN; started++) {
      const dueMs = this.#waiting.nextMs;
      if (dueMs > nowMs) return dueMs;
      if (this.#options.budget.left === 0) return Number.POSITIVE_INFINITY;
      // It is out of those who wait while it begins: what is dropped at once waits anew.
      this.#waiting.take();
      const againMs = this.#work.begin(dueMs, moment);
      if (againMs === 0) continue;
      this.#waiting.add(dueMs);
      return nowMs + againMs;
    }
    return nowMs;
  }
}
