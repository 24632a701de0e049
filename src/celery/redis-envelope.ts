import { bodyEncoding } from "./body-encoding.js";
import { type MessageFill, SAMPLE_FILL, type TaskMessageSpec, taskHeaders } from "./message.js";
import { assertSurvivableEnvelope, assertSurvivableHeaders } from "./survivable.js";

/**
 * Kombu's envelope of one task message on Redis (`kombu/transport/virtual/base.py`), cut up once at the
 * places that change, so that a message costs a few string joins instead of JSON and base64
 * (measured 0.1 against 7.6 µs).
 */
export interface RedisEnvelope {
  /** The list element to LPUSH, pure ASCII. */
  render(fill: MessageFill): string;
}

/** Separates queue name and priority in a list key (kombu's `sep`). */
export const DEFAULT_SEP = "\x06\x16";

// Control characters cannot occur in JSON text unescaped, so no value can be mistaken for a mark.
const MARKS: MessageFill = {
  id: "\u0001id\u0001",
  eta: "\u0001eta\u0001",
  expires: "\u0001expires\u0001",
  group: "\u0001group\u0001",
  body: "\u0001body\u0001",
};
const MARK = /\\u0001(id|eta|expires|group|body)\\u0001/g;

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
    JSON.stringify({
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
  const parts = text.split(MARK);
  const envelope: RedisEnvelope = {
    render(fill) {
      let out = parts[0]!;
      for (let i = 1; i < parts.length; i += 2) {
        const mark = parts[i] as keyof MessageFill;
        out += mark === "body" ? base64(fill.body) : fill[mark];
        out += parts[i + 1]!;
      }
      return out;
    },
  };
  const sample = JSON.parse(envelope.render(SAMPLE_FILL));
  assertSurvivableEnvelope(sample);
  assertSurvivableHeaders(sample.headers, spec.protocol);
  return envelope;
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

/** Reads an envelope; null when the text is none. Never throws. */
export function readReply(envelope: string): Reply | null {
  try {
    const { body, properties } = JSON.parse(envelope);
    const { correlation_id: correlationId, body_encoding: encoding } = properties;
    if (typeof body !== "string" || typeof correlationId !== "string") return null;
    return {
      correlationId,
      body: encoding === "base64" ? Buffer.from(body, "base64").toString() : body,
    };
  } catch {
    return null; // no JSON, or of another shape
  }
}

/** JSON text with everything outside ASCII escaped, as Python's `json.dumps` writes it. */
function ascii(json: string): string {
  return json.replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
