import { randomUUID } from "node:crypto";
import { readEvents } from "../../celery/events/event-message.js";
import { parseAmqpUrl } from "../../celery/urls/amqp-url.js";
import type { EventStream, EventStreamOptions } from "../observe-ports.js";
import { CLASSIC } from "./classic-queue.js";
import { AmqpLink } from "./link.js";
import { hasExchange } from "./passive.js";

/** Celery's own receivers keep 5 s of events; more outlasts a pause of this process. */
const KEEP_MS = 60_000;

/** Events on RabbitMQ: an exclusive queue of ours, bound to their exchange, which workers declare. */
export function openAmqpEvents(options: EventStreamOptions): EventStream {
  const { clientName, report, received, transport } = options;
  const { event_exchange: exchange, event_queue_prefix } = transport;
  const link: AmqpLink = new AmqpLink(
    parseAmqpUrl(options.url),
    `${clientName}:events`,
    {
      async prepare(model) {
        if (!(await hasExchange(model, exchange))) {
          throw new Error(`there is no exchange "${exchange}": no worker has sent events yet`);
        }
        const channel = await model.createChannel();
        link.watch(channel);
        const { queue } = await channel.assertQueue(`${event_queue_prefix}.${randomUUID()}`, {
          durable: false,
          exclusive: true,
          autoDelete: true,
          messageTtl: KEEP_MS,
          arguments: CLASSIC,
        });
        await channel.bindQueue(queue, exchange, "#");
        await channel.consume(
          queue,
          (message) => {
            if (message === null) link.fail("our queue for events was deleted");
            else received(readEvents(message.content.toString()));
          },
          { noAck: true },
        );
      },
      up: () => report.up(),
      down: (cause, isConfiguration) => report.down(cause, isConfiguration),
    },
    { isOptional: true },
  );
  link.open();
  return {
    stepAside: () => link.stepAside(),
    checkLiveness() {}, // the heartbeats of AMQP do it
    close: () => link.close(),
  };
}
