import { quantileMs } from "../ledger/histogram.js";
import type { ObservedConnection } from "../observer/connection-observer.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { entriesByTask, type Summary, summarize } from "../readings/summary.js";
import { type Drift, driftOf, type Point, type WatchedDrift } from "./drift.js";

/** A window has so many points: enough for the tests, and a fixed amount of memory. */
const POINTS = 60;
/** A look that comes a little early still makes its point: timers are not that exact. */
const EARLY = 0.9;

export interface DriftsOptions {
  readonly subject: Subject;
  /** What is observed: the names of connections and of their queues. */
  readonly connections: readonly { readonly name: string; readonly queues: readonly string[] }[];
  readonly windowMs: number;
  /** Resident memory of this process in bytes; null when it cannot be read. */
  readonly residentBytes: () => number | null;
}

/** What a look finds; null = not known. */
type Read = (observed: readonly ObservedConnection[]) => number | null;

/**
 * Watches what creeps in a soak: keeps a window of points of each thing, a sixtieth of the window apart, and
 * says how steeply it changes. A point is the mean of what the looks in its time have found, or what the
 * tasks of its time have made.
 */
export class DriftWatch {
  readonly #options: DriftsOptions;
  readonly #levels: readonly Level[];
  readonly #tasks: readonly TaskLevels[];
  #lastPointMs: number | undefined;

  constructor(options: DriftsOptions) {
    this.#options = options;
    const { subject, connections, residentBytes } = options;
    this.#levels = [
      ...connections.flatMap(({ name, queues }) => levelsOf(name, queues)),
      new Level("resident_memory", {}, residentBytes),
    ];
    this.#tasks = [...entriesByTask(subject)].map(([task, rows]) => new TaskLevels(task, rows));
  }

  /** All that is watched, whether or not anything is known of it yet. */
  get watched(): readonly Pick<WatchedDrift, "what" | "labels">[] {
    return this.#trends.map(({ what, labels }) => ({ what, labels }));
  }

  /** Of what has enough points. */
  get drifts(): readonly WatchedDrift[] {
    return this.#trends.flatMap(({ what, labels, drift }) =>
      drift === null ? [] : { what, labels, ...drift },
    );
  }

  get #trends(): readonly Trend[] {
    return [...this.#levels, ...this.#tasks.flatMap(({ all }) => all)];
  }

  /** Called every few seconds with what is known then. */
  look(ledger: LedgerView, observed: readonly ObservedConnection[], nowMs: number): void {
    for (const level of this.#levels) level.look(observed);
    const { windowMs } = this.#options;
    const beganMs = this.#lastPointMs;
    if (beganMs === undefined) {
      for (const task of this.#tasks) task.begin(ledger);
    } else {
      if (nowMs - beganMs < (EARLY * windowMs) / POINTS) return;
      for (const level of this.#levels) level.point(nowMs, windowMs);
      for (const task of this.#tasks) task.point(ledger, beganMs, nowMs, windowMs);
    }
    this.#lastPointMs = nowMs;
  }
}

/** The points of one thing, and their drift. */
class Trend {
  readonly what: WatchedDrift["what"];
  readonly labels: WatchedDrift["labels"];
  #points: Point[] = [];
  drift: Drift | null = null;

  constructor(what: WatchedDrift["what"], labels: WatchedDrift["labels"]) {
    this.what = what;
    this.labels = labels;
  }

  /** What is not known, or does not exist, makes no point. */
  add(value: number | null, nowMs: number, windowMs: number): void {
    if (value !== null && !Number.isNaN(value)) this.#points.push({ atMs: nowMs, value });
    // A point stands for the time before it: the one at the beginning of the window is out of it.
    this.#points = this.#points.filter(({ atMs }) => nowMs - atMs < windowMs).slice(-POINTS);
    this.drift = driftOf(this.#points);
  }
}

/** Something that has a level at any time. */
class Level extends Trend {
  readonly #read: Read;
  #sum = 0;
  #count = 0;

  constructor(what: WatchedDrift["what"], labels: WatchedDrift["labels"], read: Read) {
    super(what, labels);
    this.#read = read;
  }

  look(observed: readonly ObservedConnection[]): void {
    const value = this.#read(observed);
    if (value === null) return;
    this.#sum += value;
    this.#count++;
  }

  point(nowMs: number, windowMs: number): void {
    this.add(this.#count === 0 ? null : this.#sum / this.#count, nowMs, windowMs);
    this.#sum = 0;
    this.#count = 0;
  }
}

function levelsOf(connection: string, queues: readonly string[]): Level[] {
  const of = (read: (observed: ObservedConnection) => number | null): Read => {
    return (all) => {
      const observed = all.find(({ name }) => name === connection);
      return observed === undefined ? null : read(observed);
    };
  };
  return [
    ...queues.map(
      (queue) =>
        new Level(
          "queue_length",
          { connection, queue },
          of((observed) => observed.queues.find(({ name }) => name === queue)?.ready ?? null),
        ),
    ),
    new Level("worker_pool_size", { connection }, of(placesOf)),
    new Level(
      "result_backend_memory",
      { connection },
      of(({ backendMemoryBytes }) => backendMemoryBytes),
    ),
  ];
}

/** In the pools of the workers that are up, as far as they are known to be. */
function placesOf({ workers }: ObservedConnection): number | null {
  if (workers.length === 0 || workers.some(({ up }) => up === null)) return null;
  let places = 0;
  for (const { up, poolSize } of workers) {
    if (up !== 0 && poolSize === null) return null;
    places += poolSize ?? 0;
  }
  return places;
}

/** What the tasks of one name have made from point to point. */
class TaskLevels {
  readonly #rows: readonly number[];
  readonly #p50: Trend;
  readonly #p99: Trend;
  readonly #rate: Trend;
  readonly #retries: Trend;
  #before: Summary | undefined;

  constructor(task: string, rows: readonly number[]) {
    this.#rows = rows;
    this.#p50 = new Trend("latency_p50", { task });
    this.#p99 = new Trend("latency_p99", { task });
    this.#rate = new Trend("rate", { task });
    this.#retries = new Trend("retries", { task });
  }

  get all(): readonly Trend[] {
    return [this.#p50, this.#p99, this.#rate, this.#retries];
  }

  begin(ledger: LedgerView): void {
    this.#before = summarize(ledger, this.#rows);
  }

  point(ledger: LedgerView, beganMs: number, nowMs: number, windowMs: number): void {
    const now = summarize(ledger, this.#rows);
    const before = this.#before!;
    this.#before = now;
    const latencies = now.latencies.map((count, index) => count - before.latencies[index]!);
    const published = now.counters.published - before.counters.published;
    const retries = now.counters.retries - before.counters.retries;
    const add = (trend: Trend, value: number | null) => trend.add(value, nowMs, windowMs);
    add(this.#p50, quantileMs(latencies, 0.5) / 1_000);
    add(this.#p99, quantileMs(latencies, 0.99) / 1_000);
    add(this.#rate, published / ((nowMs - beganMs) / 1_000));
    add(this.#retries, published === 0 ? null : retries / published);
  }
}
