/**
 * How far the clocks of workers are from ours, from causality alone: a task starts after it was published
 * and ends before its result, or the event of its end, is received. With the offset θ (worker's clock minus ours) every task says
 *
 *     started - θ ≥ published    so    θ ≤ started - published
 *     ended   - θ ≤ received     so    θ ≥ ended - received
 *
 * and the tasks with the shortest waits bound it best. A worker that is asked the time says the same, busy
 * or not: it reads its clock after the question and before the answer. The middle is the estimate, half the width its
 * uncertainty. Clocks drift apart, so a bound is worth less the older it is: what it has lost is what
 * DRIFT allows, and one that was tight stays better than a new one while tasks wait long in a queue.
 */
export interface ClockOffset {
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
}

/** When a task was where, in Unix milliseconds: its start and end by the worker's clock, the rest by ours. */
export interface TaskTimes {
  readonly publishedMs: number;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly receivedMs: number;
}

/** Two clocks drift apart by less than this: quartz is off by up to 100 ppm, either of them either way. */
export const DRIFT = 200e-6;
/** A clock that is this much off was set. */
const STEP_MS = 1_000;
/** Clocks that are kept; the one known for longest goes first. */
const MAX_CLOCKS = 1_000;

/** `leastMs` ≤ θ ≤ `mostMs` at `atMs`. */
interface Bounds {
  readonly leastMs: number;
  readonly mostMs: number;
  readonly atMs: number;
}

/** The clocks of the workers of a connection, by their numbers. Pure: time comes as an argument. */
export class ClockOffsets {
  readonly #clocks = new Map<number, Bounds>();

  /** What one task says. Returns what is known with it; `nowMs` is Unix time by our clock. */
  bound(worker: number, task: TaskTimes, nowMs: number): ClockOffset {
    const told = boundsOf(task, nowMs);
    const known = this.#clocks.get(worker);
    if (known === undefined && this.#clocks.size >= MAX_CLOCKS) {
      this.#clocks.delete(this.#clocks.keys().next().value!);
    }
    const bounds = known === undefined ? told : narrowed(aged(known, nowMs), told);
    this.#clocks.set(worker, bounds);
    return middleOf(bounds);
  }

  /**
   * Was the worker's clock set between the start and the end of the task, by more than a second? Then its two times are
   * not of one clock: the end came sooner than the start allows, or only one of the two fits what was known before.
   */
  straddlesStep(worker: number, task: TaskTimes, nowMs: number): boolean {
    const { publishedMs, startedMs, endedMs, receivedMs } = task;
    if (endedMs - receivedMs > startedMs - publishedMs + STEP_MS) return true;
    // The event of a start may come late, but not by so much: see `runOf`.
    if (startedMs > endedMs + STEP_MS) return true;
    const known = this.#clocks.get(worker);
    if (known === undefined) return false;
    const { leastMs, mostMs } = aged(known, nowMs);
    const fits = (ms: number) =>
      ms >= publishedMs + leastMs - STEP_MS && ms <= receivedMs + mostMs + STEP_MS;
    return fits(startedMs) !== fits(endedMs);
  }

  /** Our own clock was set: nothing is known any more. */
  forget(): void {
    this.#clocks.clear();
  }

  /** Every clock, by the worker's number. */
  all(nowMs: number): Map<number, ClockOffset> {
    return new Map(
      [...this.#clocks].map(([worker, bounds]) => [worker, middleOf(aged(bounds, nowMs))]),
    );
  }
}

function boundsOf({ publishedMs, startedMs, endedMs, receivedMs }: TaskTimes, nowMs: number) {
  const [least, most] = [endedMs - receivedMs, startedMs - publishedMs];
  // A clock that was set while the task ran makes its own two contradict each other.
  return {
    leastMs: Math.min(least, most) - driftSince(receivedMs, nowMs),
    mostMs: Math.max(least, most) + driftSince(publishedMs, nowMs),
    atMs: nowMs,
  };
}

function aged({ leastMs, mostMs, atMs }: Bounds, nowMs: number): Bounds {
  const driftMs = driftSince(atMs, nowMs);
  return { leastMs: leastMs - driftMs, mostMs: mostMs + driftMs, atMs: nowMs };
}

/** Bounds that contradict each other say that the clock was set, or drifts fast: the older are void. */
function narrowed(known: Bounds, told: Bounds): Bounds {
  const leastMs = Math.max(known.leastMs, told.leastMs);
  const mostMs = Math.min(known.mostMs, told.mostMs);
  return leastMs <= mostMs ? { ...told, leastMs, mostMs } : told;
}

/** Nothing when our own clock was set back. */
function driftSince(atMs: number, nowMs: number): number {
  return DRIFT * Math.max(0, nowMs - atMs);
}

function middleOf({ leastMs, mostMs }: Bounds): ClockOffset {
  return { offsetMs: (leastMs + mostMs) / 2, uncertaintyMs: (mostMs - leastMs) / 2 };
}
