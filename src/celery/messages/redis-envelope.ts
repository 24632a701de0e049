import { memberAt, stringAt, stringEnd } from "../results/json-member.js";
import { cutText, decodedText, MAX_RESULT_BYTES } from "../results/result-text.js";
import { bodyEncoding } from "./body-encoding.js";
import { isExactNumber } from "./exact-number.js";
import { type MessageFill, SAMPLE_FILL, type TaskMessageSpec, taskHeaders } from "./message.js";
import { assertSurvivableEnvelope, assertSurvivableHeaders } from "./survivable.js";

/**
 * Kombu's envelope of one task's messages on Redis (`kombu/transport/virtual/base.py`), made once: bytes
 * in which only the places that differ are filled in, so that a message costs no JSON, no base64 and no
 * strings (docs/performance.md).
 */
class RedisEnvelope {
  readonly #segments: readonly Piece[];
  readonly #toBase64: (json: string) => string;
  /** What is filled in, each once. */
  readonly #keys: readonly Exclude<FillKey, "body">[];
  /** What stands in the segments now. */
  readonly #filled: Record<Exclude<FillKey, "body">, string>;
  /** Bytes without the body, where that differs. */
  readonly fixedLength: number;

  constructor(segments: readonly Piece[], toBase64: (json: string) => string) {
    this.#segments = segments;
    this.#toBase64 = toBase64;
    this.#keys = [...new Set(segments.flatMap(({ places }) => places.map(({ key }) => key)))];
    this.#filled = { ...SAMPLE_FILL };
    this.fixedLength = segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /**
   * A message; what it needs of the fill is copied.
   * @throws {Error} when something has not the width of its place
   */
  fill({ id, eta, expires, group, body }: Readonly<MessageFill>): RedisMessage {
    const text = this.#segments.length > 1 ? this.#toBase64(body) : "";
    const message = new RedisMessage(this, id, eta, expires, group, text);
    for (const key of this.#keys) {
      if (message[key].length !== SAMPLE_FILL[key].length) {
        throw new Error(`${key} must have ${SAMPLE_FILL[key].length} characters`);
      }
    }
    return message;
  }

  /** Writes a message of this envelope and returns where it ends. */
  write(message: RedisMessage, target: Buffer, at: number): number {
    for (const key of this.#keys) {
      // Times are the same in all messages of a turn.
      if (this.#filled[key] !== message[key]) this.#put(key, message[key]);
    }
    let end = at;
    for (let index = 0; index < this.#segments.length; index++) {
      const { bytes } = this.#segments[index]!;
      if (index > 0) end += target.write(message.body, end, "latin1");
      target.set(bytes, end);
      end += bytes.length;
    }
    return end;
  }

  /** Into all its places: one is written, the others are copied, as a write costs as much as 100 bytes. */
  #put(key: Exclude<FillKey, "body">, text: string): void {
    this.#filled[key] = text;
    let first: Place | null = null;
    for (const { bytes, places } of this.#segments) {
      for (const place of places) {
        if (place.key !== key) continue;
        if (first === null) {
          bytes.write(text, place.offset, "latin1");
          first = { bytes, offset: place.offset };
        } else {
          for (let i = 0; i < text.length; i++) {
            bytes[place.offset + i] = first.bytes[first.offset + i]!;
          }
        }
      }
    }
  }
}

/** Bytes that are the same in all messages but for the places where something is filled in. */
interface Piece {
  readonly bytes: Buffer;
  readonly places: readonly { readonly offset: number; readonly key: Exclude<FillKey, "body"> }[];
}

interface Place {
  readonly bytes: Buffer;
  readonly offset: number;
}

type FillKey = keyof MessageFill;

/** A list element to LPUSH, pure ASCII. */
export class RedisMessage implements Readonly<MessageFill> {
  readonly #envelope: RedisEnvelope;
  readonly id: string;
  readonly eta: string;
  readonly expires: string;
  readonly group: string;
  /** Encoded; "" when it is the same in all messages. */
  readonly body: string;

  constructor(
    envelope: RedisEnvelope,
    id: string,
    eta: string,
    expires: string,
    group: string,
    body: string,
  ) {
    this.#envelope = envelope;
    this.id = id;
    this.eta = eta;
    this.expires = expires;
    this.group = group;
    this.body = body;
  }

  get byteLength(): number {
    return this.#envelope.fixedLength + this.body.length;
  }

  /** Writes it and returns where it ends. */
  write(target: Buffer, at: number): number {
    return this.#envelope.write(this, target, at);
  }

  toString(): string {
    const bytes = Buffer.alloc(this.byteLength);
    this.write(bytes, 0);
    return bytes.toString("latin1");
  }
}

/** Separates queue name and priority in a list key (kombu's `sep`). */
export const DEFAULT_SEP = "\x06\x16";

// With half a surrogate pair, which no text of a configuration has: none is mistaken for a mark.
const MARKS: MessageFill = {
  id: "\ud800id\ud800",
  eta: "\ud800eta\ud800",
  expires: "\ud800expires\ud800",
  group: "\ud800group\ud800",
  body: "\ud800body\ud800",
};
const MARK = /\\ud800(id|eta|expires|group)\\ud800/g;
const BODY_MARK = "\\ud800body\\ud800";

/**
 * The envelope template of a task. `fixedBody` is the JSON text of its body, or null when it differs
 * from message to message. `replyTo` is the client's id (sent on every task, as Celery does).
 * @throws {Error} when the result would not be a message that a worker survives (`survivable.ts`).
 */
export function compileRedisEnvelope(
  spec: TaskMessageSpec,
  replyTo: string,
  fixedBody: string | null,
): RedisEnvelope {
  const { contentType, contentEncoding, encode } = bodyEncoding(spec);
  const base64 = (json: string) => encode(json).toString("base64");
  const text = ascii(
    exactJson({
      body: fixedBody === null ? MARKS.body : base64(fixedBody),
      "content-encoding": contentEncoding,
      "content-type": contentType,
      headers: taskHeaders(spec, MARKS),
      properties: {
        correlation_id: MARKS.id,
        reply_to: replyTo,
        delivery_mode: spec.isPersistent ? 2 : 1,
        delivery_info: { exchange: spec.exchange, routing_key: spec.routingKey },
        priority: spec.priority,
        body_encoding: "base64",
        // The key of the workers' unacked hash, hence unique for each message: our task ids are.
        delivery_tag: MARKS.id,
        ...(spec.expiresMs === null ? {} : { expiration: String(Math.trunc(spec.expiresMs)) }),
      },
    }),
  );
  const segments = text.split(BODY_MARK).map(segmentOf);
  const envelope = new RedisEnvelope(segments, base64);
  const sample = JSON.parse(envelope.fill(SAMPLE_FILL).toString());
  assertSurvivableEnvelope(sample);
  assertSurvivableHeaders(sample.headers, spec.protocol);
  return envelope;
}

/** `JSON.stringify`, with numbers as they were written. */
function exactJson(value: object): string {
  const marked = JSON.stringify(value, (_, item: unknown) =>
    isExactNumber(item) ? `\ud800number ${item}` : item,
  );
  return marked.replaceAll(/"\\ud800number ([^"]*)"/g, "$1");
}

/** Ids and times always have the width that they have in the sample. */
function segmentOf(text: string): Piece {
  const places: { offset: number; key: Exclude<FillKey, "body"> }[] = [];
  let filled = "";
  let at = 0;
  for (const { 0: mark, 1: name, index } of text.matchAll(MARK)) {
    const key = name as Exclude<FillKey, "body">;
    filled += text.slice(at, index);
    places.push({ offset: filled.length, key });
    filled += SAMPLE_FILL[key];
    at = index + mark.length;
  }
  return { bytes: Buffer.from(filled + text.slice(at), "latin1"), places };
}

/**
 * The list that holds a queue's messages of one priority (`kombu/transport/redis.py _q_for_pri`):
 * the priority is lowered to the next step, and what is below the first one goes to the last; step 0 is
 * the bare queue name. 0 is served first.
 */
export function priorityKey(
  queue: string,
  priority: number,
  options: { readonly priority_steps: readonly number[]; readonly sep: string },
): string {
  const steps = options.priority_steps;
  const step = steps.findLast((each) => each <= priority) ?? steps.at(-1)!;
  return step === 0 ? queue : `${queue}${options.sep}${step}`;
}

/** A reply of `rpc://` as a worker puts it into our list (`kombu/transport/virtual/base.py Message`). */
export interface Reply {
  readonly correlationId: string;
  readonly body: string;
}

/** Reads an envelope; null when the text is none. A large body is cut (`result-text.ts`). Never throws. */
export function readReply(envelope: string): Reply | null {
  if (envelope.length > MAX_RESULT_BYTES) return readLargeReply(envelope);
  try {
    const { body, properties } = JSON.parse(envelope);
    const { correlation_id: correlationId, body_encoding: encoding } = properties;
    if (typeof body !== "string" || typeof correlationId !== "string") return null;
    return {
      correlationId,
      body: encoding === "base64" ? decodedText(body) : body,
    };
  } catch {
    return null; // no JSON, or of another shape
  }
}

/** The same without making an object of it: its body is stepped over and not copied. */
function readLargeReply(envelope: string): Reply | null {
  const propertiesAt = memberAt(envelope, 0, "properties");
  const correlationId = stringAt(envelope, memberAt(envelope, propertiesAt, "correlation_id"));
  const bodyAt = memberAt(envelope, 0, "body");
  const bodyEnd = stringEnd(envelope, bodyAt);
  if (correlationId === null || bodyEnd < 0) return null;
  const body = envelope.slice(bodyAt + 1, bodyEnd - 1);
  const encoding = stringAt(envelope, memberAt(envelope, propertiesAt, "body_encoding"));
  if (encoding === "base64") return { correlationId, body: decodedText(body) };
  // Plain text is a JSON string, of which an end is none.
  const text = stringAt(envelope, bodyAt);
  return text === null ? null : { correlationId, body: cutText(text) };
}

/** JSON text with everything outside ASCII escaped, as Python's `json.dumps` writes it. */
function ascii(json: string): string {
  return json.replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
