import type { ChordSize, Message } from "../connections/ports.js";

/** Messages that go to one destination together, and the slots that wait for the answer. */
export interface Batch {
  readonly connection: number;
  readonly destination: string;
  messages: Message[];
  slots: number[];
  /** Sequence numbers of the slots: a slot may have been settled and taken anew before the answer. */
  seqs: number[];
  /** Size of each message, and of all. */
  sizes: number[];
  bytes: number;
  /** Chords that the messages are of: their sizes are stored first. */
  chords: ChordSize[];
}

export function newBatch(connection: number, destination: string): Batch {
  return {
    connection,
    destination,
    messages: [],
    slots: [],
    seqs: [],
    sizes: [],
    bytes: 0,
    chords: [],
  };
}

/** Batches longer than this are sent at once: larger ones gain nothing and hold the broker longer. */
const MAX_MESSAGES = 256;
const MAX_BYTES = 1024 * 1024;

export function isFull(batch: Batch): boolean {
  return batch.messages.length >= MAX_MESSAGES || batch.bytes >= MAX_BYTES;
}

/**
 * What may be written and not answered on one connection. Without a bound a broker that stands still
 * would let memory grow; beyond it starts are dropped with reason `backpressure`.
 */
export class PublishWindow {
  static readonly MESSAGES = 8_192;
  static readonly BYTES = 32 * 1024 * 1024;
  #messages = 0;
  #bytes = 0;

  get isFull(): boolean {
    return this.#messages >= PublishWindow.MESSAGES || this.#bytes >= PublishWindow.BYTES;
  }

  opened(bytes: number): void {
    this.#messages++;
    this.#bytes += bytes;
  }

  answered(bytes: number): void {
    this.#messages--;
    this.#bytes -= bytes;
  }
}
