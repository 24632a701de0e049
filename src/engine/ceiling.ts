import type { CeilingsPlan, DayCount } from "./messages.js";

const DAY_MS = 86_400_000;

/** The day of UTC of a time, as in `DayCount`. */
export function dayOf(unixMs: number): number {
  return Math.floor(unixMs / DAY_MS);
}

/** What no scenario and no order may pass, in one thread: its part of `limits.maxInFlight` and `limits.tasksPerDay`. */
export class Ceiling {
  readonly #limits: CeilingsPlan;
  #inFlight = 0;
  #day: number;
  #startsToday: number;

  /** @param today what was started before by an engine that this one replaces */
  constructor(limits: CeilingsPlan, today: DayCount) {
    this.#limits = limits;
    this.#day = today.day;
    this.#startsToday = today.starts;
  }

  /** True when nothing more may be started. */
  isReached(unixMs: number): boolean {
    const { maxInFlight, tasksPerDay } = this.#limits;
    if (maxInFlight !== null && this.#inFlight >= maxInFlight) return true;
    if (tasksPerDay === null) return false;
    this.#turnDay(unixMs);
    return this.#startsToday >= tasksPerDay;
  }

  started(): void {
    this.#inFlight++;
    this.#startsToday++;
  }

  ended(): void {
    this.#inFlight--;
  }

  /** What was started of the day so far. */
  startsOn(unixMs: number): number {
    this.#turnDay(unixMs);
    return this.#startsToday;
  }

  #turnDay(unixMs: number): void {
    const day = dayOf(unixMs);
    if (day === this.#day) return;
    this.#day = day;
    this.#startsToday = 0;
  }
}
