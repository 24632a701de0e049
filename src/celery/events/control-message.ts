import { isMapping } from "../../mapping.js";
import { parsePythonJson } from "../messages/python-json.js";
import { readRedisEnvelope } from "../messages/redis-delivery.js";

/**
 * Celery's remote control (`kombu/pidbox.py Mailbox`, `celery/worker/control.py`): a request is
 * broadcast to the workers, and each one that it is meant for answers with one message.
 *
 * The exchanges bear the name of a namespace, which is Celery's setting `control_exchange`.
 */
export interface Mailbox {
  readonly requests: string;
  readonly replies: string;
}

export function mailboxOf(namespace: string): Mailbox {
  return { requests: `${namespace}.pidbox`, replies: `reply.${namespace}.pidbox` };
}

export interface ReplyTo {
  readonly exchange: string;
  readonly routing_key: string;
}

export interface ControlRequest {
  /** A command of `celery/worker/control.py`, such as `ping`. */
  readonly method: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Full node names; null = every worker. */
  readonly destination: readonly string[] | null;
  /** Comes back with every answer. */
  readonly ticket: string;
  /** Null: nobody answers. */
  readonly replyTo: ReplyTo | null;
  /** When nobody waits for an answer any more. */
  readonly expiresUnixSeconds: number;
}

/** One worker's answer. */
export interface ControlReply {
  readonly ticket: string;
  /** Full name of the worker's node: `celery@host`. */
  readonly node: string;
  readonly answer: unknown;
}

/** JSON text of a request's body, in the order of `Mailbox._publish`. */
export function controlBody(request: ControlRequest): string {
  const { method, arguments: given, destination, ticket, replyTo } = request;
  return JSON.stringify({
    method,
    arguments: given,
    destination,
    pattern: null,
    matcher: null,
    ticket,
    reply_to: replyTo,
  });
}

/** `clock` is a Lamport clock; workers take the higher one, so ours need not tick. */
export function controlHeaders(request: ControlRequest): Readonly<Record<string, number>> {
  return { clock: 0, expires: request.expiresUnixSeconds };
}

/** Properties of a request on AMQP, in amqplib's names. */
export const CONTROL_PROPERTIES = {
  contentType: "application/json",
  contentEncoding: "utf-8",
  deliveryMode: 2,
  priority: 0,
} as const;

/** A request as it is published on the Redis channel of an exchange. */
export function redisControlEnvelope(request: ControlRequest, exchange: string): string {
  return JSON.stringify({
    body: Buffer.from(controlBody(request)).toString("base64"),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    headers: controlHeaders(request),
    properties: {
      delivery_mode: 2,
      delivery_info: { exchange, routing_key: "" },
      priority: 0,
      body_encoding: "base64",
      delivery_tag: request.ticket,
    },
  });
}

/** Longest answer that is read, in characters: 10,000 tasks of a worker take a tenth. */
const MAX_REPLY_LENGTH = 4 * 2 ** 20;

/** Reads an answer: `{"<node>": <answer>}` with the ticket in a header. Null when it is none. */
export function readControlReply(ticket: unknown, body: string): ControlReply | null {
  if (body.length > MAX_REPLY_LENGTH) return null;
  let answers: unknown;
  try {
    answers = parsePythonJson(body);
  } catch {
    return null;
  }
  if (typeof ticket !== "string" || !isMapping(answers)) return null;
  const [only, ...others] = Object.entries(answers);
  if (only === undefined || others.length > 0) return null;
  return { ticket, node: only[0], answer: only[1] };
}

/** Reads an answer out of kombu's envelope. */
export function readRedisControlReply(envelope: string): ControlReply | null {
  if (envelope.length > 2 * MAX_REPLY_LENGTH) return null;
  const delivery = readRedisEnvelope(envelope);
  return delivery === null ? null : readControlReply(delivery.headers.ticket, delivery.body);
}

/** What a worker says when it could not answer, such as `KeyError('no_such_command')`; else null. */
export function controlError(answer: unknown): string | null {
  return isMapping(answer) && typeof answer.error === "string" ? answer.error : null;
}
