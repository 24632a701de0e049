import type { ClockReading, NumberedReading } from "../celery/clock-reading.js";
import type { CeleryEvent } from "../celery/event-message.js";
import { type TaskReports, TaskReportWriter } from "../celery/task-reports.js";

/** Events of so long go to the engine as one message. */
const COLLECT_MS = 50;
/** Workers whose numbers are remembered. */
const MAX_WORKERS = 1_000;

/** Who is told of the tasks whose ids start with `idPrefix`, and of the clocks of all workers. */
export interface TaskListener {
  readonly idPrefix: string;
  readonly report: (reports: TaskReports) => void;
  readonly readClocks: (readings: readonly NumberedReading[]) => void;
}

/** Sorts the events of our own tasks out, and passes them on in numbers, with what is read of workers' clocks. */
export class TaskEvents {
  readonly #listeners: readonly (TaskListener & { readonly writer: TaskReportWriter })[];
  /** Numbers are not given twice, so that a forgotten worker's clock is not taken for another one's. */
  readonly #numbers = new Map<string, number>();
  readonly #names = new Map<number, string>();
  readonly #isRelevant: (worker: string) => boolean;
  #nextNumber = 0;
  /** Null before any event of a task has come: workers may send none. */
  #unexplained: number | null = null;
  #readings: NumberedReading[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `isRelevant` = whether a worker consumes queues of ours. */
  constructor(listeners: readonly TaskListener[], isRelevant: (worker: string) => boolean) {
    this.#listeners = listeners.map((listener) => ({
      ...listener,
      writer: new TaskReportWriter(listener.idPrefix),
    }));
    this.#isRelevant = isRelevant;
  }

  /**
   * How often relevant workers have begun a task that we have not sent; null when no worker has said anything
   * of tasks.
   */
  get unexplained(): number | null {
    return this.#unexplained;
  }

  /** An event about a task, anybody's. */
  add(event: CeleryEvent, heardUnixMs: number): void {
    const numberOf = () => this.#numberOf(event.hostname);
    const isOurs = this.#listeners.some(({ writer }) => writer.add(event, numberOf, heardUnixMs));
    if (isOurs) this.#flushSoon();
    this.#unexplained ??= 0;
    if (event.type !== "task-started") return;
    const isSentByUs = this.#listeners.some(({ idPrefix }) => event.uuid.startsWith(idPrefix));
    if (!isSentByUs && this.#isRelevant(event.hostname)) this.#unexplained++;
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
