import { type TaskMessageSpec, taskHeaders } from "./message.js";

/** A task message on AMQP 0-9-1 as py-amqp publishes it; `properties` in amqplib's names. */
export interface AmqpMessage {
  /** The task's id, which is also its correlation id. */
  readonly id: string;
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
  /** As `RedisEnvelope.render`. */
  render(id: string, expires: string, body: string): AmqpMessage;
}

/**
 * The template of a task's messages (`kombu/messaging.py publish`, `celery/app/amqp.py as_task_v2`).
 * `fixedBody` is the JSON text of the body triple, or null when it differs from message to message.
 */
export function compileAmqpMessage(
  spec: TaskMessageSpec,
  replyTo: string,
  fixedBody: string | null,
): AmqpMessageTemplate {
  const fixedContent = fixedBody === null ? null : Buffer.from(fixedBody);
  const fixedHeaders = taskHeaders(spec, "", null);
  const expiration =
    spec.expiresMs === null ? {} : { expiration: String(Math.trunc(spec.expiresMs)) };
  return {
    render: (id, expires, body) => ({
      id,
      content: fixedContent ?? Buffer.from(body),
      properties: {
        contentType: "application/json",
        contentEncoding: "utf-8",
        deliveryMode: 2,
        priority: spec.priority,
        correlationId: id,
        replyTo,
        ...expiration,
        headers: {
          ...fixedHeaders,
          id,
          root_id: id,
          expires: spec.expiresMs === null ? null : expires,
        },
      },
    }),
  };
}
