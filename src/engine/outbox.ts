import type {
  ChordSize,
  Connection,
  Message,
  PublishOutcome,
  RefusedOutcome,
} from "../connections/ports.js";
import { messageOf } from "../errors.js";
import { type Batch, isFull, newBatch, PublishWindow } from "./batch.js";

/** What becomes of messages; each is known by its slot and the slot's sequence number. */
export interface OutboxEvents {
  /** Called for each message right before its batch is handed to the connection. */
  sending(slot: number, nowMs: number): void;
  answered(slot: number, seq: number, outcome: PublishOutcome, reason: string): void;
  /** The broker said no to messages, in its own words; once for each of its answers, with the first of them. */
  refused(slot: number, seq: number, outcome: RefusedOutcome, reason: string): void;
}

const NOTHING: Message[] = [];

/** Messages on their way out: collected in batches by destination, sent, answered. */
export class Outbox {
  readonly #events: OutboxEvents;
  readonly #batches: Batch[] = [];
  readonly #batchKeys: string[] = [];
  readonly #windows: PublishWindow[];
  #connections: readonly Connection[] = [];

  constructor(connectionCount: number, events: OutboxEvents) {
    this.#events = events;
    this.#windows = Array.from({ length: connectionCount }, () => new PublishWindow());
  }

  connect(connections: readonly Connection[]): void {
    this.#connections = connections;
  }

  /** The batch of a destination. Chords have their own, which wait until their sizes are stored. */
  batchFor(connection: number, destination: string, isChord: boolean): number {
    const key = `${connection} ${isChord} ${destination}`;
    const known = this.#batchKeys.indexOf(key);
    if (known >= 0) return known;
    this.#batchKeys.push(key);
    return this.#batches.push(newBatch(connection, destination)) - 1;
  }

  /** True when so much is unanswered on a connection that nothing may be added. */
  isFull(connection: number): boolean {
    return this.#windows[connection]!.isFull;
  }

  put(batchOf: number, message: Message, bytes: number, slot: number, seq: number): void {
    const batch = this.#batches[batchOf]!;
    batch.messages.push(message);
    batch.slots.push(slot);
    batch.seqs.push(seq);
    batch.sizes.push(bytes);
    batch.bytes += bytes;
    this.#windows[batch.connection]!.opened(bytes);
  }

  /** Messages of this chord have been put into the batch. */
  putChord(batchOf: number, chord: ChordSize): void {
    this.#batches[batchOf]!.chords.push(chord);
  }

  sendIfFull(batchOf: number, nowMs: number): void {
    if (isFull(this.#batches[batchOf]!)) this.#send(batchOf, nowMs);
  }

  /** Sends what has been collected: one request for each batch. */
  flush(nowMs: number): void {
    for (let index = 0; index < this.#batches.length; index++) {
      if (this.#batches[index]!.slots.length > 0) this.#send(index, nowMs);
    }
  }

  #send(index: number, nowMs: number): void {
    const batch = this.#batches[index]!;
    const { connection, destination, messages, chords } = batch;
    this.#batches[index] = newBatch(connection, destination);
    for (const slot of batch.slots) this.#events.sending(slot, nowMs);
    const { publisher, results } = this.#connections[connection]!;
    const publish = () =>
      publisher.publish(destination, messages, (from, to, outcome, reason) =>
        this.#answered(batch, from, to, outcome, reason),
      );
    batch.messages = NOTHING; // garbage as soon as they are written, not when they are answered
    if (chords.length === 0) publish();
    else {
      results.startChords(chords).then(publish, (error: unknown) => {
        const reason = `the size of chords could not be stored: ${messageOf(error)}`;
        this.#answered(batch, 0, messages.length, "refused", reason);
      });
    }
  }

  #answered(batch: Batch, from: number, to: number, outcome: PublishOutcome, reason: string): void {
    if (outcome === "refused" || outcome === "unroutable" || outcome === "tooLarge") {
      this.#events.refused(batch.slots[from]!, batch.seqs[from]!, outcome, reason);
    }
    const window = this.#windows[batch.connection]!;
    for (let i = from; i < to; i++) {
      window.answered(batch.sizes[i]!);
      this.#events.answered(batch.slots[i]!, batch.seqs[i]!, outcome, reason);
    }
  }
}
