/** Messages that go to one list as one request, and the slots that wait for its answer. */
export interface Batch {
  readonly connection: number;
  readonly key: string;
  messages: string[];
  slots: number[];
  /** Sequence numbers of the slots: a slot may have been settled and taken anew before the answer. */
  seqs: number[];
  bytes: number;
}

export function newBatch(connection: number, key: string): Batch {
  return { connection, key, messages: [], slots: [], seqs: [], bytes: 0 };
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

  answered(batch: Batch): void {
    this.#messages -= batch.slots.length;
    this.#bytes -= batch.bytes;
  }
}
