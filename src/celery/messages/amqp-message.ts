import { bodyEncoding } from "./body-encoding.js";
import { type MessageFill, SAMPLE_FILL, type TaskMessageSpec, taskHeaders } from "./message.js";
import { assertSurvivableHeaders } from "./survivable.js";

/** A task message on AMQP 0-9-1 as py-amqp publishes it; `properties` in amqplib's names. */
export interface AmqpMessage {
  /** The task's id, which is also its correlation id. */
  readonly id: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  readonly properties: {
    readonly contentType: string;
    readonly contentEncoding: string;
    readonly deliveryMode: number;
    readonly priority: number;
    readonly correlationId: string;
    readonly replyTo: string;
    readonly expiration?: string;
    readonly headers: Readonly<Record<string, unknown>>;
  };
}

export interface AmqpMessageTemplate {
  readonly exchange: string;
  readonly routingKey: string;
  /** Null when it differs from message to message. */
  readonly fixedContent: Buffer | null;
  contentOf(fill: Readonly<MessageFill>): Buffer;
  render(fill: Readonly<MessageFill>): AmqpMessage;
  /** Of the same messages with another routing key. */
  withRoutingKey(routingKey: string): AmqpMessageTemplate;
}

/** RabbitMQ closes the channel for more than 32 bits (`rabbit_misc check_expiry`): 49 days. */
const MAX_EXPIRATION_MS = 2 ** 32 - 1;

/**
 * The template of a task's messages (`kombu/messaging.py publish`, `celery/app/amqp.py as_task_v2`).
 * `fixedBody` is the JSON text of its body, or null when it differs from message to message.
 * @throws {Error} when the result would not be a message that a worker survives (`survivable.ts`).
 */
export function compileAmqpMessage(
  spec: TaskMessageSpec,
  replyTo: string,
  fixedBody: string | null,
): AmqpMessageTemplate {
  const { contentType, contentEncoding, encode } = bodyEncoding(spec);
  const fixedContent = fixedBody === null ? null : encode(fixedBody);
  // Without it beyond the limit, the header `expires` still tells the worker.
  const expiration =
    spec.expiresMs === null || spec.expiresMs > MAX_EXPIRATION_MS
      ? {}
      : { expiration: String(Math.trunc(spec.expiresMs)) };
  assertSurvivableHeaders(taskHeaders(spec, SAMPLE_FILL), spec.protocol);
  const { exchange, routingKey } = spec;
  const contentOf = ({ body }: Readonly<MessageFill>) => fixedContent ?? encode(body);
  return {
    ...{ exchange, routingKey, fixedContent, contentOf },
    withRoutingKey: (key) => compileAmqpMessage({ ...spec, routingKey: key }, replyTo, fixedBody),
    render: (fill) => ({
      id: fill.id,
      exchange,
      routingKey,
      content: contentOf(fill),
      properties: {
        contentType,
        contentEncoding,
        deliveryMode: spec.isPersistent ? 2 : 1,
        priority: spec.priority,
        correlationId: fill.id,
        replyTo,
        ...expiration,
        headers: taskHeaders(spec, fill),
      },
    }),
  };
}
