import { dateDoneUnixMs, readResult } from "../celery/result.js";
import { seqOf, slotOf, taskId } from "../celery/task-id.js";
import type { Clock } from "../clock.js";
import type { Connection, Message, PublishAnswer, PublishOutcome } from "../connections/ports.js";
import { messageOf } from "../errors.js";
import { observe } from "../ledger/histogram.js";
import { FLAG, InFlightTable, SLOT } from "../ledger/in-flight-table.js";
import {
  ENTRY_COUNTERS,
  ENTRY_HISTOGRAMS,
  type EntryCounter,
  type EntryHistogram,
  type HistogramPlace,
  type Layout,
} from "../ledger/layout.js";
import type { Half } from "../ledger/snapshot.js";
import { type Batch, isFull, newBatch, PublishWindow } from "./batch.js";
import type { ExceptionRows } from "./exception-rows.js";
import {
  type EntryMessages,
  type FirstBody,
  MessageMaker,
  membersOf,
  prepareMessages,
} from "./message-maker.js";
import type { ConnectionPlan, EntryPlan, ScenarioPlan, WorkflowPlan } from "./messages.js";
import { meaningOf, type Terminal } from "./outcome.js";
import { WorkflowTable } from "./workflow-table.js";

/** Starts that are later than this are dropped instead of made up for: a burst would be another load. */
export const MAX_CATCH_UP_MS = 100;

/** What silence until the deadline says nothing of. */
const UNKNOWN_IF_SILENT = FLAG.unconfirmed | FLAG.unanswered;

/** Counters of results beside their outcomes: of a member, they are its workflow's. */
const TOLD_OF_WORKFLOW = ["retries", "late", "duplicate", "recovered"] as const;

type NotQueued = Exclude<PublishOutcome, "accepted" | "unknown">;

/** Where a message is counted that is provably not queued. */
const NOT_QUEUED = {
  refused: "failedRejected",
  unroutable: "failedUnroutable",
  invalid: "failedInvalid",
  notWritten: "droppedNotConnected",
} as const satisfies Record<NotQueued, EntryCounter>;

export interface TaskLifeOptions {
  readonly layout: Layout;
  readonly live: Half;
  readonly clock: Clock;
  readonly idPrefix: string;
  readonly origin: string;
  readonly connectionPlans: readonly ConnectionPlan[];
  readonly scenarios: readonly ScenarioPlan[];
  readonly entries: readonly EntryPlan[];
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

/** What the hot path needs of an entry, looked up once. */
interface Entry {
  readonly scenario: number;
  readonly connection: number;
  readonly timeoutMs: number;
  /** Flags that every task of it has from the start. */
  readonly flags: number;
  /** What a start of it publishes, each with its batch: one message, or a workflow's first stage. */
  readonly messages: readonly { readonly made: EntryMessages; readonly batchOf: number }[];
  /** The entries of its members, when it is a workflow. */
  readonly members: readonly number[] | null;
  /** Tasks that must end before a chord's body runs; 0 when it is no chord. */
  readonly chordSize: number;
  /** The stage of its workflow that it is in, when it is a member; else -1. */
  readonly stage: number;
  readonly counters: Readonly<Record<EntryCounter, number>>;
  readonly histograms: Readonly<Record<EntryHistogram, HistogramPlace>>;
}

/**
 * The life of every task: due → admitted → built → published → confirmed → settled, and what is
 * counted at each step. The spine of the engine; it owns the in-flight table and its thread's counters.
 *
 *     start()      planned, then dropped for a reason or put in a slot and a batch   [publishing]
 *     flush()      batches go out                                                   [publishing]
 *     answered     accepted / unknown: [published]   refused / not written: ends
 *     result()     STARTED: [started]   terminal: ends
 *     sweep()      deadline passed: ends as timed out, or as unknown if silence proves nothing
 *     endAll()     what is left ends as unknown
 *
 * A workflow has a slot of its own and one for each member. It is published when its messages are, and
 * ends with its last member, or with the first stage in which one failed. Its members are counted apart.
 */
export class TaskLife {
  readonly #options: TaskLifeOptions;
  readonly #cells: Float64Array;
  readonly #table: InFlightTable;
  readonly #maker: MessageMaker;
  readonly #batches: Batch[] = [];
  readonly #batchKeys: string[] = [];
  readonly #windows: PublishWindow[];
  readonly #workflows: WorkflowTable;
  /** Of workflows in flight in which a member failed: the exception of the first. */
  readonly #firstExceptions = new Map<number, string>();
  readonly #inFlight: Int32Array;
  readonly #lagCell: number;
  readonly #lagLastSecondCell: number;
  #connections: readonly Connection[] = [];
  #entries: readonly Entry[] = [];
  /** Ids by connection of tasks whose result has come, for `takeEnded`. */
  #ended: string[][];

  constructor(options: TaskLifeOptions) {
    this.#options = options;
    this.#cells = options.live.cells;
    this.#table = new InFlightTable(options.live, options.entries.length);
    this.#maker = new MessageMaker(options.clock);
    const hasWorkflows = options.entries.some(({ workflow }) => workflow !== null);
    this.#workflows = new WorkflowTable(hasWorkflows ? this.#table.capacity : 0);
    this.#windows = options.connectionPlans.map(() => new PublishWindow());
    this.#ended = options.connectionPlans.map(() => []);
    this.#inFlight = new Int32Array(options.scenarios.length);
    this.#lagCell = options.layout.engine("dispatchLagMaxSeconds");
    this.#lagLastSecondCell = options.layout.engine("dispatchLagLastSecond");
  }

  /** Connections report to this object, hence come after it; their templates make its messages. */
  connect(connections: readonly Connection[]): void {
    this.#connections = connections;
    this.#entries = this.#options.entries.map((_, index) => this.#compile(index));
  }

  /** Tasks of a scenario that hold a slot. */
  inFlight(scenario: number): number {
    return this.#inFlight[scenario]!;
  }

  /** True when a closed loop may start another task now. */
  hasRoom(scenario: number): boolean {
    const { connection, maxInFlight } = this.#options.scenarios[scenario]!;
    return (
      this.#inFlight[scenario]! < maxInFlight &&
      !this.#windows[connection]!.isFull &&
      this.#connections[connection]!.publisher.ready &&
      !this.#connections[connection]!.publisher.isBlocked
    );
  }

  /** One planned start. It is counted as planned whatever becomes of it. */
  start(entryIndex: number, plannedMs: number, nowMs: number, isWarmup: boolean): void {
    const entry = this.#entries[entryIndex]!;
    const { counters } = entry;
    this.#count(counters.planned);
    if (nowMs - plannedMs > MAX_CATCH_UP_MS) {
      this.#noteLag(nowMs - plannedMs);
      this.#count(counters.droppedSaturated);
      return;
    }
    const { publisher } = this.#connections[entry.connection]!;
    if (!publisher.ready) {
      this.#count(counters.droppedNotConnected);
      return;
    }
    const window = this.#windows[entry.connection]!;
    if (publisher.isBlocked || window.isFull) {
      this.#count(counters.droppedBackpressure);
      return;
    }
    const { maxInFlight } = this.#options.scenarios[entry.scenario]!;
    const flags = entry.flags | (isWarmup ? FLAG.warmup : 0);
    const slots = 1 + (entry.members?.length ?? 0);
    if (this.#inFlight[entry.scenario]! >= maxInFlight || this.#table.freeCount < slots) {
      this.#count(counters.droppedInFlight);
      return;
    }
    const slot = this.#table.take(entryIndex, plannedMs, nowMs, flags);
    this.#inFlight[entry.scenario]! += 1;
    if (entry.members !== null) {
      this.#startMembers(entry, entry.members, slot, plannedMs, nowMs, flags);
      return;
    }
    const [message] = entry.messages;
    try {
      const made = this.#maker.make(message!.made, plannedMs, nowMs, this.#idOf(slot));
      this.#enqueue(entry, message!, made, slot);
    } catch (error) {
      this.#count(counters.failedInvalid);
      this.#release(entry, slot, SLOT.done);
      this.#options.onInvalid(entryIndex, messageOf(error));
      return;
    }
    this.#sendIfFull(message!.batchOf, nowMs);
  }

  /** All messages are made before one goes out: a workflow that lacks one would never end. */
  #startMembers(
    entry: Entry,
    members: readonly number[],
    owner: number,
    plannedMs: number,
    nowMs: number,
    flags: number,
  ): void {
    const slots = members.map((member) => {
      const { counters, stage } = this.#entries[member]!;
      this.#count(counters.planned);
      // When a later stage begins is known when the one before it has ended.
      return this.#table.take(member, plannedMs, stage === 0 ? nowMs : Number.NaN, flags);
    });
    this.#workflows.begin(owner, slots, entry.messages.length);
    const group = this.#idOf(owner);
    const ids = slots.map((slot) => this.#idOf(slot));
    let made: Message[];
    try {
      made = entry.messages.map((message) => {
        const { member } = message.made;
        return this.#maker.make(message.made, plannedMs, nowMs, ids[member]!, group, ids);
      });
    } catch (error) {
      this.#refuseWorkflow(owner, "failedInvalid");
      this.#options.onInvalid(this.#table.entries[owner]!, messageOf(error));
      return;
    }
    for (const [index, message] of entry.messages.entries()) {
      this.#enqueue(entry, message, made[index]!, slots[message.made.member]!);
    }
    for (const batchOf of new Set(entry.messages.map((message) => message.batchOf))) {
      const size = entry.chordSize;
      if (size > 0) this.#batches[batchOf]!.chords.push({ group, size });
      this.#sendIfFull(batchOf, nowMs);
    }
  }

  #idOf(slot: number): string {
    return taskId(this.#options.idPrefix, slot, this.#table.seqs[slot]!);
  }

  #enqueue(
    entry: Entry,
    { made, batchOf }: Entry["messages"][number],
    message: Message,
    slot: number,
  ): void {
    const batch = this.#batches[batchOf]!;
    const bytes = made.template.sizeOf(message);
    batch.messages.push(message);
    batch.slots.push(slot);
    batch.seqs.push(this.#table.seqs[slot]!);
    batch.sizes.push(bytes);
    batch.bytes += bytes;
    this.#windows[entry.connection]!.opened(bytes);
  }

  #sendIfFull(batchOf: number, nowMs: number): void {
    if (isFull(this.#batches[batchOf]!)) this.#send(batchOf, nowMs);
  }

  /** Sends what the turn has collected: one request for each list. */
  flush(nowMs: number): void {
    for (let index = 0; index < this.#batches.length; index++) {
      if (this.#batches[index]!.slots.length > 0) this.#send(index, nowMs);
    }
  }

  /** A message on one of our result channels; the task id is `channel` from `idAt` on. */
  result(channel: string, idAt: number, text: string): void {
    const slot = slotOf(channel, idAt);
    if (!this.#table.holds(slot, seqOf(channel, idAt))) {
      this.#count(this.#options.layout.engine("unmatchedResults"));
      return;
    }
    this.#apply(slot, text, false);
  }

  /** Settles by the answer to `idsInFlight`: known only after the fact, so without a latency. */
  recovered(id: string, text: string): boolean {
    const slot = slotOf(id);
    if (!this.#table.holds(slot, seqOf(id)) || !this.#table.isInFlight(slot)) return false;
    this.#apply(slot, text, true);
    return !this.#table.isInFlight(slot);
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

  /** Ids of a connection's tasks whose final result has come since the last call. */
  takeEnded(connection: number): string[] {
    const ids = this.#ended[connection]!;
    this.#ended[connection] = [];
    return ids;
  }

  /** Ends the tasks whose deadline (planned start + timeout) has passed; members with their workflow. */
  sweep(nowMs: number): void {
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
        this.#giveUp(entry, slot, "unknown");
      }
    }
  }

  /** Ends a task, and a workflow with the members that have not ended, without a result. */
  #giveUp(entry: Entry, slot: number, outcome: "timedOut" | "unknown"): void {
    if (entry.members !== null) {
      for (const member of this.#workflows.membersOf(slot)) {
        if (!this.#table.isInFlight(member)) continue;
        this.#count(this.#entryOf(member).counters[outcome]);
        this.#table.settle(member, SLOT.timedOut);
      }
      this.#firstExceptions.delete(slot);
    }
    this.#count(entry.counters[outcome]);
    this.#release(entry, slot, SLOT.timedOut);
  }

  /** A worker has it for all we know; of a workflow, its members with it. */
  #published(entry: Entry, slot: number): void {
    this.#count(entry.counters.published);
    this.#table.states[slot] = SLOT.published;
    if (entry.members === null) return;
    for (const member of this.#workflows.membersOf(slot)) {
      if (this.#table.states[member] !== SLOT.publishing) continue;
      this.#count(this.#entryOf(member).counters.published);
      this.#table.states[member] = SLOT.published;
    }
  }

  #entryOf(slot: number): Entry {
    return this.#entries[this.#table.entries[slot]!]!;
  }

  #compile(index: number): Entry {
    const { layout, entries, bodies, origin } = this.#options;
    const plan = entries[index]!;
    const { publisher } = this.#connections[plan.connection]!;
    const { workflow, memberOf } = plan;
    const stages = workflow === null ? [] : workflow.stages;
    const isChord = stages.length > 1 && stages[0]!.length > 1;
    return {
      scenario: plan.scenario,
      connection: plan.connection,
      timeoutMs: plan.timeoutMs,
      flags: plan.ignoreResult === true ? FLAG.unanswered : 0,
      messages: bodies[index]!.map((body) => {
        const made = prepareMessages(publisher, body, origin);
        const { destination } = made.template;
        return { made, batchOf: this.#batchIndex(plan.connection, destination, isChord) };
      }),
      members:
        workflow === null ? null : membersOf(workflow, entries).map((m) => entries.indexOf(m)),
      chordSize: isChord ? stages[0]!.length : 0,
      stage: memberOf === null ? -1 : stageOf(entries[memberOf]!.workflow!, index),
      counters: {
        ...placesOf(ENTRY_COUNTERS, (name) => layout.entryCounter(index, name)),
        // What is told of results beside their outcomes is told of the workflow.
        ...(memberOf === null
          ? {}
          : placesOf(TOLD_OF_WORKFLOW, (name) => layout.entryCounter(memberOf, name))),
      },
      histograms: placesOf(ENTRY_HISTOGRAMS, (name) => layout.entryHistogram(index, name)),
    };
  }

  /** Chords have batches of their own, which wait until their sizes are stored. */
  #batchIndex(connection: number, destination: string, isChord: boolean): number {
    const key = `${connection} ${isChord} ${destination}`;
    const known = this.#batchKeys.indexOf(key);
    if (known >= 0) return known;
    this.#batchKeys.push(key);
    return this.#batches.push(newBatch(connection, destination)) - 1;
  }

  #send(index: number, nowMs: number): void {
    const batch = this.#batches[index]!;
    this.#batches[index] = newBatch(batch.connection, batch.destination);
    for (const slot of batch.slots) {
      const lagMs = nowMs - this.#table.plannedMs[slot]!;
      this.#noteLag(lagMs);
      this.#table.publishCallMs[slot] = nowMs;
      this.#observe(this.#starterOf(slot), "dispatch", lagMs);
    }
    const { publisher, results } = this.#connections[batch.connection]!;
    const answer: PublishAnswer = (from, to, outcome, reason) =>
      this.#answered(batch, from, to, outcome, reason);
    const publish = () => publisher.publish(batch.destination, batch.messages, answer);
    if (batch.chords.length === 0) publish();
    else {
      results.startChords(batch.chords).then(publish, (error: unknown) => {
        answer(
          0,
          batch.messages.length,
          "refused",
          `storing the size of chords: ${messageOf(error)}`,
        );
      });
    }
  }

  /**
   * Whose phases a message tells of: the task itself, or its workflow, of which the first member tells,
   * and the others only of themselves.
   */
  #starterOf(slot: number): number {
    const { stage } = this.#entryOf(slot);
    if (stage < 0) return slot;
    const owner = this.#workflows.ownerOf(slot);
    if (this.#workflows.firstOf(owner) !== slot) return slot;
    this.#table.publishCallMs[owner] = this.#table.publishCallMs[slot]!;
    return owner;
  }

  #answered(batch: Batch, from: number, to: number, outcome: PublishOutcome, reason: string): void {
    const window = this.#windows[batch.connection]!;
    if (outcome === "refused" || outcome === "unroutable")
      this.#options.onRefused(batch.connection, reason);
    const nowMs = this.#options.clock.nowMs();
    const { states, flags, publishCallMs } = this.#table;
    for (let i = from; i < to; i++) {
      window.answered(batch.sizes[i]!);
      const slot = batch.slots[i]!;
      // A result that was faster than the answer, or the end of the run, has settled it already.
      if (!this.#table.holds(slot, batch.seqs[i]!) || states[slot] !== SLOT.publishing) continue;
      const entry = this.#entryOf(slot);
      const isQueued = outcome === "accepted" || outcome === "unknown";
      if (outcome === "accepted") {
        this.#observe(this.#starterOf(slot), "publish", nowMs - publishCallMs[slot]!);
      }
      if (entry.stage >= 0) this.#memberAnswered(slot, outcome);
      else if (isQueued) {
        this.#published(entry, slot);
        if (outcome === "unknown") flags[slot]! |= FLAG.unconfirmed;
      } else {
        this.#count(entry.counters[NOT_QUEUED[outcome]]);
        this.#release(entry, slot, SLOT.done);
      }
      if (outcome === "invalid") this.#options.onInvalid(this.#table.entries[slot]!, reason);
    }
  }

  /**
   * A workflow is published when all its messages are answered and one at least is queued. What is not
   * queued of it then counts as not run, and it cannot succeed any more.
   */
  #memberAnswered(slot: number, outcome: PublishOutcome): void {
    const { flags } = this.#table;
    const owner = this.#workflows.ownerOf(slot);
    if (outcome === "accepted" || outcome === "unknown") {
      flags[owner]! |= FLAG.accepted | (outcome === "unknown" ? FLAG.unconfirmed : 0);
    } else {
      flags[slot]! |= FLAG.memberFailed;
      flags[owner]! |= FLAG.memberFailed;
    }
    if (this.#workflows.answered(owner) > 0) return;
    if ((flags[owner]! & FLAG.accepted) === 0) {
      this.#refuseWorkflow(
        owner,
        outcome in NOT_QUEUED ? NOT_QUEUED[outcome as NotQueued] : "failedRejected",
      );
      return;
    }
    this.#published(this.#entryOf(owner), owner);
    for (const member of this.#workflows.membersOf(owner)) {
      if ((flags[member]! & FLAG.memberFailed) === 0) continue;
      this.#endMember(member, "notRun", "");
    }
  }

  /** Nothing of a workflow is queued. */
  #refuseWorkflow(owner: number, counter: EntryCounter): void {
    for (const member of this.#workflows.membersOf(owner)) {
      this.#count(this.#entryOf(member).counters[counter]);
      this.#table.settle(member, SLOT.done);
    }
    const entry = this.#entryOf(owner);
    this.#count(entry.counters[counter]);
    this.#release(entry, owner, SLOT.done);
  }

  #apply(slot: number, text: string, isLookUp: boolean): void {
    const { states, flags } = this.#table;
    const entryIndex = this.#table.entries[slot]!;
    const entry = this.#entries[entryIndex]!;
    const result = readResult(text);
    if (result.state === "MALFORMED") {
      this.#count(this.#options.layout.engine("malformedResults"));
      this.#options.onMalformed(entryIndex);
      return;
    }
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
        if (!isLookUp) this.#count(entry.counters.retries);
        break;
      case "late":
        this.#count(entry.counters.late);
        this.#noteEnded(entry, slot);
        states[slot] = SLOT.done;
        break;
      case "duplicate":
        this.#count(entry.counters.duplicate);
        break;
      case "expected":
        flags[slot]! &= ~FLAG.recovered;
        this.#noteEnded(entry, slot);
        break;
      case "succeeded":
      case "failed":
      case "revoked":
        if (entry.stage >= 0) {
          this.#memberResult(slot, meaning, result.exception, text, isLookUp);
          break;
        }
        this.#count(entry.counters[meaning]);
        if (meaning !== "succeeded") {
          this.#countException(entryIndex, result.exception);
        }
        if (isLookUp) {
          this.#count(entry.counters.recovered);
          flags[slot]! |= FLAG.recovered;
        } else {
          this.#measure(slot, meaning, text);
        }
        this.#noteEnded(entry, slot);
        this.#release(entry, slot, SLOT.done);
        break;
      case "nothing":
        break;
    }
  }

  #memberResult(
    slot: number,
    outcome: Terminal,
    exception: string,
    text: string,
    isLookUp: boolean,
  ): void {
    const { flags, publishCallMs, plannedMs } = this.#table;
    const entry = this.#entryOf(slot);
    const owner = this.#workflows.ownerOf(slot);
    if (isLookUp) {
      flags[slot]! |= FLAG.recovered;
      flags[owner]! |= FLAG.memberRecovered;
    } else if (outcome !== "revoked") {
      const sinceMs = entry.stage === 0 ? plannedMs[slot]! : publishCallMs[slot]!;
      const latencyMs = this.#options.clock.nowMs() - sinceMs;
      const histogram = outcome === "succeeded" ? "latencySucceeded" : "latencyFailed";
      // Unknown when its result was faster than that of the stage before.
      if (!Number.isNaN(latencyMs)) this.#observe(slot, histogram, latencyMs);
    }
    if (outcome !== "succeeded" && !this.#firstExceptions.has(owner)) {
      this.#firstExceptions.set(owner, exception);
    }
    this.#noteEnded(entry, slot);
    this.#endMember(slot, outcome, text);
  }

  #endMember(slot: number, outcome: Terminal | "notRun", text: string): void {
    const { flags } = this.#table;
    const { counters, stage } = this.#entryOf(slot);
    const owner = this.#workflows.ownerOf(slot);
    this.#count(counters[outcome]);
    this.#table.settle(slot, SLOT.done);
    if (outcome !== "succeeded") {
      flags[owner]! |= outcome === "revoked" ? FLAG.memberRevoked : FLAG.memberFailed;
    }
    if (this.#workflows.ended(owner) === 0) {
      this.#endWorkflow(owner, text);
      return;
    }
    const open = this.#workflows
      .membersOf(owner)
      .filter((member) => this.#table.isInFlight(member));
    if (open.some((member) => this.#entryOf(member).stage === stage)) return;
    const hasFailed = (flags[owner]! & (FLAG.memberFailed | FLAG.memberRevoked)) !== 0;
    if (!hasFailed) {
      const nowMs = this.#options.clock.nowMs();
      for (const member of open) {
        if (this.#entryOf(member).stage === stage + 1) this.#table.publishCallMs[member] = nowMs;
      }
      return;
    }
    for (const member of open) {
      this.#count(this.#entryOf(member).counters.notRun);
      // Celery stores the failure for the rest of a chain, too.
      flags[member]! |= FLAG.recovered;
      this.#table.settle(member, SLOT.done);
    }
    this.#endWorkflow(owner, text);
  }

  #endWorkflow(owner: number, text: string): void {
    const flags = this.#table.flags[owner]!;
    const entry = this.#entryOf(owner);
    const outcome =
      (flags & FLAG.memberFailed) !== 0
        ? "failed"
        : (flags & FLAG.memberRevoked) !== 0
          ? "revoked"
          : "succeeded";
    this.#count(entry.counters[outcome]);
    if (outcome !== "succeeded") {
      this.#countException(this.#table.entries[owner]!, this.#firstExceptions.get(owner) ?? "");
      this.#firstExceptions.delete(owner);
    }
    if ((flags & FLAG.memberRecovered) !== 0) this.#count(entry.counters.recovered);
    else this.#measure(owner, outcome, text);
    this.#release(entry, owner, SLOT.done);
  }

  #measure(slot: number, outcome: Terminal, text: string): void {
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    if (outcome === "revoked") return; // it was not run: its time says nothing of the work
    const latencyMs = nowMs - this.#table.plannedMs[slot]!;
    this.#observe(slot, outcome === "succeeded" ? "latencySucceeded" : "latencyFailed", latencyMs);
    // The worker's clock against ours: only what causality allows is a measurement.
    const doneUnixMs = dateDoneUnixMs(text);
    const workMs = doneUnixMs - clock.unixMs(this.#table.publishCallMs[slot]!);
    if (workMs >= 0 && doneUnixMs <= clock.unixMs(nowMs) + 1) this.#observe(slot, "work", workMs);
  }

  #noteEnded(entry: Entry, slot: number): void {
    const { connectionPlans } = this.#options;
    if (!connectionPlans[entry.connection]!.forget) return;
    this.#ended[entry.connection]!.push(this.#idOf(slot));
  }

  #countException(entry: number, exception: string): void {
    const { exceptions, layout } = this.#options;
    const row = exceptions.rowOf(entry, exception);
    this.#count(layout.exception(row));
    if (row === entry && exception !== "") this.#count(layout.engine("foldedExceptions"));
  }

  #observe(slot: number, histogram: EntryHistogram, valueMs: number): void {
    if ((this.#table.flags[slot]! & FLAG.warmup) !== 0) return;
    const entry = this.#entries[this.#table.entries[slot]!]!;
    observe(this.#cells, entry.histograms[histogram], valueMs);
  }

  #release(entry: Entry, slot: number, state: typeof SLOT.done | typeof SLOT.timedOut): void {
    this.#table.settle(slot, state);
    this.#inFlight[entry.scenario]! -= 1; // members take no part of maxInFlight
  }

  #noteLag(lagMs: number): void {
    const lagSeconds = lagMs / 1000;
    if (lagSeconds <= this.#cells[this.#lagLastSecondCell]!) return;
    this.#cells[this.#lagLastSecondCell] = lagSeconds;
    if (lagSeconds > this.#cells[this.#lagCell]!) this.#cells[this.#lagCell] = lagSeconds;
  }

  #count(cell: number): void {
    this.#cells[cell]! += 1;
  }
}

/** The stage of a member; callbacks come after the only one. */
function stageOf({ stages }: WorkflowPlan, entry: number): number {
  const stage = stages.findIndex((members) => members.some((member) => member.entry === entry));
  return stage < 0 ? stages.length : stage;
}

function placesOf<Name extends string, Place>(
  names: readonly Name[],
  placeOf: (name: Name) => Place,
): Record<Name, Place> {
  return Object.fromEntries(names.map((name) => [name, placeOf(name)])) as Record<Name, Place>;
}
