import { hostname } from "node:os";
import type { Redis } from "ioredis";
import { queueBinding } from "../../celery/redis-envelope.js";
import { parseRedisUrl } from "../../celery/redis-url.js";
import { RESULT_KEY_PREFIX } from "../../celery/result.js";
import type { Connection, ConnectionEvents, Publisher, ResultStream } from "../ports.js";
import { RedisLink } from "./link.js";
import { isServerRefusal } from "./reply.js";
import { cameBackEmpty, type ServerRun, serverRun } from "./server-run.js";

export interface RedisConnectionOptions {
  readonly broker: string;
  readonly backend: string;
  readonly transport: { readonly sep: string; readonly global_keyprefix: string };
  /** Queues to declare, as every Celery producer does. */
  readonly queues: readonly string[];
  /** The start that all our task ids share. */
  readonly idPrefix: string;
  readonly events: ConnectionEvents;
}

/** Ids asked for at once when results were missed. */
const LOOK_UP_CHUNK = 200;
/** A result's status comes first in it: no need to fetch more than this. */
const LOOK_UP_BYTES = 1024 * 1024;

/**
 * Redis as broker and result backend, with a connection for each purpose, so that one that is slow,
 * blocked or cut off does not take the others along: publish, results (pub/sub), and look-ups.
 */
export function openRedisConnection(options: RedisConnectionOptions): Connection {
  const { events } = options;
  const resultPrefix = RESULT_KEY_PREFIX;
  const name = `celery-load@${hostname()}`;

  const publishLink = new RedisLink({
    address: parseRedisUrl(options.broker),
    name: `${name}:publish`,
    events: {
      prepare: preparePublish(options),
      up: (downMs) => events.up("broker", downMs),
      down: (cause, isConfiguration) => events.down("broker", cause, isConfiguration),
    },
  });

  const resultsLink = new RedisLink({
    address: parseRedisUrl(options.backend),
    name: `${name}:results`,
    events: {
      async prepare(client) {
        await client.psubscribe(`${resultPrefix}${options.idPrefix}*`);
      },
      up(downMs) {
        events.up("backend", downMs);
        events.resultsMissed();
      },
      down: (cause, isConfiguration) => events.down("backend", cause, isConfiguration),
    },
  });
  resultsLink.client.on("pmessage", (_pattern: string, channel: string, text: string) => {
    events.result(channel, resultPrefix.length, text);
  });

  // Its faults show when a look-up fails; the results link reports the same server's state.
  const lookUpLink = new RedisLink({
    address: parseRedisUrl(options.backend),
    name: `${name}:look-up`,
    events: { prepare: async () => {}, up() {}, down() {} },
  });

  const links = [publishLink, resultsLink, lookUpLink];
  for (const link of links) link.open();
  return {
    publisher: publisherOn(publishLink),
    results: resultsOn(resultsLink, lookUpLink, resultPrefix),
    checkLiveness(isLate) {
      for (const link of links) link.checkLiveness(isLate);
    },
    async close() {
      for (const link of links) link.close();
    },
  };
}

/** Declares the queues and compares the server with the one that was there before. */
function preparePublish(options: RedisConnectionOptions): (client: Redis) => Promise<void> {
  const { global_keyprefix: keyPrefix, sep } = options.transport;
  let known: ServerRun | null = null;
  return async (client) => {
    const run = await serverRun(client);
    if (known !== null && run !== null && cameBackEmpty(known, run))
      options.events.restartedEmpty();
    known = run ?? known;
    for (const queue of options.queues) {
      const { key, member } = queueBinding(queue, sep);
      await client.sadd(keyPrefix + key, member);
    }
  };
}

function publisherOn(link: RedisLink): Publisher {
  return {
    get ready() {
      return link.isUp;
    },
    publish(key, messages, done) {
      if (!link.isUp || link.client.status !== "ready") {
        done("notWritten", "");
        return;
      }
      // One LPUSH with many values: one reply for all, at a quarter of the cost of pipelining and
      // half the cost for Redis.
      link.client.lpush(key, ...messages).then(
        () => {
          link.answered();
          done("accepted", "");
        },
        (error: Error) => {
          if (isServerRefusal(error)) done("refused", error.message);
          else if (error.message.includes("enableOfflineQueue")) done("notWritten", "");
          else done("unknown", error.message);
        },
      );
    },
  };
}

function resultsOn(stream: RedisLink, lookUps: RedisLink, prefix: string): ResultStream {
  return {
    get ready() {
      return stream.isUp;
    },
    async lookUp(ids, found) {
      for (let at = 0; at < ids.length; at += LOOK_UP_CHUNK) {
        const chunk = ids.slice(at, at + LOOK_UP_CHUNK);
        const pipeline = lookUps.client.pipeline();
        for (const id of chunk) pipeline.getrange(prefix + id, 0, LOOK_UP_BYTES - 1);
        const replies = (await pipeline.exec()) ?? [];
        for (const [index, [error, text]] of replies.entries()) {
          if (error !== null) throw error;
          if (typeof text === "string" && text !== "") found(chunk[index]!, text);
        }
      }
    },
  };
}
