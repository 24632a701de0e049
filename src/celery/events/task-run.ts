/** A clock that jumps by less than this is taken for one that was not set. */
const CLOCK_SET_MS = 1_000;

/** What is known of a run, in milliseconds by the worker's clock; NaN for what is not. */
export interface RunTimes {
  /** Of `task-started`. */
  readonly startedUnixMs: number;
  /** Of `task-succeeded` or `task-failed`. */
  readonly endedUnixMs: number;
  /** `date_done` of the result. */
  readonly doneUnixMs: number;
  /** `runtime` of `task-succeeded`. */
  readonly saidMs: number;
}

/**
 * From `task-started` to the result's date. Where there is no such date, or the clock was set meanwhile, what the
 * worker says: its `runtime` comes from a clock that nobody sets, but has the storing of the result in it, which
 * is `delivery`. A prefork worker hears of the start from its pool: that of a task of a millisecond after its
 * end, so that the date and `runtime` know it better.
 */
export function runOf({ startedUnixMs, endedUnixMs, doneUnixMs, saidMs }: RunTimes): {
  startMs: number;
  runMs: number;
} {
  const mostMs = Number.isNaN(saidMs) ? Math.max(0, endedUnixMs - startedUnixMs) : saidMs;
  const betweenMs = doneUnixMs - startedUnixMs;
  const isPlausible = betweenMs > -CLOCK_SET_MS && betweenMs <= mostMs + CLOCK_SET_MS;
  if (!isPlausible) return { startMs: startedUnixMs, runMs: mostMs };
  if (betweenMs < 0) return { startMs: doneUnixMs - mostMs, runMs: mostMs };
  return { startMs: startedUnixMs, runMs: betweenMs };
}
