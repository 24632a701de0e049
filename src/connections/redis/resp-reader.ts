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

/**
 * Of a larger text that comes in several chunks only both ends are kept, together so many bytes: more than is read of
 * any (`celery/result-text.ts`), in base64, too. So no size takes memory.
 */
export const KEPT_BULK_BYTES = 2 * 1024 * 1024;
const KEPT_END_BYTES = 64 * 1024;

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

/** The middle of a large text, which is not kept. Places are counted from the start of the value that it is in. */
interface Gap {
  readonly textAt: number;
  readonly at: number;
  readonly bytes: number;
  /** How many of them are still to come. */
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
  /** In the value that is being read: the first large text has one. */
  #gap: Gap | null = null;
  #data: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Where the value begins that is being read. */
  #start = 0;
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
      this.#start = this.#at;
      this.#neededBytes = 0;
      if (!this.#readOne()) {
        this.#keep(this.#data.subarray(this.#start));
        return;
      }
      this.#gap = null;
    }
  }

  /** What is not complete yet, to the start of the joint. */
  #keep(rest: Buffer): void {
    const neededBytes = this.#neededBytes - this.#start;
    this.#append(rest, neededBytes);
    this.#neededBytes = Math.max(neededBytes, this.#restBytes + 1);
  }

  /** The rest of the last chunks and this one together. False while more is missing. */
  #join(chunk: Buffer): boolean {
    const space = this.#joint.length;
    // At least doubled when it does not fit: a large value comes in many chunks.
    this.#append(chunk, this.#restBytes + chunk.length > space ? 2 * space : space);
    if (this.#restBytes < this.#neededBytes) return false;
    this.#data = this.#joint.subarray(0, this.#restBytes);
    return true;
  }

  /**
   * Copies what is kept of some bytes to the end of the joint, for which it takes `leastSpace` at least: into the same
   * memory ever again, as allocating it for every chunk made the process twice as large.
   */
  #append(bytes: Buffer, leastSpace: number): void {
    const gap = this.#gap;
    const gapAt = Math.min(Math.max((gap?.at ?? 0) - this.#restBytes, 0), bytes.length);
    const gapBytes = Math.min(gap?.missing ?? 0, bytes.length - gapAt);
    if (gap !== null) gap.missing -= gapBytes;
    const restBytes = this.#restBytes + bytes.length - gapBytes;
    const space = this.#spaceFor(Math.max(restBytes, leastSpace));
    if (space !== this.#joint) this.#joint.copy(space, 0, 0, this.#restBytes);
    bytes.copy(space, this.#restBytes, 0, gapAt);
    bytes.copy(space, this.#restBytes + gapAt, gapAt + gapBytes);
    this.#joint = space;
    this.#restBytes = restBytes;
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
    const textAt = this.#at - this.#start;
    const leftOut = this.#gap?.textAt === textAt ? this.#gap.bytes : 0;
    const end = this.#at + length + 2 - leftOut;
    if (this.#data.length < end) {
      this.#neededBytes = end;
      if (length > KEPT_BULK_BYTES && this.#gap === null) this.#leaveOut(textAt, length);
      return false;
    }
    place.from = this.#at;
    place.to = end - 2;
    this.#at = end;
    return true;
  }

  #leaveOut(textAt: number, length: number): void {
    const bytes = length - KEPT_BULK_BYTES;
    const at = textAt + KEPT_BULK_BYTES - KEPT_END_BYTES;
    this.#gap = { textAt, at, bytes, missing: bytes };
    this.#neededBytes -= bytes;
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
/** What was sent, as a message shows it. */
export function quoted(line: string): string {
  return JSON.stringify(line.slice(0, 40));
}

/** The number behind the type byte of a line. */
function numberOf(line: string, form: RegExp): number {
  const text = line.slice(1);
  if (!form.test(text)) throw new ProtocolError(quoted(line));
  return Number(text.replace(/inf$/i, "Infinity"));
}
