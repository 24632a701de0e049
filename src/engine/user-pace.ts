import { observeFine, quantileMs } from "../ledger/histogram.js";
import { FINE } from "../ledger/layout.js";
import type { UsersSpec } from "../plan/profiles/users.js";

/** How users go on when nothing holds them up. Milliseconds; Infinity as long as it is not known. */
export interface UserPace {
  /** From one start of a user to its next. */
  readonly paceMs: number;
  /** What one of its tasks takes. */
  readonly usualMs: number;
}

/**
 * The pace of a scenario's users: the mean of their waits and the median of all latencies up to now, or what `maxRate`
 * leaves each of them, if that is slower. The median of the whole run is what they are used to: a stall does not move it.
 */
export class UserPaceWatch {
  readonly #spec: UsersSpec;
  readonly #latencies = new Float64Array(FINE.size);
  #isNew = false;
  #pace: UserPace = { paceMs: Infinity, usualMs: Infinity };

  constructor(spec: UsersSpec) {
    this.#spec = spec;
  }

  get pace(): UserPace {
    return this.#pace;
  }

  took(latencyMs: number): void {
    observeFine(this.#latencies, 0, latencyMs);
    this.#isNew = true;
  }

  /** Now and then, as it reads the whole table. `users`: how many there are, of all threads and segments together. */
  look(users: number): void {
    if (!this.#isNew) return;
    this.#isNew = false;
    const { waitMs, maxPerSecond } = this.#spec;
    const usualMs = quantileMs(this.#latencies, 0.5);
    const ownMs = (waitMs.least + waitMs.most) / 2 + usualMs;
    const allowedMs = maxPerSecond === null ? 0 : (users * 1000) / maxPerSecond;
    this.#pace = { paceMs: Math.max(ownMs, allowedMs), usualMs };
  }
}
