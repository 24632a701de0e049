/** What a Redis server answers with an error; the name is the one that ioredis gives it. */
export class ReplyError extends Error {
  override name = "ReplyError";
}

/** What arrives is not Redis' protocol. */
export class ProtocolError extends Error {
  override name = "ProtocolError";

  /** `what` was sent instead, in words or `quoted`. */
  constructor(what: string) {
    super(`the server does not speak Redis' protocol: it sent ${what}`);
  }
}

export type Reply = string | number | boolean | null | ReplyError | readonly Reply[];

/** Bytes `from` to `to` (exclusive). */
export interface Place {
  readonly from: number;
  readonly to: number;
}

/**
 * A message of a pattern subscription: where its channel and its text stand in `data`. All three are good
 * only until it returns: strings are for the receiver to make, if it needs any.
 */
export type MessageHandler = (data: Buffer, channel: Place, text: Place) => void;

export interface RespEvents {
  /** The answer to the oldest command without one. */
  reply(value: Reply): void;
  message: MessageHandler;
  /** The text of a bulk string in a reply; UTF-8 without it. */
  bulkText?: BulkText | undefined;
}

/** Text of bytes `from` to `to` (exclusive); they are good only until it returns. */
export type BulkText = (data: Buffer, from: number, to: number) => string;

/** Returned instead of a value while its end has not arrived. */
const INCOMPLETE = Symbol("incomplete");
/** Returned instead of an array whose items follow. */
const BEGUN = Symbol("begun");

/** An array, a set or a map whose items are being read. */
interface OpenArray {
  readonly isPush: boolean;
  readonly items: Reply[];
  /** How many items are still to come. */
  missing: number;
}

/** `4\r\n$8\r\npmessage\r\n`, what follows the type byte of a pattern subscription's message. */
const PMESSAGE = Buffer.from("4\r\n$8\r\npmessage\r\n");
const CR = 13;
const LF = 10;
const MINUS = 45;
/** Twice of what is read from a socket at once, and more than any ordinary value. */
const JOINT_BYTES = 128 * 1024;
/** What is kept for the next value. */
const MAX_JOINT_BYTES = 1024 * 1024;
/** Redis' own limit (`proto-max-bulk-len`). */
const MAX_BULK_BYTES = 512 * 1024 * 1024;
/** Redis' own limit for a line (`PROTO_INLINE_MAX_SIZE`, `server.h`). */
const MAX_LINE_BYTES = 64 * 1024;
/** Redis' own limit for a command (`processMultibulkBuffer`, `networking.c`); no answer of ours comes near. */
const MAX_ITEMS = 1024 * 1024;
/** No answer of Redis is nested deeper than six times. */
const MAX_DEPTH = 64;

/**
 * Reads what a Redis server sends, versions 2 and 3 of its protocol (redis.io/docs/reference/protocol-spec), from
 * chunks as they arrive. Messages of subscriptions, the hot ones, are read without making an array of them.
 */
export class RespReader {
  readonly #events: RespEvents;
  /** What has arrived of a value that is not complete, at the start of `joint`. */
  #joint: Buffer = Buffer.alloc(0);
  #restBytes = 0;
  /** How many bytes it takes at least. */
  #neededBytes = 0;
  #data: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Arrays whose items are being read, the outermost first. */
  readonly #open: OpenArray[] = [];
  /** The same objects for every message. */
  readonly #pattern = { from: 0, to: 0 };
  readonly #channel = { from: 0, to: 0 };
  readonly #text = { from: 0, to: 0 };

  constructor(events: RespEvents) {
    this.#events = events;
  }

  /**
   * `chunk` is copied where it is needed longer.
   * @throws {ProtocolError}, and what the events throw
   */
  feed(chunk: Buffer): void {
    if (this.#restBytes === 0) this.#data = chunk;
    else if (!this.#join(chunk)) return;
    this.#at = 0;
    this.#restBytes = 0;
    while (this.#at < this.#data.length) {
      const start = this.#at;
      this.#neededBytes = 0;
      if (!this.#readOne()) {
        this.#keep(start);
        return;
      }
    }
  }

  /** What is not complete yet, to the start of the joint. */
  #keep(start: number): void {
    this.#restBytes = this.#data.length - start;
    this.#neededBytes = Math.max(this.#neededBytes - start, this.#restBytes + 1);
    const space = this.#spaceFor(this.#neededBytes);
    this.#data.copy(space, 0, start);
    this.#joint = space;
  }

  /**
   * The rest of the last chunks and this one together: in the same memory ever again, as allocating it for
   * every chunk made the process twice as large. False while more is missing.
   */
  #join(chunk: Buffer): boolean {
    const bytes = this.#restBytes + chunk.length;
    if (bytes > this.#joint.length) {
      // At least doubled: a large value comes in many chunks.
      const space = this.#spaceFor(Math.max(bytes, 2 * this.#joint.length));
      this.#joint.copy(space, 0, 0, this.#restBytes);
      this.#joint = space;
    }
    chunk.copy(this.#joint, this.#restBytes);
    this.#restBytes = bytes;
    if (bytes < this.#neededBytes) return false;
    this.#data = this.#joint.subarray(0, bytes);
    return true;
  }

  /** Memory that was enlarged for a large value is given back after it, unless the next one is as large. */
  #spaceFor(bytes: number): Buffer {
    const isKept = this.#joint.length <= MAX_JOINT_BYTES || bytes > MAX_JOINT_BYTES;
    if (bytes <= this.#joint.length && isKept) return this.#joint;
    return Buffer.allocUnsafeSlow(Math.max(bytes, JOINT_BYTES));
  }

  /** Reads a message, a value, or the beginning of an array. False when it is not complete. */
  #readOne(): boolean {
    if (this.#open.length === 0 && this.#isMessage()) return this.#readMessage();
    const value = this.#read();
    if (value === INCOMPLETE) return false;
    if (value !== BEGUN) this.#deliver(value);
    return true;
  }

  /** To the array that it belongs to, which may be complete with it; else to whoever asked. */
  #deliver(value: Reply): void {
    const array = this.#open.at(-1);
    if (array === undefined) {
      this.#events.reply(value);
      return;
    }
    array.items.push(value);
    array.missing--;
    if (array.missing === 0) this.#complete(array);
  }

  #complete({ isPush, items }: OpenArray): void {
    this.#open.pop();
    // Other pushes, such as invalidations, answer nothing.
    if (!isPush || /^p?(un)?subscribe$/.test(String(items[0]))) this.#deliver(items);
  }

  /** Does a message begin here, as far as it has arrived? An array of four would need more bytes, too. */
  #isMessage(): boolean {
    const data = this.#data;
    const from = this.#at + 1;
    const type = data[from - 1];
    if (type !== 0x3e && type !== 0x2a) return false; // ">" and "*"
    const end = Math.min(PMESSAGE.length, data.length - from);
    for (let i = 0; i < end; i++) {
      if (data[from + i] !== PMESSAGE[i]) return false;
    }
    return true;
  }

  #readMessage(): boolean {
    this.#at += 1 + PMESSAGE.length;
    if (this.#at > this.#data.length) return false;
    const isComplete =
      this.#bulk(this.#pattern) && this.#bulk(this.#channel) && this.#bulk(this.#text);
    if (!isComplete) return false;
    if (isNone(this.#channel) || isNone(this.#text)) {
      throw new ProtocolError("a message without channel or text");
    }
    this.#events.message(this.#data, this.#channel, this.#text);
    return true;
  }

  #read(): Reply | typeof INCOMPLETE | typeof BEGUN {
    const type = String.fromCharCode(this.#data[this.#at]!);
    if (type === "$" || type === "=" || type === "!") {
      const place = { from: 0, to: 0 };
      if (!this.#bulk(place)) return INCOMPLETE;
      if (isNone(place)) return null;
      const { bulkText } = this.#events;
      if (type === "$" && bulkText !== undefined) {
        return bulkText(this.#data, place.from, place.to);
      }
      const text = this.#data.toString("utf8", place.from, place.to);
      return type === "!" ? new ReplyError(text) : text;
    }
    const line = this.#line();
    if (line === INCOMPLETE) return INCOMPLETE;
    const text = line.slice(1);
    switch (type) {
      case "+":
      case "(":
        return text;
      case "-":
        return new ReplyError(text);
      case ":":
        return numberOf(line, /^[+-]?\d+$/);
      case ",":
        return numberOf(line, /^([+-]?[\d.]+(e[+-]?\d+)?|[+-]?inf|nan)$/i);
      case "_":
        return null;
      case "#":
        return text === "t";
      case "*":
      case ">":
      case "~":
        return this.#begin(line, 1);
      case "%":
        return this.#begin(line, 2);
      default:
        throw new ProtocolError(quoted(line));
    }
  }

  /** An array with `perCount` items for each that its line counts. */
  #begin(line: string, perCount: number): Reply | typeof BEGUN {
    const count = numberOf(line, /^(-1|\d+)$/);
    if (count === -1) return null;
    if (count > MAX_ITEMS || this.#open.length === MAX_DEPTH) throw new ProtocolError(quoted(line));
    const array = { isPush: line.startsWith(">"), items: [], missing: count * perCount };
    this.#open.push(array);
    if (count === 0) this.#complete(array);
    return BEGUN;
  }

  /**
   * Finds the place of a text of known length, `$5\r\nhello\r\n`, which ends before it begins when there is
   * none (`$-1`). False while it is not complete.
   */
  #bulk(place: { from: number; to: number }): boolean {
    const length = this.#length();
    if (length === null) return false;
    if (length < 0) {
      place.from = this.#at;
      place.to = this.#at - 1;
      return true;
    }
    const end = this.#at + length + 2;
    if (this.#data.length < end) {
      this.#neededBytes = end;
      return false;
    }
    place.from = this.#at;
    place.to = end - 2;
    this.#at = end;
    return true;
  }

  /** The number in `$5\r\n`; null while it is not complete. Digit by digit: there are three in every message. */
  #length(): number | null {
    const data = this.#data;
    let at = this.#at + 1;
    const isNegative = data[at] === MINUS;
    if (isNegative) at++;
    let value = 0;
    const firstDigit = at;
    for (; at < data.length; at++) {
      const digit = data[at]! - 48;
      if (!(digit >= 0 && digit <= 9) || value > MAX_BULK_BYTES) break;
      value = value * 10 + digit;
    }
    if (at >= data.length || (data[at] === CR && at + 1 === data.length)) return null;
    const type = data[this.#at];
    const isWhole = at > firstDigit && data[at] === CR && data[at + 1] === LF;
    const isNumber = isNegative ? value === 1 : value <= MAX_BULK_BYTES;
    // "$", "=" and "!"
    if (!isWhole || !isNumber || (type !== 0x24 && type !== 0x3d && type !== 0x21)) {
      throw new ProtocolError(quoted(this.#excerpt()));
    }
    this.#at = at + 2;
    return isNegative ? -value : value;
  }

  #line(): string | typeof INCOMPLETE {
    const end = this.#data.indexOf(CR, this.#at);
    if (end < 0 || end + 1 >= this.#data.length) {
      if (this.#data.length - this.#at > MAX_LINE_BYTES)
        throw new ProtocolError(quoted(this.#excerpt()));
      return INCOMPLETE;
    }
    if (this.#data[end + 1] !== LF) throw new ProtocolError(quoted(this.#excerpt()));
    const line = this.#data.toString("latin1", this.#at, end);
    this.#at = end + 2;
    return line;
  }

  #excerpt(): string {
    return this.#data.toString("latin1", this.#at, this.#at + 40);
  }
}

/** A text that there is none of, `$-1`. */
function isNone({ from, to }: Place): boolean {
  return to < from;
}

/** The beginning of a line, as it can be shown. */
function quoted(line: string): string {
  return JSON.stringify(line.slice(0, 40));
}

/** The number behind the type byte of a line. */
function numberOf(line: string, form: RegExp): number {
  const text = line.slice(1);
  if (!form.test(text)) throw new ProtocolError(quoted(line));
  return Number(text.replace(/inf$/i, "Infinity"));
}
