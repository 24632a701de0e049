import { EVENT_EXCHANGE, readEvents } from "../../celery/event-message.js";
import { fanoutPattern } from "../../celery/fanout-channel.js";
import { readRedisEnvelope } from "../../celery/redis-delivery.js";
import { parseRedisUrl } from "../../celery/redis-url.js";
import type { EventStream, EventStreamOptions } from "../observe-ports.js";
import { databasesOf } from "./fanout-databases.js";
import { RedisLink } from "./link.js";

/** Events over kombu's Redis transport: one pattern subscription on the channels of their exchange. */
export function openRedisEvents(options: EventStreamOptions): EventStream {
  const { clientName, transport, report, received } = options;
  const address = parseRedisUrl(options.url);
  const patterns = databasesOf(address).map((db) =>
    fanoutPattern(transport, db, EVENT_EXCHANGE, "#"),
  );
  const link = new RedisLink({
    address,
    name: `${clientName}:events`,
    events: {
      async prepare(client) {
        await client.psubscribe(...patterns);
      },
      up: () => report.up(),
      down: (cause, isConfiguration) => report.down(cause, isConfiguration),
    },
  });
  link.client.on("pmessage", (_pattern: string, _channel: string, text: string) => {
    link.answered();
    const delivery = readRedisEnvelope(text);
    received(delivery === null ? { events: [], malformed: 1 } : readEvents(delivery.body));
  });
  link.open();
  return {
    async close() {
      link.close();
    },
  };
}
