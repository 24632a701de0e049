import type { Channel } from "amqplib";
import { EVENT_PROPERTIES, SENT_ROUTING_KEY } from "../../celery/events/sent-event.js";
import { parseAmqpUrl } from "../../celery/urls/amqp-url.js";
import type { BrokerOptions } from "../ports.js";
import type { SentEvents } from "../sent-events.js";
import { AmqpLink, type AmqpLinkEvents } from "./link.js";
import { hasExchange } from "./passive.js";

/** Our own events on RabbitMQ, on a connection of their own: what befalls it befalls no task. */
export function openAmqpSentEvents(options: BrokerOptions): SentEvents {
  const { clientName, events, transport } = options;
  const exchange = transport.event_exchange;
  let channel: Channel | undefined;
  /** A broker that reads no more must not let memory grow. */
  let isFull = false;
  const linkEvents: AmqpLinkEvents = {
    async prepare(model) {
      // Whoever listens has declared it.
      if (!(await hasExchange(model, exchange))) {
        throw new Error(`there is no exchange "${exchange}": nobody listens to events yet`);
      }
      const own = await model.createChannel();
      link.watch(own);
      own.on("drain", () => {
        isFull = false;
      });
      channel = own;
      isFull = false;
    },
    up() {},
    down(cause) {
      channel = undefined;
      events.sentEventsLost(cause);
    },
  };
  const address = parseAmqpUrl(options.url);
  const link = new AmqpLink(address, `${clientName}:sent-events`, linkEvents, { isOptional: true });
  return {
    open: () => link.open(),
    stepAside: () => link.stepAside(),
    send(sent) {
      if (channel === undefined || !link.isUp || link.isBlocked) return;
      for (const { hostname, body } of sent) {
        if (isFull) return;
        const properties = { ...EVENT_PROPERTIES, headers: { hostname } };
        isFull = !channel.publish(exchange, SENT_ROUTING_KEY, Buffer.from(body), properties);
      }
    },
    checkLiveness() {}, // the heartbeats of AMQP do it
    close: () => link.close(),
  };
}
