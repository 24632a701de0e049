import { hrtimeMs } from "../clock.js";

/** The elapsed time of the plan that leads, and what it is on the clock; 0 as long as nothing has begun. */
export class ElapsedTime {
  /** By `hrtimeMs`; null: nothing has begun. */
  #zeroMs: number | null = null;

  /** In the moments before a beginning that was told 0 as well: nothing can hold before it. */
  nowMs(): number {
    return Math.max(0, this.#exactMs());
  }

  /** Unix time of an elapsed one. */
  unixMs(atMs: number): number {
    return Date.now() + (atMs - this.#exactMs());
  }

  /** It is 0 at that time (`hrtimeMs`). Returns what that was before: 0 when nothing had begun. */
  beginAt(zeroMs: number): number {
    const beforeMs = this.#zeroMs === null ? 0 : zeroMs - this.#zeroMs;
    this.#zeroMs = zeroMs;
    return beforeMs;
  }

  /** It is 0 at what has been this time so far. */
  beginAnewAt(atMs: number): void {
    this.beginAt((this.#zeroMs ?? hrtimeMs()) + atMs);
  }

  #exactMs(): number {
    return this.#zeroMs === null ? 0 : hrtimeMs() - this.#zeroMs;
  }
}
