import { parseAmqpUrl } from "../../celery/amqp-url.js";
import type { ResultsOptions, ResultsPart } from "../ports.js";
import { AmqpLink } from "./link.js";

/** An unused reply queue of a daemon that is gone disappears after this. */
const QUEUE_EXPIRES_MS = 600_000;

/**
 * Results of Celery's `rpc://` on RabbitMQ (`celery/backends/rpc.py`): one reply queue for the whole
 * process, matched by correlation id. Durable, neither auto-delete nor exclusive: only this form keeps
 * the replies that arrive while the connection is away.
 */
export function openAmqpRpcResults(options: ResultsOptions): ResultsPart {
  const { events, replyTo } = options;
  let leave = async () => {};
  const link: AmqpLink = new AmqpLink(
    parseAmqpUrl(options.url),
    `${options.clientName}:results`,
    {
      async prepare(model, tap) {
        const channel = await model.createChannel();
        tap?.take(model, channel, { delivered: (id, text) => events.result(id, 0, text) });
        link.watch(channel);
        await channel.assertQueue(replyTo, {
          durable: true,
          autoDelete: false,
          exclusive: false,
          expires: QUEUE_EXPIRES_MS,
        });
        const { consumerTag } = await channel.consume(
          replyTo,
          (message) => {
            if (message === null) {
              events.repliesLost();
              link.fail("the reply queue was deleted");
              return;
            }
            events.result(String(message.properties.correlationId), 0, message.content.toString());
          },
          { noAck: true },
        );
        leave = async () => {
          await channel.cancel(consumerTag); // else the deletion would look like somebody else's
          await channel.deleteQueue(replyTo);
        };
      },
      up: (downMs) => events.up("backend", downMs),
      down: (cause, isConfiguration) => events.down("backend", cause, isConfiguration),
    },
    options.client,
  );
  link.open();
  return {
    results: {
      get ready() {
        return link.isUp;
      },
      // The queue has kept what came meanwhile: there is nothing to ask.
      lookUp: async () => {},
      forget: async () => {}, // a reply is gone when it has been read
      startChords: async () => {
        throw new Error("rpc:// has no chords"); // the configuration has refused them
      },
    },
    checkLiveness() {}, // the heartbeats of AMQP do it
    close: () => link.close(() => leave()),
  };
}
