import type { MessageFill, TaskMessageSpec } from "../messages/message.js";

/** Routing key of the event: its type with dots (`celery/events/dispatcher.py publish`). */
export const SENT_ROUTING_KEY = "task.sent";

/** Properties of the event on AMQP, in amqplib's names: lost rather than kept. */
export const EVENT_PROPERTIES = {
  contentType: "application/json",
  contentEncoding: "utf-8",
  deliveryMode: 1,
  priority: 0,
} as const;

/** A `task-sent` event. */
export interface SentEvent {
  /** Of the task. */
  readonly id: string;
  /** Who sends it: the task's `origin`. */
  readonly hostname: string;
  /** JSON text. */
  readonly body: string;
}

/** What differs from event to event of one task. */
export interface SentFill extends Pick<MessageFill, "id" | "eta" | "expires"> {
  /** By our clock, when it had been published. */
  readonly unixMs: number;
  /** A Lamport clock: workers take the higher one. */
  readonly clock: number;
}

/** Who sends events. */
export interface EventSender {
  readonly pid: number;
  /** Hours that local time is behind UTC: negative in the east (`celery/utils/time.py utcoffset`). */
  readonly utcOffsetHours: number;
}

/**
 * Prepares the events that a Celery producer with `task_send_sent_event` publishes once it has published a
 * task (`celery/app/amqp.py as_task_v2, send_task_message`), with the fields and in the order of Celery.
 */
export function compileSentEvent(
  spec: TaskMessageSpec,
  { pid, utcOffsetHours }: EventSender,
): (fill: SentFill) => SentEvent {
  const hostname = spec.origin;
  const head = inner({ hostname, utcoffset: utcOffsetHours, pid });
  const task = inner({
    parent_id: null,
    name: spec.name,
    args: spec.argsrepr,
    kwargs: spec.kwargsrepr,
    retries: spec.retries,
  });
  const tail = inner({
    queue: spec.queue,
    exchange: spec.exchange,
    routing_key: spec.routingKey,
  });
  return ({ id, eta, expires, unixMs, clock }) => {
    const etaText = spec.hasEta ? `"${eta}"` : "null";
    const expiresText = spec.expiresMs === null ? "null" : `"${expires}"`;
    const body =
      `{${head}, "clock": ${clock}, "uuid": "${id}", "root_id": "${id}", ${task}, ` +
      `"eta": ${etaText}, "expires": ${expiresText}, ${tail}, ` +
      `"timestamp": ${unixMs / 1_000}, "type": "task-sent"}`;
    return { id, hostname, body };
  };
}

/** An event as it is published on the Redis channel of an exchange, in kombu's envelope. */
export function redisSentEnvelope({ id, hostname, body }: SentEvent, exchange: string): string {
  return JSON.stringify({
    body: Buffer.from(body).toString("base64"),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    headers: { hostname },
    properties: {
      delivery_mode: 1,
      delivery_info: { exchange, routing_key: SENT_ROUTING_KEY },
      priority: 0,
      body_encoding: "base64",
      delivery_tag: id,
    },
  });
}

/** The members of an object without its braces. */
function inner(fields: object): string {
  return JSON.stringify(fields).slice(1, -1);
}
