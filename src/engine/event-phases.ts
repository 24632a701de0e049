import type { NumberedReading } from "../celery/events/clock-reading.js";
import type { ReportKind } from "../celery/events/task-reports.js";
import { runOf } from "../celery/events/task-run.js";
import type { Clock } from "../clock.js";
import { FLAG, type InFlightTable } from "../ledger/in-flight-table.js";
import type { Books } from "./books.js";
import { type ClockOffset, ClockOffsets, type TaskTimes } from "./clock-offsets.js";
import type { Entry } from "./entry.js";

/** What an event says of a task: see `celery/events/task-reports.ts`. */
export interface EventReport {
  readonly kind: ReportKind;
  readonly worker: number;
  readonly unixMs: number;
  readonly runMs: number;
  readonly heardUnixMs: number;
}

export interface EventPhasesOptions {
  readonly table: InFlightTable;
  readonly books: Books;
  readonly clock: Clock;
  readonly connectionCount: number;
}

/** The task was begun more than once: its parts are not those of one run. */
const RERUN = 1;
const MEASURED = 2;
/** `heardUnixMs` is cut to whole milliseconds: the event was heard within the one that begins with it. */
const CUT_MS = 1;

/**
 * The phases that only workers can tell: `queue` (publish call to `task-started`), `run` (from there to the
 * result's `date_done`) and `delivery` (from there to the result received): parts that overlap nowhere. Events and results come in any order,
 * late, twice or not at all, so what is known of a task is kept at its slot until all of it is there, or the
 * slot is taken again. Takes no memory before the first event of a task of ours has come.
 */
export class EventPhases {
  readonly #options: EventPhasesOptions;
  readonly #offsets: readonly ClockOffsets[];
  #known: Known | undefined;
  #steppedMs = Number.NEGATIVE_INFINITY;

  constructor(options: EventPhasesOptions) {
    this.#options = options;
    this.#offsets = Array.from({ length: options.connectionCount }, () => new ClockOffsets());
  }

  /** The result of a task that ran was received, as it came; `doneUnixMs` is its `date_done` or NaN. */
  received(slot: number, entry: Entry, nowMs: number, doneUnixMs: number): void {
    if (this.#known === undefined) return;
    const known = this.#at(slot);
    known.receivedMs[slot] = nowMs;
    known.doneUnixMs[slot] = doneUnixMs;
    this.#measureIfComplete(slot, entry, known);
  }

  /** An event about the task in a slot. */
  report(
    slot: number,
    entry: Entry,
    { kind, worker, unixMs, runMs, heardUnixMs }: EventReport,
  ): void {
    const known = this.#at(slot);
    switch (kind) {
      case "started":
        if (!Number.isNaN(known.startedUnixMs[slot]!)) known.flags[slot]! |= RERUN;
        known.startedUnixMs[slot] = unixMs;
        known.workers[slot] = worker;
        break;
      case "succeeded":
      case "failed":
        known.endedUnixMs[slot] = unixMs;
        known.runMs[slot] = runMs;
        known.heardUnixMs[slot] = heardUnixMs + CUT_MS;
        break;
      case "retried":
        known.flags[slot]! |= RERUN;
        break;
      case "revoked":
        break; // it was not run
    }
    this.#measureIfComplete(slot, entry, known);
  }

  /** What the clock of a worker showed bounds it as a task does that was over at once. */
  readClock(
    connection: number,
    { worker, askedUnixMs, unixMs, heardUnixMs }: NumberedReading,
  ): void {
    const { clock } = this.#options;
    this.#lastStepMs();
    this.#offsets[connection]!.bound(
      worker,
      {
        publishedMs: askedUnixMs,
        startedMs: unixMs,
        endedMs: unixMs,
        receivedMs: heardUnixMs,
      },
      clock.unixMs(clock.nowMs()),
    );
  }

  /** The clocks of a connection's workers, by their numbers. */
  clocks(connection: number): ReadonlyMap<number, ClockOffset> {
    const { clock } = this.#options;
    return this.#offsets[connection]!.all(clock.unixMs(clock.nowMs()));
  }

  /** As `Clock.steppedMs`: what was known of the workers' clocks was known by the one that we had before. */
  #lastStepMs(): number {
    const steppedMs = this.#options.clock.steppedMs();
    if (steppedMs !== this.#steppedMs) for (const offsets of this.#offsets) offsets.forget();
    this.#steppedMs = steppedMs;
    return steppedMs;
  }

  #measureIfComplete(slot: number, entry: Entry, known: Known): void {
    const { table, books, clock } = this.#options;
    const steppedMs = this.#lastStepMs();
    const flags = table.flags[slot]!;
    const startedUnixMs = known.startedUnixMs[slot]!;
    const endedUnixMs = known.endedUnixMs[slot]!;
    const isAnswered = (flags & FLAG.unanswered) === 0;
    const receivedUnixMs = isAnswered
      ? clock.unixMs(known.receivedMs[slot]!)
      : known.heardUnixMs[slot]!;
    // NaN as long as one of them is missing.
    if (Number.isNaN(startedUnixMs + endedUnixMs + receivedUnixMs) || known.flags[slot] !== 0)
      return;
    known.flags[slot] = MEASURED;

    const publishedUnixMs = clock.unixMs(table.publishCallMs[slot]!);
    // The event is sent after the result, whose own date is what its receipt can be held against.
    const doneUnixMs = isAnswered ? known.doneUnixMs[slot]! : endedUnixMs;
    const provenEndMs = Number.isNaN(doneUnixMs) ? startedUnixMs : doneUnixMs;
    // Replies of Celery before 5.7 (rpc://) have no date.
    const hasDelivery = isAnswered && !Number.isNaN(doneUnixMs);
    const offsets = this.#offsets[entry.connection]!;
    const heard = quickerOf(
      { endedMs: provenEndMs, receivedMs: receivedUnixMs },
      { endedMs: endedUnixMs, receivedMs: known.heardUnixMs[slot]! },
    );
    const nowUnixMs = clock.unixMs(clock.nowMs());
    const worker = known.workers[slot]!;
    const times = { publishedMs: publishedUnixMs, startedMs: startedUnixMs, ...heard };
    const { startMs, runMs } = runOf({
      startedUnixMs,
      endedUnixMs,
      doneUnixMs: known.doneUnixMs[slot]!,
      saidMs: known.runMs[slot]!,
    });
    const isSet = table.publishCallMs[slot]! <= steppedMs;
    if (isSet || offsets.straddlesStep(worker, times, nowUnixMs)) {
      // The worker says how long it ran, whatever its clock shows.
      const mostMs = isAnswered ? receivedUnixMs - publishedUnixMs : Number.POSITIVE_INFINITY;
      books.observe(slot, entry, "run", Math.min(runMs, mostMs));
      books.countInstead(slot, entry.counters.leftOutQueue);
      if (hasDelivery) books.countInstead(slot, entry.counters.leftOutDelivery);
      return;
    }
    const { offsetMs, uncertaintyMs } = offsets.bound(
      worker,
      // The event may come late: see `runOf`.
      { ...times, startedMs: Math.min(startedUnixMs, provenEndMs) },
      nowUnixMs,
    );
    if ((flags & FLAG.warmup) !== 0) return;
    const publishedByWorkerMs = publishedUnixMs + offsetMs;
    const queueMs = Math.max(0, startMs - publishedByWorkerMs);
    books.observe(slot, entry, "run", Math.min(runMs, startMs + runMs - publishedByWorkerMs));
    books.observe(slot, entry, "queue", queueMs);
    if (isUncertain(queueMs, uncertaintyMs)) books.count(entry.counters.uncertainQueue);
    if (!hasDelivery) return;
    const deliveryMs = Math.max(0, receivedUnixMs - (doneUnixMs - offsetMs));
    books.observe(slot, entry, "delivery", deliveryMs);
    if (isUncertain(deliveryMs, uncertaintyMs)) books.count(entry.counters.uncertainDelivery);
  }

  /** What is known of the task that has the slot now; of an earlier one nothing is kept. */
  #at(slot: number): Known {
    const { table } = this.#options;
    this.#known ??= createKnown(table.capacity);
    const known = this.#known;
    const seq = table.seqs[slot]!;
    if (known.seqs[slot] !== seq) {
      known.seqs[slot] = seq;
      known.flags[slot] = 0;
      for (const times of known.times) times[slot] = Number.NaN;
    }
    return known;
  }
}

type Heard = Pick<TaskTimes, "endedMs" | "receivedMs">;

/**
 * Of the end of a task two things tell, its result and its event, and the quicker of them bounds the clock best:
 * the event does not go through the result backend, which may be what is slow.
 */
function quickerOf(result: Heard, event: Heard): Heard {
  const isEvent = event.receivedMs - event.endedMs < result.receivedMs - result.endedMs;
  return isEvent ? event : result;
}

/**
 * A phase is never shorter than its uncertainty, as the task itself is among those that bound the clock. The
 * true one lies between nothing and twice as much when it is as short as that.
 */
function isUncertain(phaseMs: number, uncertaintyMs: number): boolean {
  return phaseMs < 2 * uncertaintyMs;
}

/** By slot. */
interface Known {
  readonly seqs: Float64Array;
  readonly flags: Uint8Array;
  readonly workers: Float64Array;
  readonly startedUnixMs: Float64Array;
  readonly endedUnixMs: Float64Array;
  readonly runMs: Float64Array;
  readonly heardUnixMs: Float64Array;
  readonly receivedMs: Float64Array;
  readonly doneUnixMs: Float64Array;
  /** All of the above that are NaN until they are known. */
  readonly times: readonly Float64Array[];
}

function createKnown(capacity: number): Known {
  const array = () => new Float64Array(capacity);
  const [startedUnixMs, endedUnixMs, runMs] = [array(), array(), array()];
  const [heardUnixMs, receivedMs, doneUnixMs] = [array(), array(), array()];
  return {
    seqs: array().fill(-1),
    flags: new Uint8Array(capacity),
    workers: array(),
    ...{ startedUnixMs, endedUnixMs, runMs, heardUnixMs, receivedMs, doneUnixMs },
    times: [startedUnixMs, endedUnixMs, runMs, heardUnixMs, receivedMs, doneUnixMs],
  };
}
