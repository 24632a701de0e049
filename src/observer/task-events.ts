import type { ClockReading, NumberedReading } from "../celery/events/clock-reading.js";
import type { CeleryEvent } from "../celery/events/event-message.js";
import { type TaskReports, TaskReportWriter } from "../celery/events/task-reports.js";

/** Events of so long go to the engine as one message. */
const COLLECT_MS = 50;
/** Workers whose numbers are remembered. */
const MAX_WORKERS = 1_000;

/** Events that say that a task has left its queue; of one that fails in the worker there are two. */
const TAKING: readonly string[] = ["task-received", "task-revoked", "task-failed"];

/** Tasks that were begun, whatever became of them; what a worker takes from its other queues counts as well. */
export interface Started {
  readonly ours: number;
  readonly others: number;
}

/** Who is told of the tasks whose ids start with `idPrefix`, and of the clocks of all workers. */
export interface TaskListener {
  readonly idPrefix: string;
  readonly report: (reports: TaskReports) => void;
  readonly readClocks: (readings: readonly NumberedReading[]) => void;
}

/** Sorts the events of our own tasks out, and passes them on in numbers, with what is read of workers' clocks. */
export class TaskEvents {
  #listeners: readonly (TaskListener & { readonly writer: TaskReportWriter })[] = [];
  /** Numbers are not given twice, so that a forgotten worker's clock is not taken for another one's. */
  readonly #numbers = new Map<string, number>();
  readonly #names = new Map<number, string>();
  readonly #queuesOf: (worker: string) => readonly string[];
  /** By queue of ours. */
  #started: ReadonlyMap<string, { ours: number; others: number }> = new Map();
  #nextNumber = 0;
  /** Workers that send events of tasks. */
  readonly #telling = new Set<string>();
  /** Their events by which a task has left its queue. */
  #taken = 0;
  /** Null before any event of a task has come: workers may send none. */
  #unexplained: number | null = null;
  #readings: NumberedReading[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `queues`: ours; `queuesOf`: those that a worker consumes. */
  constructor(
    listeners: readonly TaskListener[],
    queues: readonly string[],
    queuesOf: (worker: string) => readonly string[],
  ) {
    this.#queuesOf = queuesOf;
    this.listen(listeners, queues);
  }

  /** From now on these are told, of these queues; those that were before and are not among them are forgotten. */
  listen(listeners: readonly TaskListener[], queues: readonly string[]): void {
    this.#listeners = listeners.map((listener) => {
      const known = this.#listeners.find(({ idPrefix }) => idPrefix === listener.idPrefix);
      return known ?? { ...listener, writer: new TaskReportWriter(listener.idPrefix) };
    });
    this.#started = new Map(
      queues.map((queue) => [queue, this.#started.get(queue) ?? { ours: 0, others: 0 }]),
    );
  }

  /**
   * How often relevant workers have begun a task that we have not sent; null when no worker has said anything
   * of tasks.
   */
  get unexplained(): number | null {
    return this.#unexplained;
  }

  /** How many tasks workers took from queues so far, by their events, at most; null when not all of `workers` send them. */
  takenBy(workers: readonly string[]): number | null {
    const areTelling = workers.length > 0 && workers.every((worker) => this.#telling.has(worker));
    return areTelling ? this.#taken : null;
  }

  /** An event about a task, anybody's. */
  add(event: CeleryEvent, heardUnixMs: number): void {
    const numberOf = () => this.#numberOf(event.hostname);
    const isOurs = this.#listeners.some(({ writer }) => writer.add(event, numberOf, heardUnixMs));
    if (isOurs) this.#flushSoon();
    this.#unexplained ??= 0;
    this.#countTaken(event);
    if (event.type !== "task-started") return;
    const isSentByUs = this.#listeners.some(({ idPrefix }) => event.uuid.startsWith(idPrefix));
    let isRelevant = false;
    for (const queue of this.#queuesOf(event.hostname)) {
      const started = this.#started.get(queue);
      if (started === undefined) continue;
      isRelevant = true;
      started[isSentByUs ? "ours" : "others"]++;
    }
    if (!isSentByUs && isRelevant) this.#unexplained++;
  }

  /** Tasks that workers of a queue of ours have begun; null when no worker has said anything of tasks. */
  startedOn(queue: string): Started | null {
    const started = this.#started.get(queue);
    return this.#unexplained === null || started === undefined ? null : { ...started };
  }

  #countTaken({ type, hostname }: CeleryEvent): void {
    if (type === "task-sent") return; // of producers
    if (this.#telling.size < MAX_WORKERS) this.#telling.add(hostname);
    // One that has expired is not received but revoked, and one of a task that the worker does not know fails.
    if (TAKING.includes(type)) this.#taken++;
  }

  /** The clock of a worker was read. */
  readClock(hostname: string, reading: ClockReading): void {
    this.#readings.push({ worker: this.#numberOf(hostname), ...reading });
    this.#flushSoon();
  }

  /** The worker of a number; undefined when it is forgotten. */
  nameOf(worker: number): string | undefined {
    return this.#names.get(worker);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => this.#flush(), COLLECT_MS);
  }

  #flush(): void {
    this.#timer = undefined;
    const readings = this.#readings;
    this.#readings = [];
    for (const { writer, report, readClocks } of this.#listeners) {
      if (readings.length > 0) readClocks(readings);
      const reports = writer.take();
      if (reports.numbers.length > 0) report(reports);
    }
  }

  #numberOf(hostname: string): number {
    const known = this.#numbers.get(hostname);
    if (known !== undefined) return known;
    if (this.#numbers.size >= MAX_WORKERS) {
      const [name, number] = this.#numbers.entries().next().value!;
      this.#numbers.delete(name);
      this.#names.delete(number);
    }
    const number = this.#nextNumber++;
    this.#numbers.set(hostname, number);
    this.#names.set(number, hostname);
    return number;
  }
}
