import { dateDoneUnixMs, readResult } from "../celery/result.js";
import type { CompiledBody } from "../celery/task-body.js";
import { seqOf, slotOf, taskId } from "../celery/task-id.js";
import type { Clock } from "../clock.js";
import type { Connection, Message, PublishOutcome } from "../connections/ports.js";
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
import { type EntryMessages, MessageMaker, prepareMessages } from "./message-maker.js";
import type { ConnectionPlan, EntryPlan, ScenarioPlan } from "./messages.js";
import { meaningOf } from "./outcome.js";

/** Starts that are later than this are dropped instead of made up for: a burst would be another load. */
export const MAX_CATCH_UP_MS = 100;

/** What silence until the deadline says nothing of. */
const UNKNOWN_IF_SILENT = FLAG.unconfirmed | FLAG.unanswered;

export interface TaskLifeOptions {
  readonly layout: Layout;
  readonly live: Half;
  readonly clock: Clock;
  readonly idPrefix: string;
  readonly origin: string;
  readonly connectionPlans: readonly ConnectionPlan[];
  readonly scenarios: readonly ScenarioPlan[];
  readonly entries: readonly EntryPlan[];
  readonly bodies: readonly CompiledBody[];
  readonly exceptions: ExceptionRows;
  /** The broker said no, in its own words. */
  readonly onRefused: (connection: number, reason: string) => void;
  /** A message could not be built. */
  readonly onInvalid: (entry: number, reason: string) => void;
  /** A result could not be read; its task stays in flight. */
  readonly onMalformed: (entry: number) => void;
}

/** What the hot path needs of a mix entry, looked up once. */
interface Entry {
  readonly scenario: number;
  readonly connection: number;
  readonly timeoutMs: number;
  /** Flags that every task of it has from the start. */
  readonly flags: number;
  readonly messages: EntryMessages;
  readonly batchOf: number;
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
 */
export class TaskLife {
  readonly #options: TaskLifeOptions;
  readonly #cells: Float64Array;
  readonly #table: InFlightTable;
  readonly #maker: MessageMaker;
  readonly #batches: Batch[] = [];
  readonly #windows: PublishWindow[];
  readonly #inFlight: Int32Array;
  readonly #lagCell: number;
  readonly #lagLastSecondCell: number;
  #connections: readonly Connection[] = [];
  #entries: readonly Entry[] = [];
  /** By connection: tasks that were given up and whose result has not come since. */
  readonly #owed: Int32Array;
  /** Ids by connection of tasks whose result has come, for `takeEnded`. */
  #ended: string[][];

  constructor(options: TaskLifeOptions) {
    this.#options = options;
    this.#cells = options.live.cells;
    this.#table = new InFlightTable(options.live, options.entries.length);
    this.#maker = new MessageMaker(options.clock, options.idPrefix);
    this.#windows = options.connectionPlans.map(() => new PublishWindow());
    this.#owed = new Int32Array(options.connectionPlans.length);
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
    const slot =
      this.#inFlight[entry.scenario]! < maxInFlight
        ? this.#table.take(entryIndex, plannedMs, nowMs, entry.flags | (isWarmup ? FLAG.warmup : 0))
        : -1;
    if (slot < 0) {
      this.#count(counters.droppedInFlight);
      return;
    }
    this.#inFlight[entry.scenario]! += 1;

    const seq = this.#table.seqs[slot]!;
    let message: Message;
    try {
      message = this.#maker.make(entry.messages, slot, seq, plannedMs, nowMs);
    } catch (error) {
      this.#count(counters.failedInvalid);
      this.#release(entry, slot, SLOT.done);
      this.#options.onInvalid(entryIndex, messageOf(error));
      return;
    }
    const batch = this.#batches[entry.batchOf]!;
    batch.messages.push(message);
    batch.slots.push(slot);
    batch.seqs.push(seq);
    const bytes = entry.messages.template.sizeOf(message);
    batch.sizes.push(bytes);
    batch.bytes += bytes;
    window.opened(bytes);
    if (isFull(batch)) this.#send(entry.batchOf, nowMs);
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
    const isOurs = channel.startsWith(this.#options.idPrefix, idAt);
    if (!isOurs || !this.#table.holds(slot, seqOf(channel, idAt))) {
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
      if (entry.connection !== connection) continue;
      for (let slot = this.#table.oldest(index); slot >= 0; slot = this.#table.newer(slot)) {
        ids.push(taskId(this.#options.idPrefix, slot, this.#table.seqs[slot]!));
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

  /** True while a connection may still bring results of tasks that were given up. */
  isOwed(connection: number): boolean {
    return this.#owed[connection]! > 0;
  }

  /** Ends the tasks whose deadline (planned start + timeout) has passed. */
  sweep(nowMs: number): void {
    for (let index = 0; index < this.#entries.length; index++) {
      const entry = this.#entries[index]!;
      const overdueMs = nowMs - entry.timeoutMs;
      let slot = this.#table.oldest(index);
      while (slot >= 0 && this.#table.plannedMs[slot]! <= overdueMs) {
        const next = this.#table.newer(slot);
        // Without the broker's answer it is not known to be published; the answer or the loss of the
        // connection comes first, and the next sweep ends it.
        if (this.#table.states[slot] !== SLOT.publishing) {
          const isUnknown = (this.#table.flags[slot]! & UNKNOWN_IF_SILENT) !== 0;
          this.#count(isUnknown ? entry.counters.unknown : entry.counters.timedOut);
          this.#release(entry, slot, SLOT.timedOut);
        }
        slot = next;
      }
    }
  }

  /** Ends what a scenario still has in flight as unknown: nobody will wait for it any more. */
  endAll(scenario: number): void {
    for (const [index, entry] of this.#entries.entries()) {
      if (entry.scenario !== scenario) continue;
      for (let slot = this.#table.oldest(index); slot >= 0; slot = this.#table.oldest(index)) {
        if (this.#table.states[slot] === SLOT.publishing) this.#count(entry.counters.published);
        this.#count(entry.counters.unknown);
        this.#release(entry, slot, SLOT.timedOut);
      }
    }
  }

  #compile(index: number): Entry {
    const { layout, entries, bodies, origin } = this.#options;
    const plan = entries[index]!;
    const { publisher } = this.#connections[plan.connection]!;
    const messages = prepareMessages(publisher, plan, origin, bodies[index]!);
    return {
      scenario: plan.scenario,
      connection: plan.connection,
      timeoutMs: plan.timeoutMs,
      flags: plan.ignoreResult === true ? FLAG.unanswered : 0,
      messages,
      batchOf: this.#batchIndex(plan.connection, messages.template.destination),
      counters: placesOf(ENTRY_COUNTERS, (name) => layout.entryCounter(index, name)),
      histograms: placesOf(ENTRY_HISTOGRAMS, (name) => layout.entryHistogram(index, name)),
    };
  }

  #batchIndex(connection: number, destination: string): number {
    const known = this.#batches.findIndex(
      (batch) => batch.connection === connection && batch.destination === destination,
    );
    return known >= 0 ? known : this.#batches.push(newBatch(connection, destination)) - 1;
  }

  #send(index: number, nowMs: number): void {
    const batch = this.#batches[index]!;
    this.#batches[index] = newBatch(batch.connection, batch.destination);
    for (const slot of batch.slots) {
      const lagMs = nowMs - this.#table.plannedMs[slot]!;
      this.#noteLag(lagMs);
      this.#table.publishCallMs[slot] = nowMs;
      this.#observe(slot, "dispatch", lagMs);
    }
    this.#connections[batch.connection]!.publisher.publish(
      batch.destination,
      batch.messages,
      (from, to, outcome, reason) => this.#answered(batch, from, to, outcome, reason),
    );
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
      const entry = this.#entries[this.#table.entries[slot]!]!;
      switch (outcome) {
        case "accepted":
          this.#count(entry.counters.published);
          states[slot] = SLOT.published;
          this.#observe(slot, "publish", nowMs - publishCallMs[slot]!);
          break;
        case "unknown":
          this.#count(entry.counters.published);
          states[slot] = SLOT.published;
          flags[slot]! |= FLAG.unconfirmed;
          break;
        case "refused":
          this.#count(entry.counters.failedRejected);
          this.#release(entry, slot, SLOT.done);
          break;
        case "unroutable":
          this.#count(entry.counters.failedUnroutable);
          this.#release(entry, slot, SLOT.done);
          break;
        case "invalid":
          this.#count(entry.counters.failedInvalid);
          this.#release(entry, slot, SLOT.done);
          this.#options.onInvalid(this.#table.entries[slot]!, reason);
          break;
        case "notWritten":
          this.#count(entry.counters.droppedNotConnected);
          this.#release(entry, slot, SLOT.done);
          break;
      }
    }
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
      this.#count(entry.counters.published);
      states[slot] = SLOT.published;
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
        this.#owed[entry.connection]! -= 1;
        this.#noteEnded(entry, slot);
        states[slot] = SLOT.done;
        break;
      case "duplicate":
        this.#count(entry.counters.duplicate);
        break;
      case "expected":
        flags[slot]! &= ~FLAG.recovered;
        break;
      case "succeeded":
      case "failed":
      case "revoked":
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

  #measure(slot: number, outcome: "succeeded" | "failed" | "revoked", text: string): void {
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
    const { connectionPlans, idPrefix } = this.#options;
    if (!connectionPlans[entry.connection]!.forget) return;
    this.#ended[entry.connection]!.push(taskId(idPrefix, slot, this.#table.seqs[slot]!));
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
    if (state === SLOT.timedOut) this.#owed[entry.connection]! += 1;
    this.#inFlight[entry.scenario]! -= 1;
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

function placesOf<Name extends string, Place>(
  names: readonly Name[],
  placeOf: (name: Name) => Place,
): Record<Name, Place> {
  return Object.fromEntries(names.map((name) => [name, placeOf(name)])) as Record<Name, Place>;
}
