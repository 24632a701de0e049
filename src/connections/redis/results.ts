import { escapeGlob } from "../../celery/redis-glob.js";
import { parseRedisUrl } from "../../celery/redis-url.js";
import { chordKeys, chordSizeKey, resultKeyPrefix } from "../../celery/result.js";
import type { ChordSize, ResultsOptions, ResultsPart } from "../ports.js";
import { RedisLink } from "./link.js";

/** Ids asked for at once when results were missed. */
const LOOK_UP_CHUNK = 200;
/** Results removed at once. */
const FORGET_CHUNK = 500;
/** A result's status comes first in it: no need to fetch more than this. */
const LOOK_UP_BYTES = 1024 * 1024;

/**
 * Results as Celery's Redis backend stores and publishes them (`celery/backends/redis.py`): one pattern
 * subscription on the start that our ids share, and look-ups on a connection of their own, as one that
 * is subscribed cannot carry them before Redis 6.
 */
export function openRedisResults(options: ResultsOptions): ResultsPart {
  const { events, clientName } = options;
  const address = parseRedisUrl(options.url);
  const globalKeyPrefix = options.backendTransport.global_keyprefix;
  const keyPrefix = resultKeyPrefix(globalKeyPrefix);
  const pattern = `${escapeGlob(keyPrefix + options.idPrefix)}*`;
  const result = (channel: string, text: string) => events.result(channel, keyPrefix.length, text);
  const stream = new RedisLink({
    address,
    name: `${clientName}:results`,
    events: {
      async prepare(client) {
        if (options.client === "ioredis") await client.psubscribe(pattern);
      },
      up(downMs) {
        events.up("backend", downMs);
        lookUps.hurry(); // tasks may be near their deadline
        events.resultsMissed();
      },
      down: (cause, isConfiguration) => events.down("backend", cause, isConfiguration),
    },
    ...(options.client === "direct"
      ? {
          takeOver: {
            message: result,
            wired: async (wire) => void (await wire.call("PSUBSCRIBE", pattern)),
          },
        }
      : {}),
  });
  stream.client.on("pmessage", (_pattern: string, channel: string, text: string) => {
    result(channel, text);
  });
  // For look-ups and for forgetting. Its faults show when one of them fails; the stream reports the
  // same server's state.
  const lookUps = new RedisLink({
    address,
    name: `${clientName}:look-up`,
    events: { prepare: async () => {}, up() {}, down() {} },
  });
  const links = [stream, lookUps];
  for (const link of links) link.open();
  return {
    results: {
      get ready() {
        return stream.isUp;
      },
      lookUp: (ids, found) => lookUp(lookUps, keyPrefix, ids, found),
      forget: (ids, chords) =>
        forget(lookUps, [
          ...ids.map((id) => keyPrefix + id),
          ...chords.flatMap((group) => chordKeys(globalKeyPrefix, group)),
        ]),
      startChords: (chords) => startChords(lookUps, globalKeyPrefix, chords),
    },
    checkLiveness(isLate) {
      for (const link of links) link.checkLiveness(isLate);
    },
    async close() {
      for (const link of links) link.close();
    },
  };
}

async function lookUp(
  link: RedisLink,
  keyPrefix: string,
  ids: readonly string[],
  found: (id: string, text: string) => void,
): Promise<void> {
  if (!link.isUp) throw new Error("the connection for look-ups is not up yet");
  for (let at = 0; at < ids.length; at += LOOK_UP_CHUNK) {
    const chunk = ids.slice(at, at + LOOK_UP_CHUNK);
    const pipeline = link.client.pipeline();
    for (const id of chunk) pipeline.getrange(keyPrefix + id, 0, LOOK_UP_BYTES - 1);
    const replies = (await pipeline.exec()) ?? [];
    for (const [index, [error, text]] of replies.entries()) {
      if (error !== null) throw error;
      if (typeof text === "string" && text !== "") found(chunk[index]!, text);
    }
  }
}

async function forget(link: RedisLink, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += FORGET_CHUNK) {
    // UNLINK frees the memory of large results outside of the server's main thread.
    await link.client.unlink(...keys.slice(at, at + FORGET_CHUNK));
  }
}

/** How long a chord's size is kept, as by Celery's `result_expires`. */
const CHORD_SECONDS = 86_400;

async function startChords(
  link: RedisLink,
  globalKeyPrefix: string,
  chords: readonly ChordSize[],
): Promise<void> {
  if (!link.isUp) throw new Error("the connection to the result backend is not up");
  const pipeline = link.client.pipeline();
  for (const { group, size } of chords) {
    pipeline.setex(chordSizeKey(globalKeyPrefix, group), CHORD_SECONDS, size);
  }
  for (const [error] of (await pipeline.exec()) ?? []) {
    if (error !== null) throw error;
  }
}
