import type { Socket } from "node:net";
import type { Redis } from "ioredis";
import { read } from "./direct-connector.js";
import {
  type BulkText,
  type MessageHandler,
  ProtocolError,
  type Reply,
  ReplyError,
  RespReader,
} from "./resp-reader.js";

/** What can be pushed. */
export interface LpushValue {
  readonly byteLength: number;
  /** Writes it and returns where it ends. */
  write(target: Buffer, at: number): number;
}

/** `$123456\r\n` before a value and `\r\n` after it, at most. */
const LPUSH_OVERHEAD = 16;
const DOLLAR = 36;
const DIGIT_0 = 48;
const SCRATCH_BYTES = 64 * 1024;
/** Kept after a jam; it may have taken more. */
const MAX_SCRATCHES = 8;

type Done = (error: Error | null, value: Reply) => void;
const DONE: Done = () => {};

/**
 * The socket of an ioredis client, taken over when the client has connected, authenticated and chosen its
 * database, and has no command without an answer: from then on what is written and read goes past
 * ioredis, whose commands and parser cost several times as much (docs/performance.md). When the socket
 * closes, ioredis connects anew as ever, and the new socket is taken over again.
 */
export class Wire {
  readonly #stream: Socket;
  /** Commands without an answer, the oldest first. */
  #waiting: Done[] = [];
  #answered = 0;
  readonly #scratches: Buffer[] = [];
  /** So many of them hold what the kernel has not taken yet. */
  #unsent = 0;

  /** `onMessage` gets the messages of a pattern subscription; `bulkText` as in `RespEvents`. */
  constructor(client: Redis, onMessage: MessageHandler, bulkText?: BulkText) {
    const stream = client.stream as Socket;
    this.#stream = stream;
    const reader = new RespReader({
      reply: (value) => this.#answer(value),
      message: onMessage,
      bulkText,
    });
    read(stream, (bytes) => {
      try {
        reader.feed(bytes);
      } catch (error) {
        // A fault of our own must not pass for one of the connection.
        if (!(error instanceof ProtocolError)) throw error;
        stream.destroy(error);
      }
    });
    stream.once("close", () => this.#fail(new Error("connection closed")));
  }

  /**
   * Any command.
   * @throws {ReplyError} what the server answers with an error; another Error when no answer will come
   */
  call(...args: readonly string[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#write(commandText(args), (error, value) =>
        error === null ? resolve(value) : reject(error),
      );
    });
  }

  /**
   * One LPUSH with many values: one answer for all, at a quarter of the cost of pipelining and half the
   * cost for Redis.
   */
  lpush(key: string, values: readonly LpushValue[], done: Done): void {
    const keyLength = Buffer.byteLength(key);
    const head = `*${values.length + 2}\r\n$5\r\nLPUSH\r\n$${keyLength}\r\n${key}\r\n`;
    let most = Buffer.byteLength(head);
    for (const value of values) most += value.byteLength + LPUSH_OVERHEAD;
    const target = this.#space(most);
    let at = target.write(head);
    for (const value of values) {
      target[at] = DOLLAR;
      at = writeDecimal(target, at + 1, value.byteLength);
      at = value.write(target, writeLineEnd(target, at));
      at = writeLineEnd(target, at);
    }
    this.#write(target.subarray(0, at), done);
    if (this.#stream.writableLength > 0) this.#unsent++;
  }

  /**
   * The same memory for every batch while the kernel keeps up, else the next piece: allocating it anew costs
   * more than filling it, and is given back by the garbage collector alone.
   */
  #space(bytes: number): Buffer {
    if (this.#stream.writableLength === 0 && this.#unsent > 0) {
      this.#unsent = 0;
      this.#scratches.length = Math.min(this.#scratches.length, MAX_SCRATCHES);
    }
    const known = this.#scratches[this.#unsent];
    if (known !== undefined && known.length >= bytes) return known;
    const space = Buffer.allocUnsafeSlow(Math.max(bytes, SCRATCH_BYTES));
    this.#scratches[this.#unsent] = space;
    return space;
  }

  #write(bytes: string | Buffer, done: Done): void {
    if (!this.#stream.writable) {
      done(new NotWritten("the connection is closed"), null);
      return;
    }
    this.#waiting.push(done);
    this.#stream.write(bytes);
  }

  #answer(value: Reply): void {
    const done = this.#waiting[this.#answered];
    if (done === undefined) throw new ProtocolError("an answer to what was not asked");
    // What it holds on to, such as the messages of its batch, must not wait for the clean-up below.
    this.#waiting[this.#answered++] = DONE;
    // In one go now and then: shift() moves all that follow.
    if (this.#answered === 1024) {
      this.#waiting = this.#waiting.slice(this.#answered);
      this.#answered = 0;
    }
    if (value instanceof ReplyError) done(value, null);
    else done(null, value);
  }

  #fail(error: Error): void {
    const waiting = this.#waiting.slice(this.#answered);
    this.#waiting = [];
    this.#answered = 0;
    for (const done of waiting) done(error, null);
  }
}

function writeLineEnd(target: Buffer, at: number): number {
  target[at] = 13;
  target[at + 1] = 10;
  return at + 2;
}

/** Writes a number that is not negative and returns where it ends. */
function writeDecimal(target: Buffer, at: number, value: number): number {
  let end = at + 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end++;
  let rest = value;
  for (let i = end - 1; i >= at; i--) {
    target[i] = DIGIT_0 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return end;
}

function commandText(args: readonly string[]): string {
  let text = `*${args.length}\r\n`;
  for (const arg of args) text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
  return text;
}

/** Nothing of the command has been written. */
export class NotWritten extends Error {
  override name = "NotWritten";
}
