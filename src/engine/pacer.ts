import type { Clock } from "../clock.js";
import type { ScenarioRun } from "./scenario-run.js";
import type { TaskLife } from "./task-life.js";

/** The longest sleep: far below the 24.8 days after which a timer would fire at once. */
const MAX_SLEEP_MS = 1_000;

/**
 * The open loop: sleeps until the next planned start, then starts everything that is due together and
 * writes once. It never spins, and a late wake-up makes nothing wait: the plan says what is due.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #life: TaskLife;
  readonly #runs: readonly ScenarioRun[];
  readonly #tickMs: number | null;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #isStopped = false;

  constructor(clock: Clock, life: TaskLife, runs: readonly ScenarioRun[], tickMs: number | null) {
    this.#clock = clock;
    this.#life = life;
    this.#runs = runs;
    this.#tickMs = tickMs;
  }

  /** Does what is due now and sleeps until the next start. Also called when a closed loop got room. */
  turn(): void {
    this.#cancel();
    if (this.#isStopped) return;
    const nowMs = this.#clock.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const run of this.#runs) nextMs = Math.min(nextMs, run.turn(nowMs));
    this.#life.flush(nowMs);
    const sleepMs = this.#wakeMs(nextMs) - this.#clock.nowMs();
    if (sleepMs <= 0) this.#immediate = setImmediate(() => this.turn());
    else {
      // Timers have whole milliseconds. Rounded down, one would come too early and then once more, a
      // millisecond later: the same lag for nearly twice the wake-ups (1.8 against 1.0 a start at 200/s).
      const timerMs = Math.ceil(Math.min(sleepMs, MAX_SLEEP_MS));
      this.#timer = setTimeout(() => this.turn(), timerMs);
    }
  }

  /** When to wake up for a start: with a tick, at the next multiple of it. */
  #wakeMs(dueMs: number): number {
    return this.#tickMs === null ? dueMs : Math.ceil(dueMs / this.#tickMs) * this.#tickMs;
  }

  /** Runs a turn soon, once, however often it is asked before. */
  turnSoon(): void {
    this.#immediate ??= setImmediate(() => this.turn());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
  }
}
