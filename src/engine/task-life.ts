import type { NumberedReading } from "../celery/events/clock-reading.js";
import type { TaskReports } from "../celery/events/task-reports.js";
import type { Row } from "../celery/messages/body-text.js";
import { taskId } from "../celery/messages/task-id.js";
import { kindOf } from "../celery/urls/server-url.js";
import type { Clock } from "../clock.js";
import type { Connection, PublishOutcome, RefusedOutcome } from "../connections/ports.js";
import { messageOf } from "../errors.js";
import type { StartEnd } from "../ledger/balance.js";
import { FLAG, InFlightTable, SLOT } from "../ledger/in-flight-table.js";
import type { Layout, SloCounter } from "../ledger/layout.js";
import type { Half } from "../ledger/snapshot.js";
import type { StageLayout } from "../ledger/stage-rows.js";
import type { Share } from "../plan/share.js";
import { Books } from "./books.js";
import type { Ceiling } from "./ceiling.js";
import type { ClockOffset } from "./clock-offsets.js";
import type { Ended } from "./ended-tasks.js";
import { type CompileOptions, compileEntry, type Entry } from "./entry.js";
import type { ExceptionRows } from "./exception-rows.js";
import { type FirstBody, MessageMaker } from "./message-maker.js";
import type { ConnectionPlan, EntryPlan, ScenarioPlan, SloPlan } from "./messages.js";
import { Outbox } from "./outbox.js";
import { NOT_QUEUED, type Terminal } from "./outcome.js";
import { EVENT_OF, SloEvents } from "./slo-events.js";
import { StageBook } from "./stage-book.js";
import { TaskResults } from "./task-results.js";
import type { UserPaceWatch } from "./user-pace.js";
import { WorkflowLife } from "./workflow-life.js";

/** Starts that are later than this are dropped instead of made up for: a burst would be another load. */
export const MAX_CATCH_UP_MS = 100;

/** What silence until the deadline says nothing of. */
const UNKNOWN_IF_SILENT = FLAG.unconfirmed | FLAG.unanswered;

export interface TaskLifeOptions {
  readonly layout: Layout;
  readonly live: Half;
  readonly stageLayout: StageLayout;
  readonly stageCells: Float64Array;
  readonly clock: Clock;
  readonly idPrefix: string;
  readonly share: Share;
  readonly origin: string;
  readonly connectionPlans: readonly ConnectionPlan[];
  readonly scenarios: readonly ScenarioPlan[];
  readonly entries: readonly EntryPlan[];
  readonly slos: readonly SloPlan[];
  readonly ceiling: Ceiling;
  /** True while this generator is the bottleneck. */
  readonly isSaturated: (nowMs: number) => boolean;
  /** Of each entry, what a start of it publishes. */
  readonly bodies: readonly (readonly FirstBody[])[];
  readonly exceptions: ExceptionRows;
  /** The broker said no to a message of this entry, in its own words. */
  readonly rowsOf: CompileOptions["rowsOf"];
  /** How the users of a scenario go on; null: none start its tasks. */
  readonly paceOf: (scenario: number) => UserPaceWatch | null;
  /** Arguments that code makes for an entry; null: the configuration has them. */
  readonly payloadOf: CompileOptions["payloadOf"];
  /** A start of a scenario has ended that one of its users has waited for; as `Pacing.ended`. */
  readonly onUserStartEnded: (
    scenario: number,
    slot: number,
    end: StartEnd,
    text: string | null,
  ) => void;
  readonly onRefused: (entry: number, outcome: RefusedOutcome, reason: string) => void;
  /** A message could not be built. */
  readonly onInvalid: (entry: number, reason: string) => void;
  /** A result could not be read; its task stays in flight until events tell its end. */
  readonly onMalformed: (entry: number, cause: string) => void;
}

/**
 * The life of every task: due → admitted → built → published → confirmed → settled, and what is
 * counted at each step. The spine of the engine; it owns the in-flight table and its thread's counters.
 *
 *     start()      planned, then dropped for a reason or put in a slot and a batch   [publishing]
 *     flush()      batches go out                                                   [publishing]
 *     answered     accepted / unknown: [published]   refused / not written: ends
 *     result()     STARTED: [started]   terminal: ends   (`task-results.ts`)
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
  readonly #stages: StageBook;
  readonly #maker: MessageMaker;
  readonly #outbox: Outbox;
  readonly #workflows: WorkflowLife;
  readonly #results: TaskResults;
  readonly #inFlight: Int32Array;
  #connections: readonly Connection[] = [];
  #entries: readonly Entry[] = [];

  constructor(options: TaskLifeOptions) {
    const { layout, live, clock, entries, exceptions, connectionPlans } = options;
    this.#options = options;
    this.#table = new InFlightTable(live, entries.length);
    this.#books = new Books(live.cells, layout, this.#table, exceptions);
    this.#slos = new SloEvents({
      ...options,
      cells: live.cells,
      table: this.#table,
      nowMs: clock.nowMs,
    });
    this.#stages = new StageBook(options.stageCells, options.stageLayout, this.#table);
    this.#maker = new MessageMaker(clock, options.share);
    this.#outbox = new Outbox(connectionPlans.length, {
      sending: (slot, nowMs) => this.#sending(slot, nowMs),
      answered: (slot, seq, outcome, reason) => this.#answered(slot, seq, outcome, reason),
      refused: (slot, seq, outcome, reason) => {
        const isOurs = this.#table.holds(slot, seq);
        if (isOurs) options.onRefused(this.#entryOf(slot).index, outcome, reason);
      },
    });
    const workflowOptions = {
      table: this.#table,
      books: this.#books,
      entryOf: (slot: number) => this.#entryOf(slot),
      nowMs: clock.nowMs,
      published: (owner: number) => this.#stages.published(owner),
      ended: (owner: number, outcome: Terminal, exception: string, doneUnixMs: number) =>
        this.#results.workflowEnded(owner, outcome, exception, doneUnixMs),
      refused: (owner: number, counter: StartEnd) =>
        this.#end(this.#entryOf(owner), owner, counter, SLOT.done),
    };
    const hasWorkflows = entries.some(({ workflow }) => workflow !== null);
    this.#workflows = new WorkflowLife(workflowOptions, hasWorkflows);
    this.#results = new TaskResults({
      ...options,
      table: this.#table,
      books: this.#books,
      workflows: this.#workflows,
      entryOf: (slot) => this.#entryOf(slot),
      published: (entry, slot) => this.#published(entry, slot),
      took: (slot, latencyMs) => this.#took(slot, latencyMs),
      ended: (entry, slot, outcome) => this.#end(entry, slot, outcome, SLOT.done),
    });
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
    const { ceiling, clock } = this.#options;
    return (
      this.#inFlight[scenario]! < maxInFlight &&
      !ceiling.isReached(clock.unixMs(clock.nowMs())) &&
      !this.#outbox.isFull(connection) &&
      this.#connections[connection]!.publisher.ready &&
      !this.#connections[connection]!.publisher.isBlocked
    );
  }

  /** Starts were planned in each stage of a scenario for so many milliseconds of the plan. */
  stagesLasted(scenario: number, timesMs: readonly number[]): void {
    this.#stages.lasted(scenario, timesMs);
  }

  /**
   * One planned start, in a stage of its scenario. It is counted as planned whatever becomes of it.
   * @param given its arguments, as JSON text `args, kwargs`; null: what the configuration says
   * @returns its slot; -1 when it was dropped, and no end comes of it
   */
  start(
    entryIndex: number,
    stage: number,
    plannedMs: number,
    nowMs: number,
    isWarmup: boolean,
    ordinal = 0,
    given: string | null = null,
  ): number {
    const entry = this.#entries[entryIndex]!;
    this.#books.count(entry.counters.planned);
    const row = this.#stages.planned(entry.scenario, stage);
    const obstacle =
      this.#obstacle(entry, plannedMs, nowMs) ??
      this.#withoutRow(entry, ordinal) ??
      this.#withoutPayload(entry, given);
    if (obstacle !== null) {
      if (entry.rows !== null) {
        entry.rows.reader.skip();
        this.#books.count(entry.rows.skipped);
      }
      this.#books.count(entry.counters[obstacle]);
      this.#stages.dropped(row, obstacle);
      this.#slos.dropped(entryIndex, obstacle, isWarmup, nowMs);
      return -1;
    }
    const flags = entry.flags | (isWarmup ? FLAG.warmup : 0);
    const slot = this.#table.take(entryIndex, plannedMs, nowMs, flags);
    this.#inFlight[entry.scenario]! += 1;
    this.#options.ceiling.started();
    this.#stages.started(row, slot);
    this.#slos.started(entryIndex, slot, isWarmup, nowMs);
    if (entry.members === null) this.#publish(entry, slot, plannedMs, nowMs, ordinal, given);
    else this.#publishWorkflow(entry, slot, plannedMs, nowMs, ordinal);
    return slot;
  }

  /** A disk that is slower than the plan is the generator's fault, as any lateness of its own. */
  #withoutRow({ rows }: Entry, ordinal: number): StartEnd | null {
    return rows === null || rows.reader.has(ordinal) ? null : "droppedSaturated";
  }

  /** The same of code that is slower than the plan. */
  #withoutPayload({ payload }: Entry, given: string | null): StartEnd | null {
    return payload === null || given !== null || payload.has ? null : "droppedSaturated";
  }

  #takeRow({ rows }: Entry, ordinal: number): Row | null {
    if (rows === null) return null;
    this.#books.count(rows.used);
    return rows.reader.take(ordinal);
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
    if (!hasRoom) return "droppedInFlight";
    const { ceiling, clock } = this.#options;
    return ceiling.isReached(clock.unixMs(nowMs)) ? "droppedCeiling" : null;
  }

  #publish(
    entry: Entry,
    slot: number,
    plannedMs: number,
    nowMs: number,
    ordinal: number,
    said: string | null,
  ): void {
    const { batchOf } = entry.messages[0]!;
    try {
      const given = said ?? entry.payload?.take() ?? null;
      const made = given === null ? entry.messages[0]!.made : entry.given!;
      const row = given === null ? this.#takeRow(entry, ordinal) : null;
      const id = this.#idOf(slot);
      const message = this.#maker.make(made, plannedMs, nowMs, id, "", undefined, row, given);
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
  #publishWorkflow(
    entry: Entry,
    owner: number,
    plannedMs: number,
    nowMs: number,
    ordinal: number,
  ): void {
    const slots = this.#workflows.begin(owner, entry, this.#entries, nowMs);
    const group = this.#idOf(owner);
    const ids = slots.map((slot) => this.#idOf(slot));
    try {
      const row = this.#takeRow(entry, ordinal);
      const messages = entry.messages.map(({ made }) =>
        this.#maker.make(made, plannedMs, nowMs, ids[made.member]!, group, ids, row),
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
      if (outcome === "unknown") {
        flags[slot]! |= FLAG.unconfirmed;
        this.#books.count(entry.counters.unconfirmed);
      }
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
    this.#stages.published(slot);
    this.#books.count(entry.counters.published);
    this.#table.states[slot] = SLOT.published;
  }

  #took(slot: number, latencyMs: number): void {
    this.#stages.took(slot, latencyMs);
    const entry = this.#entryOf(slot);
    const watch = this.#options.paceOf(entry.scenario);
    if (watch === null) return;
    this.#books.compensate(slot, entry, latencyMs, watch.pace);
    // Of a script it is the whole of it that says how long a user takes.
    if (!entry.isScripted) watch.took(latencyMs);
  }

  /** As `ResultHandler`. */
  result(channel: string, idAt: number, text: string, isRepeat = false): void {
    this.#results.result(channel, idAt, text, isRepeat);
  }

  /** A success, read from its bytes. */
  success(slot: number, seq: number, doneUnixMs: number): void {
    this.#results.success(slot, seq, doneUnixMs);
  }

  /** Settles by the answer to `idsInFlight`; true when that ended the task. */
  recovered(id: string, text: string): boolean {
    return this.#results.recovered(id, text);
  }

  /** What events of a connection's workers say of our tasks. */
  reported(connection: number, reports: TaskReports): void {
    this.#results.reported(connection, reports);
  }

  /** What the clocks of a connection's workers showed. */
  readClocks(connection: number, readings: readonly NumberedReading[]): void {
    this.#results.readClocks(connection, readings);
  }

  /** The clocks of a connection's workers, by their numbers in the reports. */
  workerClocks(connection: number): ReadonlyMap<number, ClockOffset> {
    return this.#results.workerClocks(connection);
  }

  /** At most so many tasks of a connection that have ended by a result; each once, null for none. */
  takeEnded(connection: number, most: number): Ended | null {
    return this.#results.takeEnded(connection, most);
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

  /** Counts how a start ended and gives its slot back; members take no part of maxInFlight. */
  #end(
    entry: Entry,
    slot: number,
    counter: StartEnd,
    state: typeof SLOT.done | typeof SLOT.timedOut,
    event: SloCounter = EVENT_OF[counter],
  ): void {
    this.#books.count(entry.counters[counter]);
    this.#stages.ended(slot, counter);
    this.#slos.ended(entry.index, slot, event);
    this.#table.settle(slot, state);
    this.#inFlight[entry.scenario]! -= 1;
    this.#options.ceiling.ended();
    if (entry.compensated === null) return;
    const text = entry.isScripted ? this.#results.lastText : null;
    this.#options.onUserStartEnded(entry.scenario, slot, counter, text);
  }

  #entryOf(slot: number): Entry {
    return this.#entries[this.#table.entries[slot]!]!;
  }

  #idOf(slot: number): string {
    return taskId(this.#options.idPrefix, slot, this.#table.seqs[slot]!);
  }
}
