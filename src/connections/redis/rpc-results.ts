import type { Redis } from "ioredis";
import { readReply } from "../../celery/redis-envelope.js";
import { parseRedisUrl } from "../../celery/redis-url.js";
import { messageOf } from "../../errors.js";
import type { ResultsOptions, ResultsPart } from "../ports.js";
import { RedisLink } from "./link.js";

/** How long one BRPOP waits; a PING of the link waits behind it. */
const WAIT_SECONDS = 1;
/** Replies taken at once after the first, until there are none. */
const MAX_BATCH = 500;
/** Celery's default of `result_expires`. */
const LATE_REPLIES_EXPIRE_SECONDS = 86_400;

/**
 * Results of Celery's `rpc://` over kombu's Redis transport: workers push an envelope to the list that is
 * named by our `reply_to`; it keeps what arrives while the connection is away.
 */
export function openRedisRpcResults(options: ResultsOptions): ResultsPart {
  const { events, transport } = options;
  const list = transport.global_keyprefix + options.replyTo;
  let isLeaving = false;
  const link = new RedisLink({
    address: parseRedisUrl(options.url),
    name: `${options.clientName}:results`,
    events: {
      async prepare() {},
      up(downMs) {
        events.up("backend", downMs);
        void readReplies(link, list, {
          isOver: () => isLeaving,
          deliver: (envelope) => deliver(envelope, events.result),
        });
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
    async close(isOwed) {
      isLeaving = true;
      // Should it fail, the link has said so, and what is at stake is a few late replies.
      if (link.isUp && isOwed) await letExpire(link.client, list).catch(() => {});
      link.close();
    },
  };
}

/**
 * Replies that come when nobody takes them any more make the list anew, and without an end. An empty
 * element that stays in it gives them one.
 */
async function letExpire(client: Redis, list: string): Promise<void> {
  await client.multi().lpush(list, "").expire(list, LATE_REPLIES_EXPIRE_SECONDS).exec();
}

/** Takes replies until the connection is lost, or is left as they cannot be taken, or it is over. */
async function readReplies(
  link: RedisLink,
  list: string,
  { isOver, deliver }: { isOver(): boolean; deliver(envelope: string): void },
): Promise<void> {
  const { client } = link;
  const { stream } = client;
  let envelopes: string[] = [];
  while (!isOver()) {
    try {
      envelopes =
        envelopes.length === 0
          ? ((await client.brpop(list, WAIT_SECONDS)) ?? []).slice(1)
          : ((await client.rpop(list, MAX_BATCH)) ?? []);
    } catch (error) {
      // Refused, or answered with nonsense: nobody would read on this connection any more.
      if (client.stream === stream && !isOver()) link.leave(messageOf(error));
      return;
    }
    for (const envelope of envelopes) deliver(String(envelope));
  }
}

function deliver(envelope: string, result: ResultsOptions["events"]["result"]): void {
  const reply = readReply(envelope);
  // Whatever else is in our list is counted as one that matches no task.
  result(reply?.correlationId ?? "", 0, reply?.body ?? "");
}
