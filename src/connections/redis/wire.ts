import type { Socket } from "node:net";
import type { Redis } from "ioredis";
import { read } from "./direct-connector.js";
import { ProtocolError, type Reply, ReplyError, RespReader } from "./resp-reader.js";

/** What can be pushed. */
export interface LpushValue {
  readonly byteLength: number;
  /** Writes it and returns where it ends. */
  write(target: Buffer, at: number): number;
}

/** `$123456\r\n` before a value and `\r\n` after it, at most. */
const LPUSH_OVERHEAD = 16;
const SCRATCH_BYTES = 64 * 1024;

type Done = (error: Error | null, value: Reply) => void;

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
  #scratch: Buffer | undefined;

  /** `onMessage` gets the messages of a pattern subscription. */
  constructor(client: Redis, onMessage: (channel: string, text: string) => void) {
    const stream = client.stream as Socket;
    this.#stream = stream;
    const reader = new RespReader({
      reply: (value) => this.#answer(value),
      message: onMessage,
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
      let text = `*${args.length}\r\n`;
      for (const arg of args) text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
      this.#write(text, (error, value) => (error === null ? resolve(value) : reject(error)));
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
      at += target.write(`$${value.byteLength}\r\n`, at, "latin1");
      at = value.write(target, at);
      target[at++] = 13; // \r
      target[at++] = 10; // \n
    }
    this.#write(target.subarray(0, at), done);
    // What the kernel has not taken at once is still read from there.
    if (this.#stream.writableLength > 0) this.#scratch = undefined;
  }

  /** The same memory for every batch, as long as the kernel keeps up: allocating it anew costs more than filling it. */
  #space(bytes: number): Buffer {
    if (this.#scratch === undefined || this.#scratch.length < bytes) {
      this.#scratch = Buffer.allocUnsafeSlow(Math.max(bytes, SCRATCH_BYTES));
    }
    return this.#scratch;
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
    this.#answered++;
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

/** Nothing of the command has been written. */
export class NotWritten extends Error {
  override name = "NotWritten";
}
