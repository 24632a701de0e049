/**
 * How far the clocks of workers are from ours, from causality alone: a task starts after it was published
 * and ends before its result is received. With the offset θ (worker's clock minus ours) every task says
 *
 *     started - θ ≥ published    so    θ ≤ started - published
 *     ended   - θ ≤ received     so    θ ≥ ended - received
 *
 * and the tasks with the shortest waits bound it best. The middle is the estimate, half the width its
 * uncertainty. Clocks drift, so bounds are forgotten after one to two periods with newer ones.
 */
export interface ClockOffset {
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
}

const PERIOD_MS = 30_000;
/** Clocks that are kept; the one known for longest goes first. */
const MAX_CLOCKS = 1_000;

interface Bounds {
  leastMs: number;
  mostMs: number;
}

interface Clock {
  current: Bounds;
  previous: Bounds;
  sinceMs: number;
}

/** The clocks of the workers of a connection, by their numbers. Pure: time comes as an argument. */
export class ClockOffsets {
  readonly #clocks = new Map<number, Clock>();

  /** One task's bounds; `leastMs` ≤ θ ≤ `mostMs`. Returns what is known with them. */
  bound(worker: number, leastMs: number, mostMs: number, nowMs: number): ClockOffset {
    const clock = this.#clockOf(worker, nowMs);
    if (nowMs - clock.sinceMs > PERIOD_MS) {
      clock.previous = clock.current;
      clock.current = unbounded();
      clock.sinceMs = nowMs;
    }
    narrow(clock.current, leastMs, mostMs);
    const offset = middleOf(clock);
    if (offset.uncertaintyMs >= 0) return offset;
    // They contradict each other: the clock was set, or drifts fast. What is older is void.
    clock.previous = unbounded();
    clock.current = { leastMs: Math.min(leastMs, mostMs), mostMs: Math.max(leastMs, mostMs) };
    clock.sinceMs = nowMs;
    return middleOf(clock);
  }

  /** Every clock, by the worker's number. */
  all(): Map<number, ClockOffset> {
    return new Map([...this.#clocks].map(([worker, clock]) => [worker, middleOf(clock)]));
  }

  #clockOf(worker: number, nowMs: number): Clock {
    const known = this.#clocks.get(worker);
    if (known !== undefined) return known;
    if (this.#clocks.size >= MAX_CLOCKS) this.#clocks.delete(this.#clocks.keys().next().value!);
    const clock = { current: unbounded(), previous: unbounded(), sinceMs: nowMs };
    this.#clocks.set(worker, clock);
    return clock;
  }
}

function unbounded(): Bounds {
  return { leastMs: Number.NEGATIVE_INFINITY, mostMs: Number.POSITIVE_INFINITY };
}

function narrow(bounds: Bounds, leastMs: number, mostMs: number): void {
  bounds.leastMs = Math.max(bounds.leastMs, leastMs);
  bounds.mostMs = Math.min(bounds.mostMs, mostMs);
}

function middleOf({ current, previous }: Clock): ClockOffset {
  const leastMs = Math.max(current.leastMs, previous.leastMs);
  const mostMs = Math.min(current.mostMs, previous.mostMs);
  return { offsetMs: (leastMs + mostMs) / 2, uncertaintyMs: (mostMs - leastMs) / 2 };
}
