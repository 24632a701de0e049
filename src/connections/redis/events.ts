import { readRedisEvents } from "../../celery/events/event-message.js";
import { fanoutPattern } from "../../celery/events/fanout-channel.js";
import { parseRedisUrl } from "../../celery/urls/redis-url.js";
import type { EventStream, EventStreamOptions } from "../observe-ports.js";
import { onMessage } from "./contained-faults.js";
import { databasesOf } from "./fanout-databases.js";
import { RedisLink } from "./link.js";

/** Events over kombu's Redis transport: one pattern subscription on the channels of their exchange. */
export function openRedisEvents(options: EventStreamOptions): EventStream {
  const { clientName, transport, report, received } = options;
  const address = parseRedisUrl(options.url);
  const patterns = databasesOf(address).map((db) =>
    fanoutPattern(transport, db, transport.event_exchange, "#"),
  );
  const link = new RedisLink({
    address,
    name: `${clientName}:events`,
    isOptional: true,
    subscribes: true,
    events: {
      async prepare(client) {
        await client.psubscribe(...patterns);
      },
      up: () => report.up(),
      down: (cause, isConfiguration) => report.down(cause, isConfiguration),
    },
  });
  onMessage(link.client, (_channel, message) => {
    link.answered();
    received(readRedisEvents(message.toString()));
  });
  link.open();
  return {
    stepAside: () => link.stepAside(),
    checkLiveness: (isLate) => link.checkLiveness(isLate),
    async close() {
      link.close();
    },
  };
}
