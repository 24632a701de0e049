import { seqOf, slotOf } from "../messages/task-id.js";
import type { CeleryEvent } from "./event-message.js";

/**
 * What events say of our own tasks, as a flat array of numbers: thousands of them cross to another thread
 * as one piece of memory. Times are Unix milliseconds, `started` to `retried` by the worker's clock.
 */
export interface TaskReports {
  /** `count` records of REPORT_SIZE numbers, in the order of REPORT. */
  readonly numbers: Float64Array;
  /** Classes of the exceptions that records refer to. */
  readonly exceptions: readonly string[];
}

/** Places in a record. */
export const REPORT = {
  slot: 0,
  seq: 1,
  /** One of REPORT_KINDS, by its index. */
  kind: 2,
  /** Number of the worker. */
  worker: 3,
  unixMs: 4,
  /** `runtime` of `task-succeeded`; NaN where it is not said. */
  runMs: 5,
  /** When the event was received, by our clock. */
  heardUnixMs: 6,
  /** Index into `exceptions`, or -1. */
  exception: 7,
} as const;
export const REPORT_SIZE = 8;

/** Events that say something of the way of a task (`celery/events/state.py`). */
export const REPORT_KINDS = ["started", "succeeded", "failed", "revoked", "retried"] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];

const KIND_OF: ReadonlyMap<string, number> = new Map(
  REPORT_KINDS.map((kind, index) => [`task-${kind}`, index]),
);
/** Ten years. */
const MAX_DURATION_SECONDS = 10 * 365 * 86_400;
const FIRST_CAPACITY = 256;

/** Collects reports until they are taken. */
export class TaskReportWriter {
  readonly #idPrefix: string;
  #numbers = new Float64Array(FIRST_CAPACITY * REPORT_SIZE);
  #length = 0;
  #exceptions: string[] = [];

  /** `idPrefix` is what the ids of our tasks start with. */
  constructor(idPrefix: string) {
    this.#idPrefix = idPrefix;
  }

  /** False when the event is none of ours, or says nothing that is to be reported. */
  add(event: CeleryEvent, worker: () => number, heardUnixMs: number): boolean {
    const { uuid, type, unixMs, fields } = event;
    if (!uuid.startsWith(this.#idPrefix)) return false;
    const kind = KIND_OF.get(type);
    const slot = slotOf(uuid);
    const seq = seqOf(uuid);
    if (kind === undefined || !(slot >= 0) || Number.isNaN(seq)) return false;
    const { runtime, exception, traceback } = fields;
    this.#write(
      ...[slot, seq, kind, worker(), unixMs],
      isDuration(runtime) ? runtime * 1000 : Number.NaN,
      heardUnixMs,
      typeof exception === "string"
        ? this.#exceptions.push(exceptionClass(exception, traceback)) - 1
        : -1,
    );
    return true;
  }

  /** What has been collected; the collection is empty after. */
  take(): TaskReports {
    const taken = {
      numbers: this.#numbers.slice(0, this.#length),
      exceptions: this.#exceptions,
    };
    this.#length = 0;
    this.#exceptions = [];
    return taken;
  }

  #write(...numbers: readonly number[]): void {
    if (this.#length + REPORT_SIZE > this.#numbers.length) {
      const larger = new Float64Array(this.#numbers.length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers.set(numbers, this.#length);
    this.#length += REPORT_SIZE;
  }
}

/**
 * The class in the `repr` of an exception, `ValueError('x')`; of one that billiard has wrapped, as it does where a pool
 * process was lost or a hard time limit passed (`billiard/einfo.py ExceptionWithTraceback`), that of its traceback.
 */
function exceptionClass(repr: string, traceback: unknown): string {
  const name = lastPart(/^[\w.]+/.exec(repr)?.[0] ?? "");
  if (name !== "ExceptionWithTraceback" || typeof traceback !== "string") return name;
  const raised = traceback.slice(traceback.lastIndexOf(TRACEBACK) + TRACEBACK.length);
  // Frames are indented; the first line that is not has the class, and may have more lines after it.
  return lastPart(/^([\w.]+)(?=:|$)/m.exec(raised)?.[1] ?? name);
}

const TRACEBACK = "Traceback (most recent call last):";

function lastPart(name: string): string {
  return name.split(".").at(-1)!;
}

/** Seconds that something can last: one value beyond would spoil a sum for ever. */
function isDuration(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= MAX_DURATION_SECONDS;
}
