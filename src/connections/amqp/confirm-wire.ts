import type { PublishAnswer } from "../ports.js";
import { ProtocolError } from "./protocol-error.js";
import type { TaskMessage } from "./publish-frames.js";
import type { TappedChannel } from "./tap.js";

const SCRATCH_BYTES = 64 * 1024;
/** Answered messages are dropped from the front of the list in one go now and then. */
const DROP_AT = 1024;

/** A message without the broker's answer. */
export interface Waiting {
  readonly message: TaskMessage;
  readonly answer: PublishAnswer;
  readonly index: number;
}

/**
 * Publishes on a confirm channel past amqplib: frames go to its socket, all of a turn at once, and each confirm is
 * brought to its message (`rabbitmq.com/docs/confirms`). Nothing else may be published on the channel.
 */
export class ConfirmWire {
  readonly #tapped: TappedChannel;
  readonly #confirmed: (waiting: Waiting, isTaken: boolean | null) => void;
  /** In the order of their delivery tags, the oldest at `#oldest`; null when it is answered. */
  #waiting: (Waiting | null)[] = [];
  #oldest = 0;
  /** Delivery tag of the first of `#waiting`. */
  #firstTag = 1;
  #scratch = Buffer.alloc(0);
  #unwritten = 0;
  #isOpen = true;

  /** `confirmed` is called once for each message; with null when no confirm will come. */
  constructor(
    tapped: TappedChannel,
    confirmed: (waiting: Waiting, isTaken: boolean | null) => void,
  ) {
    this.#tapped = tapped;
    this.#confirmed = confirmed;
  }

  /** False when nothing that is put would be written. */
  get isWritable(): boolean {
    return this.#isOpen && this.#tapped.socket.writable;
  }

  /** The message goes out at the next flush. */
  put(message: TaskMessage, answer: PublishAnswer, index: number): void {
    this.#reserve(message.byteLength);
    const { channel, frameMax } = this.#tapped;
    this.#unwritten = message.write(this.#scratch, this.#unwritten, channel, frameMax);
    this.#waiting.push({ message, answer, index });
  }

  flush(): void {
    if (this.#unwritten === 0) return;
    const { socket } = this.#tapped;
    socket.write(this.#scratch.subarray(0, this.#unwritten));
    this.#unwritten = 0;
    // What the kernel has not taken at once is still read from there.
    if (socket.writableLength > 0) this.#scratch = Buffer.alloc(0);
  }

  /**
   * One confirm: `basic.ack` or `basic.nack`, for one message or all up to it.
   * @throws {ProtocolError} when nothing was published with that tag
   */
  confirmed(tag: number, isMultiple: boolean, isTaken: boolean): void {
    const at = tag - this.#firstTag;
    if (at >= this.#waiting.length || (tag === 0 && !isMultiple)) {
      throw new ProtocolError("a confirm for what was not published");
    }
    if (isMultiple) {
      const newest = this.#waiting.length - 1;
      const last = tag === 0 ? newest : at;
      for (let each = this.#oldest; each <= last; each++) this.#settle(each, isTaken);
    } else this.#settle(at, isTaken);
    while (this.#oldest < this.#waiting.length && this.#waiting[this.#oldest] === null) {
      this.#oldest++;
    }
    if (this.#oldest < DROP_AT) return;
    this.#waiting = this.#waiting.slice(this.#oldest);
    this.#firstTag += this.#oldest;
    this.#oldest = 0;
  }

  /** The channel is closed: no answer will come. */
  close(): void {
    this.#isOpen = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#oldest = 0;
    for (const each of waiting) {
      if (each !== null) this.#confirmed(each, null);
    }
  }

  #settle(at: number, isTaken: boolean): void {
    const each = this.#waiting[at];
    if (each === undefined || each === null) return;
    this.#waiting[at] = null;
    this.#confirmed(each, isTaken);
  }

  /** The same memory for every turn, as long as the kernel keeps up. */
  #reserve(bytes: number): void {
    const needed = this.#unwritten + bytes;
    if (needed <= this.#scratch.length) return;
    const larger = Buffer.allocUnsafeSlow(
      Math.max(needed, 2 * this.#scratch.length, SCRATCH_BYTES),
    );
    larger.set(this.#scratch.subarray(0, this.#unwritten));
    this.#scratch = larger;
  }
}
