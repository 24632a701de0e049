import { resultText } from "../../celery/results/result-text.js";
import { parseAmqpUrl } from "../../celery/urls/amqp-url.js";
import type { ResultsOptions, ResultsPart } from "../ports.js";
import { Acknowledgements } from "./acknowledgements.js";
import { CLASSIC } from "./classic-queue.js";
import { AmqpLink } from "./link.js";

/** An unused reply queue of a daemon that is gone disappears after this. */
const QUEUE_EXPIRES_MS = 600_000;

/**
 * Results of Celery's `rpc://` on RabbitMQ (`celery/backends/rpc.py`): one reply queue for the whole
 * process, matched by correlation id. Durable, neither auto-delete nor exclusive: only this form keeps
 * the replies that arrive while the connection is away. Each is acknowledged when it has been read: without
 * that RabbitMQ takes a reply for delivered when it hands it to the connection, and what is on its way to us
 * when that ends would be gone. What may have been read before comes marked as a repeat.
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
        const acknowledgements = new Acknowledgements(channel);
        tap?.take(model, channel, {
          delivered(id, text, tag, isRepeat) {
            events.result(id, 0, text, isRepeat);
            acknowledgements.read(tag);
          },
        });
        link.watch(channel);
        await channel.assertQueue(replyTo, {
          durable: true,
          autoDelete: false,
          exclusive: false,
          expires: QUEUE_EXPIRES_MS,
          arguments: CLASSIC,
        });
        const { consumerTag } = await channel.consume(replyTo, (message) => {
          if (message === null) {
            events.repliesLost();
            link.fail("the reply queue was deleted");
            return;
          }
          const { fields, properties, content } = message;
          const { deliveryTag, redelivered } = fields;
          events.result(String(properties.correlationId), 0, resultText(content), redelivered);
          acknowledgements.read(deliveryTag);
        });
        leave = async () => {
          acknowledgements.stop();
          await channel.cancel(consumerTag); // else the deletion would look like somebody else's
          await channel.deleteQueue(replyTo);
        };
      },
      up: (downMs) => events.up("backend", downMs),
      down: (cause, isConfiguration) => events.down("backend", cause, isConfiguration),
    },
    { client: options.client },
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
    optional: null,
    checkLiveness() {}, // the heartbeats of AMQP do it
    close: () => link.close(() => leave()),
  };
}
