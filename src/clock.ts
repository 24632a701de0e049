/**
 * The daemon's one clock. Intervals, deadlines and rates use the monotonic reading only; Unix time is
 * derived from it through an offset that follows the system clock, because `performance.timeOrigin`
 * stays wrong for ever after the wall clock was stepped.
 */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary origin of this thread. */
  nowMs(): number;
  /** Unix time in milliseconds of a monotonic reading. */
  unixMs(monotonicMs: number): number;
  /**
   * The monotonic reading at which it was noticed that the wall clock was set, the last time; before any, minus
   * infinity. Compares with the system clock: from a step on no Unix time is derived from the old offset once this
   * was called, and times before and after it are of two clocks.
   */
  steppedMs(): number;
  /**
   * Compares the offset with the system clock; call about once a second.
   * Returns by how many milliseconds the wall clock was set since the last call, else 0.
   */
  anchor(): number;
}

/** A difference larger than this is a step of the wall clock and not drift. */
const STEP_MS = 1000;
/** The most that the offset may fall at one call: 0.1 ms a second outruns any quartz. */
const SLEW_MS = 0.1;

/** The clock of this thread. `wallMs` and `monotonicMs` are parameters for tests. */
export function createClock(
  wallMs: () => number = Date.now,
  monotonicMs: () => number = performance.now.bind(performance),
): Clock {
  let offsetMs = wallMs() - monotonicMs();
  let steppedMs = Number.NEGATIVE_INFINITY;
  let untoldMs = 0;
  const look = (): number => {
    const nowMs = monotonicMs();
    const sampleMs = wallMs() - nowMs;
    const stepMs = sampleMs - offsetMs;
    if (Math.abs(stepMs) > STEP_MS) {
      offsetMs = sampleMs;
      steppedMs = nowMs;
      untoldMs += stepMs;
    }
    return sampleMs;
  };
  return {
    nowMs: monotonicMs,
    unixMs: (reading) => reading + offsetMs,
    steppedMs() {
      look();
      return steppedMs;
    },
    anchor() {
      // Date.now() is cut to whole milliseconds, so samples lie up to 1 ms below the true offset:
      // the highest one is the best; the slew lets it follow a clock that runs slow.
      offsetMs = Math.max(look(), offsetMs - SLEW_MS);
      const stepMs = untoldMs;
      untoldMs = 0;
      return stepMs;
    },
  };
}

/**
 * Milliseconds on the one clock that all threads read alike, and all processes of a machine: the system's monotonic one
 * (CLOCK_MONOTONIC on Linux). `performance.now()` counts from the start of each thread, so a time that one thread
 * hands to another is one of these. Nobody can set it. It stands still while the machine is suspended: what must end
 * by then as well is checked against the system clock, too (`lease/lease-gate.ts`).
 */
export function hrtimeMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
