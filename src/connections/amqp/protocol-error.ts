/** What arrives is not what RabbitMQ sends. */
export class ProtocolError extends Error {
  override name = "ProtocolError";

  /** `what` was sent instead, in words. */
  constructor(what: string) {
    super(`the server does not speak RabbitMQ's protocol (AMQP 0-9-1): it sent ${what}`);
  }
}
