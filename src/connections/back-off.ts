const FIRST_MS = 50;
const LAST_MS = 5_000;
/** A connection that lived this long starts the back-off anew. */
const STABLE_MS = 10_000;
/** A place that a full server has by then may be taken by others that look on. */
const ASIDE_MS = 30_000;

/** How long to wait before the next attempt: exponential with full jitter, so that a fleet spreads. */
export class BackOff {
  readonly #lastMs: number;
  #attempts = 0;
  #upSinceMs = 0;

  /** `lastMs` is the longest wait. */
  constructor(lastMs = LAST_MS) {
    this.#lastMs = lastMs;
  }

  succeeded(): void {
    this.#upSinceMs = performance.now();
  }

  /** A connection that was up is lost. */
  lost(): void {
    if (performance.now() - this.#upSinceMs > STABLE_MS) this.#attempts = 0;
  }

  nextMs(): number {
    const ceilingMs = Math.min(this.#lastMs, FIRST_MS * 2 ** this.#attempts++);
    return Math.max(FIRST_MS / 2, Math.random() * ceilingMs);
  }
}

/**
 * How long a connection that the load does not need waits before it asks a full server for a place again: so long
 * that one that is needed, and tries again every few seconds, gets it first.
 */
export function asideMs(): number {
  return ASIDE_MS * (1 + Math.random());
}
