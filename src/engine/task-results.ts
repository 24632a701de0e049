import type { NumberedReading } from "../celery/events/clock-reading.js";
import {
  REPORT,
  REPORT_KINDS,
  REPORT_SIZE,
  type ReportKind,
  type TaskReports,
} from "../celery/events/task-reports.js";
import { seqOf, slotOf, taskId } from "../celery/messages/task-id.js";
import { dateDoneUnixMs, type Result, readResult, SUCCESS } from "../celery/results/result.js";
import { isCut, unreadableCause } from "../celery/results/result-text.js";
import type { Clock } from "../clock.js";
import { FLAG, type InFlightTable, SLOT } from "../ledger/in-flight-table.js";
import { WRONG_ANSWER } from "../ledger/layout.js";
import type { Books } from "./books.js";
import type { ClockOffset } from "./clock-offsets.js";
import { type Ended, EndedTasks } from "./ended-tasks.js";
import type { Entry } from "./entry.js";
import { EventPhases, type EventReport } from "./event-phases.js";
import type { ConnectionPlan } from "./messages.js";
import { isExpected, meaningOf, type Terminal } from "./outcome.js";
import type { WorkflowLife } from "./workflow-life.js";

export interface TaskResultsOptions {
  readonly table: InFlightTable;
  readonly books: Books;
  readonly workflows: WorkflowLife;
  readonly clock: Clock;
  readonly idPrefix: string;
  readonly connectionPlans: readonly ConnectionPlan[];
  readonly entryOf: (slot: number) => Entry;
  /** A worker has the task, or the workflow, for all we know. */
  readonly published: (entry: Entry, slot: number) => void;
  /** How long a start took whose result has come in time. */
  readonly took: (slot: number, latencyMs: number) => void;
  /** A task, or a workflow, has ended by its result. */
  readonly ended: (entry: Entry, slot: number, outcome: Terminal) => void;
  /** A result could not be read; its task stays in flight until events tell its end. */
  readonly onMalformed: (entry: number, cause: string) => void;
}

/** How a result came to us: as a message, as one that may have been read before, or by asking for it. */
type Heard = "message" | "repeat" | "lookUp";

/**
 * What is heard of tasks after they were published: by their results, which settle and measure them, and by
 * the workers' events, which tell their phases, and their end where there is no result.
 */
export class TaskResults {
  readonly #options: TaskResultsOptions;
  readonly #table: InFlightTable;
  readonly #books: Books;
  readonly #workflows: WorkflowLife;
  readonly #eventPhases: EventPhases;
  /** By connection. */
  readonly #ended: readonly EndedTasks[];
  #lastText: string | null = null;

  constructor(options: TaskResultsOptions) {
    this.#options = options;
    this.#table = options.table;
    this.#books = options.books;
    this.#workflows = options.workflows;
    this.#eventPhases = new EventPhases({
      ...options,
      connectionCount: options.connectionPlans.length,
    });
    this.#ended = options.connectionPlans.map(() => new EndedTasks(options.idPrefix));
  }

  /** The result that is just being read, as the worker stored it; null: none is. */
  get lastText(): string | null {
    return this.#lastText;
  }

  /** A message on one of our result channels; the task id is `channel` from `idAt` on. `isRepeat` as in `ResultHandler`. */
  result(channel: string, idAt: number, text: string, isRepeat: boolean): void {
    const slot = slotOf(channel, idAt);
    const isOurs =
      channel.startsWith(this.#options.idPrefix, idAt) &&
      this.#table.holds(slot, seqOf(channel, idAt));
    if (isOurs) this.#read(slot, text, isRepeat ? "repeat" : "message");
    else if (!isRepeat) this.#books.countEngine("unmatchedResults");
  }

  /** A success, read from its bytes. */
  success(slot: number, seq: number, doneUnixMs: number): void {
    if (this.#table.holds(slot, seq)) this.#apply(slot, SUCCESS, doneUnixMs, "message");
    else this.#books.countEngine("unmatchedResults");
  }

  /** Settles by the answer to `idsInFlight`: known only after the fact, so without a latency. */
  recovered(id: string, text: string): boolean {
    const slot = slotOf(id);
    if (!this.#table.holds(slot, seqOf(id)) || !this.#table.isInFlight(slot)) return false;
    this.#read(slot, text, "lookUp");
    return !this.#table.isInFlight(slot);
  }

  /** What events of a connection's workers say of our tasks; of old ones it is not heard any more. */
  reported(connection: number, { numbers, exceptions }: TaskReports): void {
    for (let at = 0; at < numbers.length; at += REPORT_SIZE) {
      const slot = numbers[at + REPORT.slot]!;
      if (!this.#table.holds(slot, numbers[at + REPORT.seq]!)) continue;
      const entry = this.#options.entryOf(slot);
      // Members have no publish call of ours, and their workflow is not one run.
      if (entry.connection !== connection || entry.stage >= 0 || entry.members !== null) continue;
      const report: EventReport = {
        kind: REPORT_KINDS[numbers[at + REPORT.kind]!]!,
        worker: numbers[at + REPORT.worker]!,
        unixMs: numbers[at + REPORT.unixMs]!,
        runMs: numbers[at + REPORT.runMs]!,
        heardUnixMs: numbers[at + REPORT.heardUnixMs]!,
      };
      this.#eventPhases.report(slot, entry, report);
      this.#settleUnanswered(slot, entry, report.kind, exceptions[numbers[at + REPORT.exception]!]);
    }
  }

  /** What the clocks of a connection's workers showed. */
  readClocks(connection: number, readings: readonly NumberedReading[]): void {
    for (const reading of readings) this.#eventPhases.readClock(connection, reading);
  }

  /** The clocks of a connection's workers, by their numbers in the reports. */
  workerClocks(connection: number): ReadonlyMap<number, ClockOffset> {
    return this.#eventPhases.clocks(connection);
  }

  /** Of a task that was told to store no result, or whose result cannot be read, the event is the only word of its end. */
  #settleUnanswered(slot: number, entry: Entry, kind: ReportKind, exception = ""): void {
    if (kind === "started" || kind === "retried") return;
    const isMeant = (this.#table.flags[slot]! & FLAG.unanswered) !== 0;
    if (!isMeant || !this.#table.isInFlight(slot)) return;
    if (this.#table.states[slot] === SLOT.publishing) this.#options.published(entry, slot);
    if (kind !== "succeeded") {
      // As the result would have it.
      this.#books.countException(entry, kind === "revoked" ? "TaskRevokedError" : exception);
    }
    this.#options.ended(entry, slot, kind);
  }

  /** At most so many tasks of a connection that have ended by a result; each once, null for none. */
  takeEnded(connection: number, most: number): Ended | null {
    return this.#ended[connection]!.take(most);
  }

  #read(slot: number, text: string, heard: Heard): void {
    const result = this.#judged(readResult(text), text, slot);
    if (result.state !== "MALFORMED") {
      this.#lastText = text;
      this.#apply(slot, result, dateDoneUnixMs(text), heard);
      this.#lastText = null;
      return;
    }
    this.#books.countEngine("malformedResults");
    // It answers nothing: as if there were none, events may tell the end, and silence is no timeout.
    this.#table.flags[slot]! |= FLAG.unanswered;
    this.#options.onMalformed(this.#table.entries[slot]!, unreadableCause(text));
  }

  /** A success with a wrong answer is a failure. */
  #judged(result: Result, text: string, slot: number): Result {
    const entry = this.#options.entryOf(slot);
    if (entry.expect === undefined || result.state !== "SUCCESS") return result;
    if (isCut(text)) {
      if (this.#table.isInFlight(slot)) this.#books.count(entry.counters.unchecked);
      return result;
    }
    return isExpected(entry.expect, text) ? result : { state: "FAILURE", exception: WRONG_ANSWER };
  }

  #apply(slot: number, result: Result, doneUnixMs: number, heard: Heard): void {
    const { states, flags } = this.#table;
    const isLookUp = heard === "lookUp";
    const entry = this.#options.entryOf(slot);
    const { counters } = entry;
    if (states[slot] === SLOT.publishing) {
      // Proof that it was queued, before the broker's answer was read.
      const start = entry.stage < 0 ? slot : this.#workflows.ownerOf(slot);
      this.#options.published(this.#options.entryOf(start), start);
    }
    const meaning = meaningOf(states[slot]!, flags[slot]!, result.state);
    switch (meaning) {
      case "started":
        states[slot] = SLOT.started;
        break;
      case "retry":
        if (heard === "message") this.#books.count(counters.retries);
        break;
      case "late":
        this.#books.count(counters.late);
        this.#noteEnded(entry, slot);
        states[slot] = SLOT.done;
        break;
      case "duplicate":
        if (heard !== "repeat") this.#books.count(counters.duplicate);
        break;
      case "expected":
        flags[slot]! &= ~FLAG.recovered;
        this.#noteEnded(entry, slot);
        break;
      case "succeeded":
      case "failed":
      case "revoked":
        this.#noteEnded(entry, slot);
        if (isLookUp) flags[slot]! |= FLAG.recovered;
        if (entry.stage >= 0) {
          this.#memberResult(slot, meaning, result.exception, doneUnixMs, isLookUp);
        } else this.#settle(slot, meaning, result.exception, doneUnixMs, isLookUp);
        break;
      case "nothing":
        break;
    }
  }

  #memberResult(
    slot: number,
    outcome: Terminal,
    exception: string,
    doneUnixMs: number,
    isLookUp: boolean,
  ): void {
    const { flags, publishCallMs, plannedMs } = this.#table;
    const entry = this.#options.entryOf(slot);
    if (isLookUp) flags[this.#workflows.ownerOf(slot)]! |= FLAG.memberRecovered;
    else if (outcome !== "revoked") {
      const sinceMs = entry.stage === 0 ? plannedMs[slot]! : publishCallMs[slot]!;
      const latencyMs = this.#options.clock.nowMs() - sinceMs;
      // Unknown when its result was faster than that of the stage before.
      if (!Number.isNaN(latencyMs)) {
        this.#books.observe(slot, entry, LATENCY_OF[outcome], latencyMs);
      }
    }
    this.#workflows.memberEnded(slot, outcome, exception, doneUnixMs);
  }

  workflowEnded(owner: number, outcome: Terminal, exception: string, doneUnixMs: number): void {
    const { connection, chordSize } = this.#options.entryOf(owner);
    const isKept = !this.#options.connectionPlans[connection]!.forget;
    if (outcome !== "succeeded" && chordSize > 0 && !isKept) {
      this.#ended[connection]!.noteChord(this.#idOf(owner));
    }
    const isLookUp = (this.#table.flags[owner]! & FLAG.memberRecovered) !== 0;
    this.#settle(owner, outcome, exception, doneUnixMs, isLookUp);
  }

  /** The end of a task, or of a workflow, by a result. */
  #settle(
    slot: number,
    outcome: Terminal,
    exception: string,
    doneUnixMs: number,
    isLookUp: boolean,
  ): void {
    const entry = this.#options.entryOf(slot);
    if (outcome !== "succeeded") this.#books.countException(entry, exception);
    if (isLookUp) this.#books.count(entry.counters.recovered);
    else this.#measure(slot, entry, outcome, doneUnixMs);
    this.#options.ended(entry, slot, outcome);
  }

  #measure(slot: number, entry: Entry, outcome: Terminal, doneUnixMs: number): void {
    if (outcome === "revoked") return; // it was not run: its time says nothing of the work
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    const latencyMs = nowMs - this.#table.plannedMs[slot]!;
    this.#books.observe(slot, entry, LATENCY_OF[outcome], latencyMs);
    this.#options.took(slot, latencyMs);
    if (!Number.isNaN(doneUnixMs)) this.#measureWork(slot, entry, nowMs, doneUnixMs);
    this.#eventPhases.received(slot, entry, nowMs, doneUnixMs);
  }

  /** The worker's clock against ours: only what causality allows is a measurement. */
  #measureWork(slot: number, entry: Entry, nowMs: number, doneUnixMs: number): void {
    const { clock } = this.#options;
    if (this.#table.publishCallMs[slot]! <= clock.steppedMs()) {
      this.#books.countInstead(slot, entry.counters.leftOutWork);
      return;
    }
    const workMs = doneUnixMs - clock.unixMs(this.#table.publishCallMs[slot]!);
    if (workMs >= 0 && doneUnixMs <= clock.unixMs(nowMs) + 1) {
      this.#books.observe(slot, entry, "work", workMs);
    }
  }

  #noteEnded(entry: Entry, slot: number): void {
    if (!this.#options.connectionPlans[entry.connection]!.forget) return;
    this.#ended[entry.connection]!.note(slot, this.#table.seqs[slot]!);
  }

  #idOf(slot: number): string {
    return taskId(this.#options.idPrefix, slot, this.#table.seqs[slot]!);
  }
}

const LATENCY_OF = { succeeded: "latencySucceeded", failed: "latencyFailed" } as const;
