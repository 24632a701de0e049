import { dateDoneUnixMs, type Result, readResult, SUCCESS } from "../celery/result.js";
import { kindOf } from "../celery/server-url.js";
import { seqOf, slotOf, taskId } from "../celery/task-id.js";
import {
  REPORT,
  REPORT_KINDS,
  REPORT_SIZE,
  type ReportKind,
  type TaskReports,
} from "../celery/task-reports.js";
import type { Clock } from "../clock.js";
import type { Connection, PublishOutcome } from "../connections/ports.js";
import { messageOf } from "../errors.js";
import type { StartEnd } from "../ledger/balance.js";
import { FLAG, InFlightTable, SLOT } from "../ledger/in-flight-table.js";
import { type Layout, type SloCounter, WRONG_ANSWER } from "../ledger/layout.js";
import type { Half } from "../ledger/snapshot.js";
import type { Share } from "../plan/share.js";
import { Books } from "./books.js";
import type { ClockOffset } from "./clock-offsets.js";
import { type Ended, EndedTasks } from "./ended-tasks.js";
import { compileEntry, type Entry } from "./entry.js";
import { EventPhases, type TaskReport } from "./event-phases.js";
import type { ExceptionRows } from "./exception-rows.js";
import { type FirstBody, MessageMaker } from "./message-maker.js";
import type { ConnectionPlan, EntryPlan, ScenarioPlan, SloPlan } from "./messages.js";
import { Outbox } from "./outbox.js";
import { isExpected, meaningOf, NOT_QUEUED, type Terminal } from "./outcome.js";
import { EVENT_OF, SloEvents } from "./slo-events.js";
import { WorkflowLife } from "./workflow-life.js";

/** Starts that are later than this are dropped instead of made up for: a burst would be another load. */
export const MAX_CATCH_UP_MS = 100;

/** What silence until the deadline says nothing of. */
const UNKNOWN_IF_SILENT = FLAG.unconfirmed | FLAG.unanswered;

export interface TaskLifeOptions {
  readonly layout: Layout;
  readonly live: Half;
  readonly clock: Clock;
  readonly idPrefix: string;
  readonly share: Share;
  readonly origin: string;
  readonly connectionPlans: readonly ConnectionPlan[];
  readonly scenarios: readonly ScenarioPlan[];
  readonly entries: readonly EntryPlan[];
  readonly slos: readonly SloPlan[];
  /** True while this generator is the bottleneck. */
  readonly isSaturated: (nowMs: number) => boolean;
  /** Of each entry, what a start of it publishes. */
  readonly bodies: readonly (readonly FirstBody[])[];
  readonly exceptions: ExceptionRows;
  /** The broker said no, in its own words. */
  readonly onRefused: (connection: number, reason: string) => void;
  /** A message could not be built. */
  readonly onInvalid: (entry: number, reason: string) => void;
  /** A result could not be read; its task stays in flight. */
  readonly onMalformed: (entry: number) => void;
}

/**
 * The life of every task: due → admitted → built → published → confirmed → settled, and what is
 * counted at each step. The spine of the engine; it owns the in-flight table and its thread's counters.
 *
 *     start()      planned, then dropped for a reason or put in a slot and a batch   [publishing]
 *     flush()      batches go out                                                   [publishing]
 *     answered     accepted / unknown: [published]   refused / not written: ends
 *     result()     STARTED: [started]   terminal: ends
 *     reported()   what events of workers say: phases, and the end of tasks without a result
 *     sweep()      deadline passed: ends as timed out, or as unknown if silence proves nothing
 *     endAll()     what is left ends as unknown
 *
 * A workflow goes the same way; its members have slots of their own (`workflow-life.ts`). What starts and
 * ends is also an event for its SLOs (`slo-events.ts`).
 */
export class TaskLife {
  readonly #options: TaskLifeOptions;
  readonly #table: InFlightTable;
  readonly #books: Books;
  readonly #slos: SloEvents;
  readonly #eventPhases: EventPhases;
  readonly #maker: MessageMaker;
  readonly #outbox: Outbox;
  readonly #workflows: WorkflowLife;
  readonly #inFlight: Int32Array;
  #connections: readonly Connection[] = [];
  #entries: readonly Entry[] = [];
  /** By connection, for `takeEnded`. */
  readonly #ended: readonly EndedTasks[];

  constructor(options: TaskLifeOptions) {
    const { layout, live, clock, entries, exceptions, connectionPlans } = options;
    this.#options = options;
    this.#table = new InFlightTable(live, entries.length);
    this.#books = new Books(live.cells, layout, this.#table, exceptions);
    this.#eventPhases = new EventPhases({
      table: this.#table,
      books: this.#books,
      clock,
      connectionCount: connectionPlans.length,
    });
    this.#slos = new SloEvents({
      ...options,
      cells: live.cells,
      table: this.#table,
      nowMs: clock.nowMs,
    });
    this.#maker = new MessageMaker(clock, options.share);
    this.#outbox = new Outbox(connectionPlans.length, {
      sending: (slot, nowMs) => this.#sending(slot, nowMs),
      answered: (slot, seq, outcome, reason) => this.#answered(slot, seq, outcome, reason),
      refused: options.onRefused,
    });
    const workflowOptions = {
      table: this.#table,
      books: this.#books,
      entryOf: (slot: number) => this.#entryOf(slot),
      nowMs: clock.nowMs,
      ended: (owner: number, outcome: Terminal, exception: string, doneUnixMs: number) =>
        this.#workflowEnded(owner, outcome, exception, doneUnixMs),
      refused: (owner: number, counter: StartEnd) =>
        this.#end(this.#entryOf(owner), owner, counter, SLOT.done),
    };
    const hasWorkflows = entries.some(({ workflow }) => workflow !== null);
    this.#workflows = new WorkflowLife(workflowOptions, hasWorkflows);
    this.#ended = connectionPlans.map(() => new EndedTasks(options.idPrefix));
    this.#inFlight = new Int32Array(options.scenarios.length);
  }

  /** Connections report to this object, hence come after it; their templates make its messages. */
  connect(connections: readonly Connection[]): void {
    this.#connections = connections;
    this.#outbox.connect(connections);
    const compile = {
      ...this.#options,
      hasResults: (connection: number) =>
        kindOf(this.#options.connectionPlans[connection]!.backend) !== "disabled",
      publisherOf: (connection: number) => connections[connection]!.publisher,
      batchFor: (connection: number, destination: string, isChord: boolean) =>
        this.#outbox.batchFor(connection, destination, isChord),
    };
    this.#entries = this.#options.entries.map((_, index) => compileEntry(index, compile));
  }

  /** Starts of a scenario that hold a slot. */
  inFlight(scenario: number): number {
    return this.#inFlight[scenario]!;
  }

  /** True when a closed loop may start another task now. */
  hasRoom(scenario: number): boolean {
    const { connection, maxInFlight } = this.#options.scenarios[scenario]!;
    return (
      this.#inFlight[scenario]! < maxInFlight &&
      !this.#outbox.isFull(connection) &&
      this.#connections[connection]!.publisher.ready &&
      !this.#connections[connection]!.publisher.isBlocked
    );
  }

  /** One planned start. It is counted as planned whatever becomes of it. */
  start(entryIndex: number, plannedMs: number, nowMs: number, isWarmup: boolean): void {
    const entry = this.#entries[entryIndex]!;
    this.#books.count(entry.counters.planned);
    const obstacle = this.#obstacle(entry, plannedMs, nowMs);
    if (obstacle !== null) {
      this.#books.count(entry.counters[obstacle]);
      this.#slos.dropped(entryIndex, obstacle, isWarmup, nowMs);
      return;
    }
    const flags = entry.flags | (isWarmup ? FLAG.warmup : 0);
    const slot = this.#table.take(entryIndex, plannedMs, nowMs, flags);
    this.#inFlight[entry.scenario]! += 1;
    this.#slos.started(entryIndex, slot, isWarmup, nowMs);
    if (entry.members === null) this.#publish(entry, slot, plannedMs, nowMs);
    else this.#publishWorkflow(entry, slot, plannedMs, nowMs);
  }

  /** Why a start must be dropped; null when it need not. */
  #obstacle(entry: Entry, plannedMs: number, nowMs: number): StartEnd | null {
    if (nowMs - plannedMs > MAX_CATCH_UP_MS) {
      this.#books.noteLag(nowMs - plannedMs);
      return "droppedSaturated";
    }
    const { publisher } = this.#connections[entry.connection]!;
    if (!publisher.ready) return "droppedNotConnected";
    if (publisher.isBlocked || this.#outbox.isFull(entry.connection)) return "droppedBackpressure";
    const { maxInFlight } = this.#options.scenarios[entry.scenario]!;
    const slots = 1 + (entry.members?.length ?? 0);
    const hasRoom = this.#inFlight[entry.scenario]! < maxInFlight && this.#table.freeCount >= slots;
    return hasRoom ? null : "droppedInFlight";
  }

  #publish(entry: Entry, slot: number, plannedMs: number, nowMs: number): void {
    const { made, batchOf } = entry.messages[0]!;
    try {
      const message = this.#maker.make(made, plannedMs, nowMs, this.#idOf(slot));
      const bytes = made.template.sizeOf(message);
      this.#outbox.put(batchOf, message, bytes, slot, this.#table.seqs[slot]!);
    } catch (error) {
      this.#end(entry, slot, "failedInvalid", SLOT.done);
      this.#options.onInvalid(entry.index, messageOf(error));
      return;
    }
    this.#outbox.sendIfFull(batchOf, nowMs);
  }

  /** All messages are made before one goes out: a workflow that lacks one would never end. */
  #publishWorkflow(entry: Entry, owner: number, plannedMs: number, nowMs: number): void {
    const slots = this.#workflows.begin(owner, entry, this.#entries, nowMs);
    const group = this.#idOf(owner);
    const ids = slots.map((slot) => this.#idOf(slot));
    try {
      const messages = entry.messages.map(({ made }) =>
        this.#maker.make(made, plannedMs, nowMs, ids[made.member]!, group, ids),
      );
      for (const [index, { made, batchOf }] of entry.messages.entries()) {
        const slot = slots[made.member]!;
        const bytes = made.template.sizeOf(messages[index]!);
        this.#outbox.put(batchOf, messages[index]!, bytes, slot, this.#table.seqs[slot]!);
      }
    } catch (error) {
      this.#workflows.refuse(owner, "failedInvalid");
      this.#options.onInvalid(entry.index, messageOf(error));
      return;
    }
    for (const batchOf of new Set(entry.messages.map((message) => message.batchOf))) {
      const size = entry.chordSize;
      if (size > 0) this.#outbox.putChord(batchOf, { group, size });
      this.#outbox.sendIfFull(batchOf, nowMs);
    }
  }

  /** Sends what the turn has collected. */
  flush(nowMs: number): void {
    this.#outbox.flush(nowMs);
  }

  #sending(slot: number, nowMs: number): void {
    const lagMs = nowMs - this.#table.plannedMs[slot]!;
    this.#books.noteLag(lagMs);
    this.#table.publishCallMs[slot] = nowMs;
    const told = this.#toldOf(slot);
    this.#table.publishCallMs[told] = nowMs;
    this.#books.observe(told, this.#entryOf(told), "dispatch", lagMs);
  }

  #answered(slot: number, seq: number, outcome: PublishOutcome, reason: string): void {
    const { states, flags, publishCallMs } = this.#table;
    // A result that was faster than the answer, or the end of the run, has settled it already.
    if (!this.#table.holds(slot, seq) || states[slot] !== SLOT.publishing) return;
    const entry = this.#entryOf(slot);
    if (outcome === "accepted") {
      const told = this.#toldOf(slot);
      const publishMs = this.#options.clock.nowMs() - publishCallMs[slot]!;
      this.#books.observe(told, this.#entryOf(told), "publish", publishMs);
    }
    if (entry.stage >= 0) this.#workflows.answered(slot, outcome);
    else if (outcome === "accepted" || outcome === "unknown") {
      this.#published(entry, slot);
      if (outcome === "unknown") flags[slot]! |= FLAG.unconfirmed;
    } else this.#end(entry, slot, NOT_QUEUED[outcome], SLOT.done);
    if (outcome === "invalid") this.#options.onInvalid(entry.index, reason);
  }

  /** Whose phases a message tells of: its own task's, but the first one of a workflow tells of that. */
  #toldOf(slot: number): number {
    return this.#entryOf(slot).tellsOfWorkflow ? this.#workflows.ownerOf(slot) : slot;
  }

  /** A worker has it for all we know. */
  #published(entry: Entry, slot: number): void {
    if (entry.members !== null) {
      this.#workflows.published(slot);
      return;
    }
    this.#books.count(entry.counters.published);
    this.#table.states[slot] = SLOT.published;
  }

  /** A message on one of our result channels; the task id is `channel` from `idAt` on. */
  result(channel: string, idAt: number, text: string): void {
    const slot = slotOf(channel, idAt);
    const isOurs =
      channel.startsWith(this.#options.idPrefix, idAt) &&
      this.#table.holds(slot, seqOf(channel, idAt));
    if (isOurs) this.#read(slot, text, false);
    else this.#books.countEngine("unmatchedResults");
  }

  /** A success, read from its bytes. */
  success(slot: number, seq: number, doneUnixMs: number): void {
    if (this.#table.holds(slot, seq)) this.#apply(slot, SUCCESS, doneUnixMs, false);
    else this.#books.countEngine("unmatchedResults");
  }

  /** Settles by the answer to `idsInFlight`: known only after the fact, so without a latency. */
  recovered(id: string, text: string): boolean {
    const slot = slotOf(id);
    if (!this.#table.holds(slot, seqOf(id)) || !this.#table.isInFlight(slot)) return false;
    this.#read(slot, text, true);
    return !this.#table.isInFlight(slot);
  }

  /** What events of a connection's workers say of our tasks; of old ones it is not heard any more. */
  reported(connection: number, { numbers, exceptions }: TaskReports): void {
    for (let at = 0; at < numbers.length; at += REPORT_SIZE) {
      const slot = numbers[at + REPORT.slot]!;
      if (!this.#table.holds(slot, numbers[at + REPORT.seq]!)) continue;
      const entry = this.#entryOf(slot);
      // Members have no publish call of ours, and their workflow is not one run.
      if (entry.connection !== connection || entry.stage >= 0 || entry.members !== null) continue;
      const report: TaskReport = {
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

  /** The clocks of a connection's workers, by their numbers in the reports. */
  workerClocks(connection: number): ReadonlyMap<number, ClockOffset> {
    return this.#eventPhases.clocks(connection);
  }

  /** Of a task that was told to store no result, the event is the only word of its end. */
  #settleUnanswered(slot: number, entry: Entry, kind: ReportKind, exception = ""): void {
    if (kind === "started" || kind === "retried") return;
    const isMeant = (this.#table.flags[slot]! & FLAG.unanswered) !== 0;
    if (!isMeant || !this.#table.isInFlight(slot)) return;
    if (this.#table.states[slot] === SLOT.publishing) this.#published(entry, slot);
    if (kind !== "succeeded") {
      // As the result would have it.
      this.#books.countException(entry, kind === "revoked" ? "TaskRevokedError" : exception);
    }
    this.#end(entry, slot, kind, SLOT.done);
  }

  /** Ids of the tasks of a connection that may have a result. */
  idsInFlight(connection: number): string[] {
    const ids: string[] = [];
    for (const [index, entry] of this.#entries.entries()) {
      // A workflow has no result of its own.
      if (entry.connection !== connection || entry.members !== null) continue;
      for (let slot = this.#table.oldest(index); slot >= 0; slot = this.#table.newer(slot)) {
        ids.push(this.#idOf(slot));
      }
    }
    return ids;
  }

  /** At most so many tasks of a connection that have ended by a result; each once, null for none. */
  takeEnded(connection: number, most: number): Ended | null {
    return this.#ended[connection]!.take(most);
  }

  /** True when a task of a connection was given up of late, so that its result may still come. */
  isOwed(connection: number): boolean {
    const { states } = this.#table;
    return states.some((state, slot) => {
      if (state !== SLOT.timedOut) return false;
      const { connection: its, members } = this.#entryOf(slot);
      return its === connection && members === null; // a workflow has no result of its own
    });
  }

  /**
   * Settles the events of SLOs whose threshold has passed, and ends the tasks whose deadline (planned
   * start + timeout) has; members with their workflow.
   */
  sweep(nowMs: number): void {
    this.#slos.sweep(nowMs);
    for (let index = 0; index < this.#entries.length; index++) {
      const entry = this.#entries[index]!;
      if (entry.stage >= 0) continue;
      const overdueMs = nowMs - entry.timeoutMs;
      let slot = this.#table.oldest(index);
      while (slot >= 0 && this.#table.plannedMs[slot]! <= overdueMs) {
        const next = this.#table.newer(slot);
        // Without the broker's answer it is not known to be published; the answer or the loss of the
        // connection comes first, and the next sweep ends it.
        if (this.#table.states[slot] !== SLOT.publishing) {
          const isUnknown = (this.#table.flags[slot]! & UNKNOWN_IF_SILENT) !== 0;
          this.#giveUp(entry, slot, isUnknown ? "unknown" : "timedOut");
        }
        slot = next;
      }
    }
  }

  /** Ends what a scenario still has in flight as unknown: nobody will wait for it any more. */
  endAll(scenario: number): void {
    for (const [index, entry] of this.#entries.entries()) {
      if (entry.scenario !== scenario || entry.stage >= 0) continue;
      for (let slot = this.#table.oldest(index); slot >= 0; slot = this.#table.oldest(index)) {
        if (this.#table.states[slot] === SLOT.publishing) this.#published(entry, slot);
        this.#giveUp(entry, slot, "unknown", "excludedStopped");
      }
    }
  }

  #giveUp(
    entry: Entry,
    slot: number,
    outcome: "timedOut" | "unknown",
    event = EVENT_OF[outcome],
  ): void {
    if (entry.members !== null) this.#workflows.giveUp(slot, outcome);
    this.#end(entry, slot, outcome, SLOT.timedOut, event);
  }

  #read(slot: number, text: string, isLookUp: boolean): void {
    const result = judged(readResult(text), text, this.#entryOf(slot));
    if (result.state !== "MALFORMED") {
      this.#apply(slot, result, dateDoneUnixMs(text), isLookUp);
      return;
    }
    this.#books.countEngine("malformedResults");
    this.#options.onMalformed(this.#table.entries[slot]!);
  }

  #apply(slot: number, result: Result, doneUnixMs: number, isLookUp: boolean): void {
    const { states, flags } = this.#table;
    const entry = this.#entryOf(slot);
    const { counters } = entry;
    if (states[slot] === SLOT.publishing) {
      // Proof that it was queued, before the broker's answer was read.
      const start = entry.stage < 0 ? slot : this.#workflows.ownerOf(slot);
      this.#published(this.#entryOf(start), start);
    }
    const meaning = meaningOf(states[slot]!, flags[slot]!, result.state);
    switch (meaning) {
      case "started":
        states[slot] = SLOT.started;
        break;
      case "retry":
        if (!isLookUp) this.#books.count(counters.retries);
        break;
      case "late":
        this.#books.count(counters.late);
        this.#noteEnded(entry, slot);
        states[slot] = SLOT.done;
        break;
      case "duplicate":
        this.#books.count(counters.duplicate);
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
    const entry = this.#entryOf(slot);
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

  #workflowEnded(owner: number, outcome: Terminal, exception: string, doneUnixMs: number): void {
    const { connection, chordSize } = this.#entryOf(owner);
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
    const entry = this.#entryOf(slot);
    if (outcome !== "succeeded") this.#books.countException(entry, exception);
    if (isLookUp) this.#books.count(entry.counters.recovered);
    else this.#measure(slot, entry, outcome, doneUnixMs);
    this.#end(entry, slot, outcome, SLOT.done);
  }

  #measure(slot: number, entry: Entry, outcome: Terminal, doneUnixMs: number): void {
    if (outcome === "revoked") return; // it was not run: its time says nothing of the work
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    const latencyMs = nowMs - this.#table.plannedMs[slot]!;
    this.#books.observe(slot, entry, LATENCY_OF[outcome], latencyMs);
    // The worker's clock against ours: only what causality allows is a measurement.
    const workMs = doneUnixMs - clock.unixMs(this.#table.publishCallMs[slot]!);
    if (workMs >= 0 && doneUnixMs <= clock.unixMs(nowMs) + 1) {
      this.#books.observe(slot, entry, "work", workMs);
    }
    this.#eventPhases.received(slot, entry, nowMs, doneUnixMs);
  }

  #noteEnded(entry: Entry, slot: number): void {
    if (!this.#options.connectionPlans[entry.connection]!.forget) return;
    this.#ended[entry.connection]!.note(slot, this.#table.seqs[slot]!);
  }

  /** Counts how a start ended and gives its slot back; members take no part of maxInFlight. */
  #end(
    entry: Entry,
    slot: number,
    counter: StartEnd,
    state: typeof SLOT.done | typeof SLOT.timedOut,
    event: SloCounter = EVENT_OF[counter],
  ): void {
    this.#books.count(entry.counters[counter]);
    this.#slos.ended(entry.index, slot, event);
    this.#table.settle(slot, state);
    this.#inFlight[entry.scenario]! -= 1;
  }

  #entryOf(slot: number): Entry {
    return this.#entries[this.#table.entries[slot]!]!;
  }

  #idOf(slot: number): string {
    return taskId(this.#options.idPrefix, slot, this.#table.seqs[slot]!);
  }
}

/** A success with a wrong answer is a failure. */
function judged(result: Result, text: string, { expect }: Entry): Result {
  const isWrong = result.state === "SUCCESS" && expect !== undefined && !isExpected(expect, text);
  return isWrong ? { state: "FAILURE", exception: WRONG_ANSWER } : result;
}

const LATENCY_OF = { succeeded: "latencySucceeded", failed: "latencyFailed" } as const;
