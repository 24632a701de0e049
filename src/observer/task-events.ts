import type { CeleryEvent } from "../celery/event-message.js";
import { type TaskReports, TaskReportWriter } from "../celery/task-reports.js";

/** Events of so long go to the engine as one message. */
const COLLECT_MS = 50;
/** Workers whose numbers are remembered. */
const MAX_WORKERS = 1_000;

/** Sorts the events of our own tasks out, and passes them on in numbers. */
export class TaskEvents {
  readonly #reports: TaskReportWriter;
  readonly #report: (reports: TaskReports) => void;
  /** Numbers are not given twice, so that a forgotten worker's clock is not taken for another one's. */
  readonly #numbers = new Map<string, number>();
  readonly #names = new Map<number, string>();
  readonly #idPrefix: string;
  readonly #isRelevant: (worker: string) => boolean;
  #nextNumber = 0;
  /** Null before any event of a task has come: workers may send none. */
  #unexplained: number | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** `isRelevant` = whether a worker consumes queues of ours. */
  constructor(
    idPrefix: string,
    report: (reports: TaskReports) => void,
    isRelevant: (worker: string) => boolean,
  ) {
    this.#idPrefix = idPrefix;
    this.#reports = new TaskReportWriter(idPrefix);
    this.#report = report;
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
    const isOurs = this.#reports.add(event, () => this.#numberOf(event.hostname), heardUnixMs);
    if (isOurs) this.#timer ??= setTimeout(() => this.#flush(), COLLECT_MS);
    this.#unexplained ??= 0;
    if (event.type !== "task-started" || event.uuid.startsWith(this.#idPrefix)) return;
    if (this.#isRelevant(event.hostname)) this.#unexplained++;
  }

  /** The worker of a number; undefined when it is forgotten. */
  nameOf(worker: number): string | undefined {
    return this.#names.get(worker);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #flush(): void {
    this.#timer = undefined;
    this.#report(this.#reports.take());
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
