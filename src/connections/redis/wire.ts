import type { Duplex } from "node:stream";
import type { Redis } from "ioredis";
import { type Reply, ReplyError, RespReader } from "./resp-reader.js";

type Done = (error: Error | null, value: Reply) => void;

/**
 * The socket of an ioredis client, taken over when the client has connected, authenticated and chosen its
 * database, and has no command without an answer: from then on what is written and read goes past
 * ioredis, whose commands and parser cost several times as much (docs/performance.md). When the socket
 * closes, ioredis connects anew as ever, and the new socket is taken over again.
 */
export class Wire {
  readonly #stream: Duplex;
  /** Commands without an answer, the oldest first. */
  #waiting: Done[] = [];
  #answered = 0;

  /** `onMessage` gets the messages of a pattern subscription. */
  constructor(client: Redis, onMessage: (channel: string, text: string) => void) {
    const stream = client.stream as Duplex;
    this.#stream = stream;
    const reader = new RespReader({
      reply: (value) => this.#answer(value),
      message: onMessage,
    });
    stream.removeAllListeners("data");
    stream.on("data", (chunk: Buffer) => {
      try {
        reader.feed(chunk);
      } catch (error) {
        stream.destroy(error as Error);
      }
    });
    stream.once("close", () => this.#fail(new Error("connection closed")));
    stream.resume();
  }

  /**
   * Any command.
   * @throws {ReplyError} what the server answers with an error; another Error when no answer will come
   */
  call(...args: readonly string[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      let text = `*${args.length}\r\n`;
      for (const arg of args) text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
      this.#write(text, "utf8", (error, value) =>
        error === null ? resolve(value) : reject(error),
      );
    });
  }

  /**
   * One LPUSH with many values, which are pure ASCII: one answer for all, at a quarter of the cost of
   * pipelining and half the cost for Redis.
   */
  lpush(key: string, values: readonly string[], done: Done): void {
    const latin1Key = Buffer.from(key).toString("latin1"); // its bytes, whatever they are
    let text = `*${values.length + 2}\r\n$5\r\nLPUSH\r\n$${latin1Key.length}\r\n${latin1Key}\r\n`;
    for (const value of values) text += `$${value.length}\r\n${value}\r\n`;
    this.#write(text, "latin1", done);
  }

  #write(text: string, encoding: "latin1" | "utf8", done: Done): void {
    if (!this.#stream.writable) {
      done(new NotWritten("the connection is closed"), null);
      return;
    }
    this.#waiting.push(done);
    this.#stream.write(text, encoding);
  }

  #answer(value: Reply): void {
    const done = this.#waiting[this.#answered];
    if (done === undefined) throw new Error("the server answered what was not asked");
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
