import type { CeleryEvent } from "../celery/events/event-message.js";

/** What a worker's clock showed between two moments of ours, which are monotonic milliseconds. */
export interface HeardReading {
  readonly askedMs: number;
  readonly unixMs: number;
  readonly heardMs: number;
}

/** An answer to `stats`. */
interface Answer {
  readonly askedMs: number;
  readonly pid: number;
  readonly count: number;
}

/** A heartbeat. */
interface Beat {
  readonly heardMs: number;
  readonly pid: number;
  readonly count: number;
  readonly unixMs: number;
}

/** Workers that are remembered. */
const MAX_WORKERS = 1_000;
/** Heartbeats of each, while the answer that they are held against is awaited: others ask for them, too. */
const MAX_BEATS = 64;

/**
 * Reads the clocks of workers off their heartbeats. The time in one tells when it was sent, which is before
 * we heard it, and after we asked something when the worker sent it after it had answered. No heartbeat says
 * which command it answers, and others may have asked for it, too. But each worker counts: every event gets the
 * next number of its Lamport clock (`celery/events/dispatcher.py`), and an answer to `stats` says how
 * far that was (`celery/worker/worker.py info`). The counts of one process never fall, so that a heartbeat with a
 * higher one was sent later. The answer is known by its ticket, however late it comes.
 */
export class ClockReadings {
  readonly #tell: (worker: string, reading: HeardReading) => void;
  readonly #workers = new Map<string, { answer: Answer | null; beats: Beat[] }>();

  constructor(tell: (worker: string, reading: HeardReading) => void) {
    this.#tell = tell;
  }

  /** A worker has answered `stats`, which was asked at `askedMs` or later. */
  answered(name: string, stats: Readonly<Record<string, unknown>>, askedMs: number): void {
    const { pid, clock } = stats;
    const count = typeof clock === "string" && /^\d+$/.test(clock) ? Number(clock) : Number.NaN;
    if (!isCount(pid) || !isCount(count)) return;
    const worker = this.#worker(name);
    const answer = { askedMs, pid, count };
    worker.answer = answer;
    for (const beat of worker.beats) this.#compare(name, answer, beat);
    worker.beats = [];
  }

  /** A `worker-heartbeat`. */
  beat({ hostname, unixMs, fields }: CeleryEvent, heardMs: number): void {
    const { pid, clock } = fields;
    if (!isCount(pid) || !isCount(clock)) return;
    const worker = this.#worker(hostname);
    const beat = { heardMs, pid, count: clock, unixMs };
    if (worker.answer !== null) this.#compare(hostname, worker.answer, beat);
    worker.beats.push(beat);
    if (worker.beats.length > MAX_BEATS) worker.beats.shift();
  }

  #compare(name: string, answer: Answer, beat: Beat): void {
    // Two workers of one name count apart.
    if (beat.pid !== answer.pid || beat.count <= answer.count) return;
    // And so do the two of a container that was restarted, where both have the same pid.
    if (beat.heardMs < answer.askedMs) return;
    this.#tell(name, { askedMs: answer.askedMs, unixMs: beat.unixMs, heardMs: beat.heardMs });
  }

  #worker(name: string) {
    const known = this.#workers.get(name);
    if (known !== undefined) return known;
    if (this.#workers.size >= MAX_WORKERS) {
      this.#workers.delete(this.#workers.keys().next().value!);
    }
    const worker = { answer: null, beats: [] };
    this.#workers.set(name, worker);
    return worker;
  }
}

/** One beyond is not exact, and could not be compared. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
