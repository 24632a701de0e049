import { fanoutChannel } from "../../celery/events/fanout-channel.js";
import { redisSentEnvelope, SENT_ROUTING_KEY } from "../../celery/events/sent-event.js";
import { parseRedisUrl } from "../../celery/urls/redis-url.js";
import { messageOf } from "../../errors.js";
import type { BrokerOptions } from "../ports.js";
import type { SentEvents } from "../sent-events.js";
import { databasesOf } from "./fanout-databases.js";
import { RedisLink } from "./link.js";
import { isServerRefusal } from "./reply.js";

/** A server that stands still must not let memory grow. */
const MAX_UNANSWERED = 8_192;

/** Our own events over kombu's Redis transport, on a connection of their own: no task waits for them. */
export function openRedisSentEvents(options: BrokerOptions): SentEvents {
  const { clientName, transport, events } = options;
  const address = parseRedisUrl(options.url);
  const channels = databasesOf(address).map((db) =>
    fanoutChannel(transport, db, transport.event_exchange, SENT_ROUTING_KEY),
  );
  const link = new RedisLink({
    address,
    name: `${clientName}:sent-events`,
    isOptional: true,
    events: {
      async prepare() {},
      up() {},
      down: (cause) => events.sentEventsLost(cause),
    },
    ...(options.client === "direct" ? { takeOver: { message() {}, async wired() {} } } : {}),
  });
  let unanswered = 0;
  const answered = () => {
    unanswered--;
    link.answered();
  };
  const failed = (error: Error) => {
    unanswered--;
    // When the connection is lost, the link says so.
    if (isServerRefusal(error)) events.sentEventsLost(messageOf(error));
  };
  return {
    open: () => link.open(),
    stepAside: () => link.stepAside(),
    send(sent) {
      if (!link.isUp || link.client.status !== "ready" || unanswered > MAX_UNANSWERED) return;
      for (const event of sent) {
        unanswered += channels.length;
        const envelope = redisSentEnvelope(event, transport.event_exchange);
        for (const channel of channels) {
          link.call("PUBLISH", channel, envelope).then(answered, failed);
        }
      }
    },
    checkLiveness: (isLate) => link.checkLiveness(isLate),
    async close() {
      link.close();
    },
  };
}
