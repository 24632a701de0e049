import { type Curve, createPiecewiseLinear } from "../piecewise-linear.js";
import type { Profile } from "../profile.js";
import { hold } from "./lines.js";

/** The starts that a file tells of: when each was, or how many there were from a time on. */
export interface ReplaySpec {
  /** As it is written: it lies beside the configuration. */
  readonly file: string;
  /** How many times as fast as it was. */
  readonly speed: number;
  /** From the beginning again after the end. */
  readonly loop: boolean;
  /** Longer times without a start, as they were, are cut to this; null: they are kept. */
  readonly maxGapMs: number | null;
  /** What is in the file; null while it has not been read. */
  readonly recording: Recording | null;
}

/** What was read of a file: plain data and shared memory, times in the plan's milliseconds since the first start. */
export interface Recording {
  /** Of all that follows from file and settings: when it is another one, the plan is. */
  readonly digest: string;
  /**
   * Float64, ascending from 0: when each start is due. With `counts`, where each stretch begins, and behind them the end
   * of the last one.
   */
  readonly times: SharedArrayBuffer;
  /** Float64: how many starts are evenly spread over each stretch; null: `times` are starts. */
  readonly counts: SharedArrayBuffer | null;
  /** How long it is; the next round of a loop begins there. */
  readonly lengthMs: number;
  /** Starts of the busiest second. */
  readonly mostInASecond: number;
  /** What the rows name beside their times; null: nothing, and the mix says what is started. */
  readonly tasks: RecordedTasks | null;
  readonly rows: RecordedRows;
}

/** Which task each start is of. */
export interface RecordedTasks {
  /** Uint16, one for each start: a place in `kinds`. */
  readonly kindOf: SharedArrayBuffer;
  readonly kinds: readonly RecordedKind[];
}

/** A task of the scenario's mix as rows name it. */
export interface RecordedKind {
  /** Its key in the mix. */
  readonly task: string;
  /** Instead of the task's own; null: its own. */
  readonly queue: string | null;
  readonly priority: number | null;
  readonly starts: number;
}

/** What became of the rows of a file. */
export interface RecordedRows {
  /** Those that starts come from. */
  readonly used: number;
  /** Those of tasks that the mix has not. */
  readonly skipped: number;
  /** Those that stood behind a later one; they have been put in order. */
  readonly outOfOrder: number;
  /** Names of tasks that were skipped, the first few. */
  readonly skippedTasks: readonly string[];
}

/** Two times that are nearer to each other are one: rounding is smaller, and no clock of a log finer. */
const SAME_MS = 1e-6;

export function replay(spec: ReplaySpec): Profile {
  const { file, loop, recording } = spec;
  const curve = recording === null ? NOT_READ : curveOf(recording, loop);
  const lengthMs = recording?.lengthMs ?? Infinity;
  const title = `replay of ${file}`;
  const profile: Profile = {
    ...curve,
    ...{ title, zone: null, cycleMs: loop ? lengthMs : Infinity },
    stages: [{ name: title, kind: "replay", durationMs: lengthMs }],
    peakBy: () => recording?.mostInASecond ?? 0,
    since: () => profile,
  };
  return profile;
}

const NOT_READ: Curve = {
  startsBy: () => 0,
  rateAt: () => 0,
  timeOf: () => Infinity,
  endMs: Infinity,
  stageAt: () => ({ index: 0, remainingMs: Infinity }),
  stageOfStart: () => ({ index: 0, untilMs: Infinity }),
};

function curveOf(recording: Recording, loop: boolean): Curve {
  const { times: shared, counts, lengthMs } = recording;
  const times = new Float64Array(shared);
  if (counts === null) return stepsOf(times, lengthMs, loop);
  const lines = [...new Float64Array(counts)].map((count, index) => {
    const durationMs = times[index + 1]! - times[index]!;
    return hold((count * 1000) / durationMs, durationMs);
  });
  return { ...createPiecewiseLinear(lines, loop), ...oneStage(lengthMs, loop) };
}

/**
 * N of starts that are due at times of their own: a step at each. It counts those *before* a time, as a change of the
 * timeline at that very time leaves the start that is due then to what comes after it. Every time is that of the file,
 * whatever came before it: nothing drifts.
 */
function stepsOf(times: Float64Array, lengthMs: number, loop: boolean): Curve {
  const { length } = times;
  const cyclesBefore = (ms: number) => {
    if (!loop) return 0;
    const cycles = Math.floor(ms / lengthMs);
    if (cycles * lengthMs > ms) return cycles - 1;
    return (cycles + 1) * lengthMs <= ms ? cycles + 1 : cycles;
  };
  const startsBy = (ms: number) => {
    if (!(ms > 0)) return 0;
    const cycles = cyclesBefore(ms);
    return cycles * length + countBefore(times, ms - cycles * lengthMs - SAME_MS);
  };
  return {
    startsBy,
    rateAt: (ms) =>
      ms >= 0 && (loop || ms < lengthMs) ? startsBy(ms + 500) - startsBy(ms - 500) : 0,
    timeOf(n) {
      if (!(n > 0)) return 0;
      const index = Math.ceil(n) - 1;
      const cycles = Math.floor(index / length);
      if (cycles > 0 && !loop) return Infinity;
      return cycles * lengthMs + times[index - cycles * length]!;
    },
    ...oneStage(lengthMs, loop),
  };
}

function oneStage(
  lengthMs: number,
  loop: boolean,
): Pick<Curve, "endMs" | "stageAt" | "stageOfStart"> {
  const intoCycle = (ms: number) => (loop ? ms % lengthMs : Math.min(ms, lengthMs));
  return {
    endMs: loop ? Infinity : lengthMs,
    stageAt: (ms) => ({ index: 0, remainingMs: lengthMs - intoCycle(Math.max(0, ms)) }),
    stageOfStart: () => ({ index: 0, untilMs: Infinity }),
  };
}

/** How many of ascending times are before one. */
function countBefore(times: Float64Array, ms: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
