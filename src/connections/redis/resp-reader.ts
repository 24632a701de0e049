/** What a Redis server answers with an error; the name is the one that ioredis gives it. */
export class ReplyError extends Error {
  override name = "ReplyError";
}

/** What arrives is not Redis' protocol. */
export class ProtocolError extends Error {
  override name = "ProtocolError";

  constructor(line: string) {
    super(
      `the server does not speak Redis' protocol: it sent ${JSON.stringify(line.slice(0, 40))}`,
    );
  }
}

export type Reply = string | number | boolean | null | ReplyError | readonly Reply[];

export interface RespEvents {
  /** The answer to the oldest command without one. */
  reply(value: Reply): void;
  /** A message of a pattern subscription. */
  message(channel: string, text: string): void;
}

/** Returned instead of a value while its end has not arrived. */
const INCOMPLETE = Symbol("incomplete");

/** `4\r\n$8\r\npmessage\r\n`, what follows the type byte of a pattern subscription's message. */
const PMESSAGE = Buffer.from("4\r\n$8\r\npmessage\r\n");
const CR = 13;
/** Redis' own limit (`proto-max-bulk-len`). */
const MAX_BULK_BYTES = 512 * 1024 * 1024;

/**
 * Reads what a Redis server sends, versions 2 and 3 of its protocol (redis.io/docs/reference/protocol-spec), from
 * chunks as they arrive. Messages of subscriptions, the hot ones, are read without making an array of them.
 */
export class RespReader {
  readonly #events: RespEvents;
  /** What has arrived of a value that is not complete, and how many bytes it takes at least. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  #neededBytes = 0;
  #data: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(events: RespEvents) {
    this.#events = events;
  }

  /**
   * `chunk` is copied where it is needed longer.
   * @throws {ProtocolError}, and what the events throw
   */
  feed(chunk: Buffer): void {
    if (this.#rest.length === 0) this.#data = chunk;
    else {
      // A large value comes in many chunks: they are joined once all of it is there.
      this.#rest.push(Buffer.from(chunk));
      this.#restBytes += chunk.length;
      if (this.#restBytes < this.#neededBytes) return;
      this.#data = Buffer.concat(this.#rest);
    }
    this.#at = 0;
    this.#rest = [];
    this.#restBytes = 0;
    while (this.#at < this.#data.length) {
      const start = this.#at;
      this.#neededBytes = 0;
      if (!this.#readOne()) {
        this.#rest = [Buffer.from(this.#data.subarray(start))];
        this.#restBytes = this.#data.length - start;
        this.#neededBytes = Math.max(this.#neededBytes - start, this.#restBytes + 1);
        return;
      }
    }
    this.#neededBytes = 0;
  }

  /** False when it is not complete. */
  #readOne(): boolean {
    if (this.#isMessage()) return this.#readMessage();
    const isPush = this.#data[this.#at] === 0x3e; // ">"
    const value = this.#read();
    if (value === INCOMPLETE) return false;
    // Others, such as invalidations, answer nothing.
    const isAnswer =
      !isPush || (Array.isArray(value) && /^p?(un)?subscribe$/.test(String(value[0])));
    if (isAnswer) this.#events.reply(value);
    return true;
  }

  #isMessage(): boolean {
    const type = this.#data[this.#at];
    if (type !== 0x3e && type !== 0x2a) return false; // ">" and "*"
    const end = this.#at + 1 + PMESSAGE.length;
    return (
      this.#data.length >= end &&
      this.#data.compare(PMESSAGE, 0, PMESSAGE.length, this.#at + 1, end) === 0
    );
  }

  #readMessage(): boolean {
    this.#at += 1 + PMESSAGE.length;
    const pattern = this.#bulk();
    if (pattern === INCOMPLETE) return false;
    const channel = this.#bulk();
    if (channel === INCOMPLETE) return false;
    const text = this.#bulk();
    if (text === INCOMPLETE) return false;
    this.#events.message(this.#textOf(channel), this.#textOf(text));
    return true;
  }

  #read(): Reply | typeof INCOMPLETE {
    if (this.#at >= this.#data.length) return INCOMPLETE;
    const type = String.fromCharCode(this.#data[this.#at]!);
    if (type === "$" || type === "=") {
      const bulk = this.#bulk();
      return bulk === INCOMPLETE || bulk === null ? bulk : this.#textOf(bulk);
    }
    const line = this.#line();
    if (line === INCOMPLETE) return INCOMPLETE;
    const text = line.slice(1);
    switch (type) {
      case "+":
      case "(":
        return text;
      case "-":
      case "!":
        return new ReplyError(text);
      case ":":
      case ",":
        return Number(text);
      case "_":
        return null;
      case "#":
        return text === "t";
      case "*":
      case ">":
      case "~":
        return this.#items(Number(text));
      case "%":
        return this.#items(2 * Number(text));
      default:
        throw new ProtocolError(line);
    }
  }

  #items(count: number): Reply | typeof INCOMPLETE {
    if (count < 0) return null;
    const items: Reply[] = [];
    for (let i = 0; i < count; i++) {
      const item = this.#read();
      if (item === INCOMPLETE) return INCOMPLETE;
      items.push(item);
    }
    return items;
  }

  /** Place of a text of known length, `$5\r\nhello\r\n`; null for none. */
  #bulk(): Place | null | typeof INCOMPLETE {
    const line = this.#line();
    if (line === INCOMPLETE) return INCOMPLETE;
    const length = /^[$=]-?\d/.test(line) ? Number(line.slice(1)) : Number.NaN;
    if (!(length <= MAX_BULK_BYTES)) {
      throw new ProtocolError(line);
    }
    if (length < 0) return null;
    const from = this.#at;
    const to = from + length;
    if (this.#data.length < to + 2) {
      this.#neededBytes = to + 2;
      return INCOMPLETE;
    }
    this.#at = to + 2;
    return { from, to };
  }

  #textOf(place: Place | null): string {
    return place === null ? "" : this.#data.toString("utf8", place.from, place.to);
  }

  #line(): string | typeof INCOMPLETE {
    const end = this.#data.indexOf(CR, this.#at);
    if (end < 0 || end + 1 >= this.#data.length) return INCOMPLETE;
    const line = this.#data.toString("latin1", this.#at, end);
    this.#at = end + 2;
    return line;
  }
}

interface Place {
  readonly from: number;
  readonly to: number;
}
