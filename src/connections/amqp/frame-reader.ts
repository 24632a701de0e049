/** What is read past amqplib on one channel. */
export interface ChannelEvents {
  /** Published messages up to `tag` (`isMultiple`), or that one, were taken (`basic.ack`) or not (`basic.nack`). */
  confirmed?(tag: number, isMultiple: boolean, isTaken: boolean): void;
  /** A published message had no queue (`basic.return`); its confirm follows. */
  returned?(correlationId: string): void;
  /** A message for our consumer (`basic.deliver`); `isRepeat`: it was sent to a consumer before. */
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
/** Class and method of `connection.close`. */
const CONNECTION_CLOSE = 0x000a0032;
/** The frame size that amqplib asks for; the broker's is this or less. */
const MAX_FRAME_BYTES = 131_072;

/**
 * Reads what RabbitMQ sends (AMQP 0-9-1, section 2.3) from chunks as they arrive, takes out the confirms and messages
 * of some channels, and passes all other frames on as they came. What does not look like frames is passed on from
 * there, for amqplib to judge.
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
  #isForeign = false;
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
   * @throws what the events throw
   */
  feed(chunk: Buffer): void {
    if (this.#isForeign) {
      this.#pass(chunk);
      return;
    }
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
    while (data.length - at >= HEAD_BYTES) {
      const payloadBytes = data.readUInt32BE(at + 3);
      const end = at + HEAD_BYTES + payloadBytes + 1;
      if (!isFrameType(data[at]!) || payloadBytes > MAX_FRAME_BYTES) {
        this.#isForeign = true;
        break;
      }
      if (end > data.length) {
        this.#neededBytes = end - at;
        break;
      }
      if (data[end - 1] !== FRAME_END) {
        this.#isForeign = true;
        break;
      }
      if (this.#take(at, end - 1)) {
        if (passedTo < at) this.#pass(data.subarray(passedTo, at));
        passedTo = end;
      }
      at = end;
    }
    if (this.#isForeign) at = data.length;
    if (passedTo < at) this.#pass(data.subarray(passedTo, at));
    if (at < data.length) {
      this.#rest.push(Buffer.from(data.subarray(at)));
      this.#restBytes = data.length - at;
    }
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
    if (own.content === null) return false;
    if (data[at] === HEADER) this.#header(own, own.content, payload, end);
    else if (data[at] === BODY) this.#body(own, own.content, payload, end);
    return true;
  }

  #method(own: OwnChannel, at: number, end: number): boolean {
    const data = this.#data;
    own.content = null;
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
    const size = end - at < 14 ? 0 : longLong(data, at + 4);
    content.correlationId = correlationIdOf(data, at + 12, end);
    content.missingBytes = size;
    if (size === 0) complete(own, content, "");
  }

  #body(own: OwnChannel, content: Content, at: number, end: number): void {
    content.missingBytes -= end - at;
    if (content.missingBytes === 0 && content.parts.length === 0) {
      complete(own, content, this.#data.toString("utf8", at, end));
      return;
    }
    content.parts.push(Buffer.from(this.#data.subarray(at, end)));
    // Below 0 is no message of any broker: what came of it is what there is.
    if (content.missingBytes <= 0) complete(own, content, Buffer.concat(content.parts).toString());
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
  missingBytes: number;
  readonly parts: Buffer[];
}

function newContent(done: Content["done"]): Content {
  return { done, correlationId: "", missingBytes: 0, parts: [] };
}

/** The reply text of `connection.close`: class and method, code, and a short text. */
function closeTextOf(payload: Buffer): string | undefined {
  if (payload.length < 7 || payload.readUInt32BE(0) !== CONNECTION_CLOSE) return undefined;
  return payload.toString("utf8", 7, 7 + payload[6]!);
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
