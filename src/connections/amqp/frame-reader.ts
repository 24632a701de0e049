import { ResultPieces, resultText } from "../../celery/results/result-text.js";
import { isTlsAlert } from "../tls.js";
import { ProtocolError } from "./protocol-error.js";

/** What is read past amqplib on one channel. */
export interface ChannelEvents {
  /** Published messages up to `tag` (`isMultiple`), or that one, were taken (`basic.ack`) or not (`basic.nack`). */
  confirmed?(tag: number, isMultiple: boolean, isTaken: boolean): void;
  /** A published message had no queue (`basic.return`); its confirm follows. */
  returned?(correlationId: string): void;
  /**
   * A message for our consumer (`basic.deliver`), a large one cut (`celery/results/result-text.ts`); `isRepeat`: it was sent to
   * a consumer before.
   */
  delivered?(correlationId: string, text: string, tag: number, isRepeat: boolean): void;
}

const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const HEARTBEAT = 8;
/** Type, channel and size before a frame's payload. */
const HEAD_BYTES = 7;
/** Behind it. */
const FRAME_END = 0xce;
/** Class and method (AMQP 0-9-1, `basic`). */
const ACK = 0x003c0050;
const NACK = 0x003c0078;
const RETURN = 0x003c0032;
const DELIVER = 0x003c003c;
/** Class of a message's header (`basic`). */
const BASIC = 60;
/** More than any broker takes: RabbitMQ's own limit for `max_message_size` is 512 MiB. */
export const MAX_MESSAGE_BYTES = 2 ** 30;
/** Class and method of `connection.close`. */
const CONNECTION_CLOSE = 0x000a0032;
/** The frame size that amqplib asks for; the broker's is this or less. */
export const MAX_FRAME_BYTES = 131_072;

/**
 * Reads what RabbitMQ sends (AMQP 0-9-1, section 2.3) from chunks as they arrive, takes out the confirms and messages
 * of some channels, and passes all other frames on as they came.
 */
export class FrameReader {
  readonly #pass: (bytes: Buffer) => void;
  /** Those that are read here, by their numbers. */
  readonly #channels: (OwnChannel | undefined)[] = [];
  /** What has arrived of a frame that is not complete, and how many bytes it takes. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  #neededBytes = 0;
  #data: Buffer = Buffer.alloc(0);
  #closeText: string | undefined;

  /** `pass` gets whole frames; the bytes are good until it returns. */
  constructor(pass: (bytes: Buffer) => void) {
    this.#pass = pass;
  }

  /** What the broker said when it closed the connection: `NOT_ALLOWED - vhost shop not found`. */
  get closeText(): string | undefined {
    return this.#closeText;
  }

  /** From now on what `events` names is taken out of this channel, which is not 0. */
  take(channel: number, events: ChannelEvents): void {
    this.#channels[channel] = { events, content: null };
  }

  /**
   * `chunk` is copied where it is needed longer.
   * @throws {ProtocolError}, and what the events throw
   */
  feed(chunk: Buffer): void {
    let data = chunk;
    if (this.#restBytes > 0) {
      this.#rest.push(Buffer.from(chunk));
      this.#restBytes += chunk.length;
      if (this.#restBytes < this.#neededBytes) return;
      data = Buffer.concat(this.#rest);
    }
    this.#data = data;
    this.#rest = [];
    this.#restBytes = 0;
    this.#neededBytes = HEAD_BYTES;
    let at = 0;
    let passedTo = 0; // all before it has been taken or passed on
    try {
      for (let end = this.#frameEnd(at); end > 0; end = this.#frameEnd(at)) {
        if (this.#take(at, end - 1)) {
          if (passedTo < at) this.#pass(data.subarray(passedTo, at));
          passedTo = end;
        }
        at = end;
      }
    } finally {
      if (passedTo < at) this.#pass(data.subarray(passedTo, at));
    }
    if (at < data.length) {
      this.#rest.push(Buffer.from(data.subarray(at)));
      this.#restBytes = data.length - at;
    }
  }

  /** Behind the frame that starts at `at`; 0 while that has not all arrived. */
  #frameEnd(at: number): number {
    const data = this.#data;
    if (data.length - at < HEAD_BYTES) return 0;
    const payloadBytes = data.readUInt32BE(at + 3);
    if (!isFrameType(data[at]!) || payloadBytes > MAX_FRAME_BYTES) {
      throw new ProtocolError(isTlsAlert(data.subarray(at)) ? "a TLS alert" : excerpt(data, at));
    }
    const end = at + HEAD_BYTES + payloadBytes + 1;
    if (end > data.length) {
      this.#neededBytes = end - at;
      return 0;
    }
    if (data[end - 1] !== FRAME_END) throw new ProtocolError("a frame without its end");
    return end;
  }

  /** True when the frame is ours; its payload ends before `end`. */
  #take(at: number, end: number): boolean {
    const data = this.#data;
    const channel = data.readUInt16BE(at + 1);
    const payload = at + HEAD_BYTES;
    if (channel === 0) this.#closeText ??= closeTextOf(data.subarray(payload, end));
    const own = this.#channels[channel];
    if (own === undefined) return false;
    if (data[at] === METHOD) return this.#method(own, payload, end);
    const { content } = own;
    if (content === null) return false;
    if (data[at] === HEADER && content.missingBytes < 0) this.#header(own, content, payload, end);
    else if (data[at] === BODY && content.missingBytes > 0) this.#body(own, content, payload, end);
    else throw new ProtocolError("the parts of a message in another order");
    return true;
  }

  #method(own: OwnChannel, at: number, end: number): boolean {
    const data = this.#data;
    if (own.content !== null) throw new ProtocolError("a method in the middle of a message");
    if (end - at < 4) return false;
    const method = data.readUInt32BE(at);
    const { confirmed, returned, delivered } = own.events;
    if (method === ACK || method === NACK) {
      if (confirmed === undefined || end - at !== 13) return false;
      const tag = longLong(data, at + 4);
      confirmed(tag, (data[at + 12]! & 1) === 1, method === ACK);
      return true;
    }
    if (method === DELIVER && delivered !== undefined) {
      // The consumer's tag, the delivery's, and whether it is a repeat.
      const tagAt = at + 5 + (data[at + 4] ?? 0);
      if (end - tagAt < 9) return false;
      const tag = longLong(data, tagAt);
      const isRepeat = (data[tagAt + 8]! & 1) === 1;
      own.content = newContent((id, text) => delivered(id, text, tag, isRepeat));
    } else if (method === RETURN && returned !== undefined) own.content = newContent(returned);
    return own.content !== null;
  }

  #header(own: OwnChannel, content: Content, at: number, end: number): void {
    const data = this.#data;
    // Class, weight, size of the body, flags of the properties.
    if (end - at < 14 || data.readUInt16BE(at) !== BASIC) {
      throw new ProtocolError("a message's header of another kind");
    }
    const size = longLong(data, at + 4);
    if (size > MAX_MESSAGE_BYTES) throw new ProtocolError(`a message of ${size} bytes`);
    content.correlationId = correlationIdOf(data, at + 12, end);
    content.size = size;
    content.missingBytes = size;
    if (size === 0) complete(own, content, "");
  }

  #body(own: OwnChannel, content: Content, at: number, end: number): void {
    content.missingBytes -= end - at;
    if (content.missingBytes < 0) throw new ProtocolError("more of a message than it announced");
    if (content.missingBytes === 0 && content.pieces === null) {
      complete(own, content, resultText(this.#data, at, end));
      return;
    }
    content.pieces ??= new ResultPieces(content.size);
    content.pieces.add(this.#data.subarray(at, end));
    if (content.missingBytes === 0) complete(own, content, content.pieces.text());
  }
}

/** A channel that is read here, and the message whose frames are arriving on it. */
interface OwnChannel {
  readonly events: ChannelEvents;
  content: Content | null;
}

function complete(own: OwnChannel, { done, correlationId }: Content, text: string): void {
  own.content = null;
  done(correlationId, text);
}

interface Content {
  readonly done: (correlationId: string, text: string) => void;
  correlationId: string;
  size: number;
  /** Of the body; below 0 before its header has come. */
  missingBytes: number;
  /** Of a body in more than one frame. */
  pieces: ResultPieces | null;
}

function newContent(done: Content["done"]): Content {
  return { done, correlationId: "", size: 0, missingBytes: -1, pieces: null };
}

/** The reply text of `connection.close`: class and method, code, and a short text. */
function closeTextOf(payload: Buffer): string | undefined {
  if (payload.length < 7 || payload.readUInt32BE(0) !== CONNECTION_CLOSE) return undefined;
  return payload.toString("utf8", 7, 7 + payload[6]!);
}

/** What stands where a frame should begin. */
function excerpt(data: Buffer, at: number): string {
  return JSON.stringify(data.toString("latin1", at, at + 40));
}

function longLong(data: Buffer, at: number): number {
  return data.readUInt32BE(at) * 2 ** 32 + data.readUInt32BE(at + 4);
}

function isFrameType(type: number): boolean {
  return type === METHOD || type === HEADER || type === BODY || type === HEARTBEAT;
}

const HAS_CONTENT_TYPE = 0x8000;
const HAS_CONTENT_ENCODING = 0x4000;
const HAS_HEADERS = 0x2000;
const HAS_DELIVERY_MODE = 0x1000;
const HAS_PRIORITY = 0x0800;
const HAS_CORRELATION_ID = 0x0400;

/** From the properties of a message, whose flags are at `at`; "" when there is none. */
function correlationIdOf(data: Buffer, at: number, end: number): string {
  if (end - at < 2) return "";
  const flags = data.readUInt16BE(at);
  if ((flags & HAS_CORRELATION_ID) === 0) return "";
  let from = at + 2;
  if ((flags & HAS_CONTENT_TYPE) !== 0) from += 1 + (data[from] ?? 0);
  if ((flags & HAS_CONTENT_ENCODING) !== 0) from += 1 + (data[from] ?? 0);
  if ((flags & HAS_HEADERS) !== 0) from += from + 4 > end ? 4 : 4 + data.readUInt32BE(from);
  if ((flags & HAS_DELIVERY_MODE) !== 0) from++;
  if ((flags & HAS_PRIORITY) !== 0) from++;
  const to = from + 1 + (data[from] ?? 0);
  return to > end ? "" : data.toString("latin1", from + 1, to);
}
