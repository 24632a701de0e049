import type { Redis } from "ioredis";
import { parseRedisUrl } from "../../celery/redis-url.js";
import { messageOf } from "../../errors.js";
import type { ResultsOptions, ResultsPart } from "../ports.js";
import { RedisLink } from "./link.js";

/** How long one BRPOP waits; a PING of the link waits behind it. */
const WAIT_SECONDS = 1;
/** Replies taken at once after the first. */
const MAX_BATCH = 500;
/** A reply list of a daemon that was killed disappears after this. */
const LIST_EXPIRES_SECONDS = 600;

/**
 * Results of Celery's `rpc://` over kombu's Redis transport: workers push an envelope to the list that is
 * named by our `reply_to`; it keeps what arrives while the connection is away.
 */
export function openRedisRpcResults(options: ResultsOptions): ResultsPart {
  const { events, transport } = options;
  const list = transport.global_keyprefix + options.replyTo;
  const link = new RedisLink({
    address: parseRedisUrl(options.url),
    name: `${options.clientName}:results`,
    events: {
      async prepare() {},
      up(downMs) {
        events.up("backend", downMs);
        void readReplies(link.client, list, (envelope) => deliver(envelope, events.result));
      },
      down: (cause, isConfiguration) => events.down("backend", cause, isConfiguration),
    },
  });
  link.open();
  return {
    results: {
      get ready() {
        return link.isUp;
      },
      // The list has kept what came meanwhile: there is nothing to ask.
      lookUp: async () => {},
      forget: async () => {}, // a reply is gone when it has been read
      startChords: async () => {
        throw new Error("rpc:// has no chords"); // the configuration has refused them
      },
    },
    checkLiveness: (isLate) => link.checkLiveness(isLate),
    async close() {
      // The list is ours alone. It goes now, or by itself when the connection is gone already.
      if (link.isUp) await link.client.expire(list, LIST_EXPIRES_SECONDS).catch(() => 0);
      link.close();
    },
  };
}

/** Takes replies until the connection is lost, which its link reports. */
async function readReplies(
  client: Redis,
  list: string,
  deliver: (envelope: string) => void,
): Promise<void> {
  try {
    for (;;) {
      const first = await client.brpop(list, WAIT_SECONDS);
      if (first === null) continue;
      deliver(first[1]);
      for (const envelope of (await client.rpop(list, MAX_BATCH)) ?? []) deliver(envelope);
    }
  } catch (error) {
    if (client.status === "ready") client.emit("error", new Error(messageOf(error)));
  }
}

function deliver(envelope: string, result: ResultsOptions["events"]["result"]): void {
  try {
    const { body, properties } = JSON.parse(envelope);
    result(String(properties.correlation_id), 0, Buffer.from(body, "base64").toString());
  } catch {
    result("", 0, ""); // counted as one that matches no task
  }
}
