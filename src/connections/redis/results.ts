import { escapeGlob } from "../../celery/messages/redis-glob.js";
import { seqIn, slotIn } from "../../celery/messages/task-id.js";
import { plainSuccessUnixMs } from "../../celery/results/plain-success.js";
import { chordKeys, chordSizeKey, resultKeyPrefix } from "../../celery/results/result.js";
import { MAX_RESULT_BYTES, resultText } from "../../celery/results/result-text.js";
import { parseRedisUrl } from "../../celery/urls/redis-url.js";
import { messageOf } from "../../errors.js";
import type { ChordSize, ResultsOptions, ResultsPart } from "../ports.js";
import { onMessage } from "./contained-faults.js";
import { isChannelRefused } from "./faults.js";
import { RedisLink } from "./link.js";
import type { MessageHandler, Place } from "./resp-reader.js";

/** Ids asked for at once when results were missed. */
const LOOK_UP_CHUNK = 200;
/** One more than is read as a whole, which shows that there is more. */
const LOOK_UP_BYTES = MAX_RESULT_BYTES + 1;

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
  const result = (channel: string, meta: Buffer) => {
    if (channel.startsWith(keyPrefix + options.idPrefix)) {
      events.result(channel, keyPrefix.length, resultText(meta));
    }
  };
  const message = messageReader(options, keyPrefix);
  const stream = new RedisLink({
    address,
    name: `${clientName}:results`,
    subscribes: true,
    events: {
      async prepare(client) {
        if (options.client !== "library") return;
        await subscribe(options, keyPrefix, (pattern) => client.psubscribe(pattern));
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
            message,
            wired: (wire) =>
              subscribe(options, keyPrefix, (pattern) => wire.call("PSUBSCRIBE", pattern)),
          },
        }
      : {}),
  });
  onMessage(stream.client, result);
  // For look-ups and for forgetting. Its faults show when one of them fails; the stream reports the
  // same server's state.
  let whyNoLookUps = "the connection for look-ups is not up yet";
  const lookUps = new RedisLink({
    address,
    name: `${clientName}:look-up`,
    isOptional: true,
    events: {
      prepare: async () => {},
      up() {},
      down(cause) {
        whyNoLookUps = cause;
      },
    },
    bulkText: resultText, // whatever has bytes is a result
    ...(options.client === "direct" ? { takeOver: { message() {}, async wired() {} } } : {}),
  });
  const links = [stream, lookUps];
  const lookUpsUp = (): RedisLink => {
    if (!lookUps.isUp) throw new Error(whyNoLookUps);
    return lookUps;
  };
  stream.open();
  return {
    results: {
      get ready() {
        return stream.isUp;
      },
      lookUp: async (ids, found) => lookUp(lookUpsUp(), keyPrefix, ids, found),
      async forget(ids, chords) {
        const keys = [
          ...ids.map((id) => keyPrefix + id),
          ...chords.flatMap((group) => chordKeys(globalKeyPrefix, group)),
        ];
        if (keys.length > 0) await unlink(lookUpsUp(), keys);
      },
      startChords: async (chords) => startChords(lookUpsUp(), globalKeyPrefix, chords),
    },
    optional: lookUps,
    checkLiveness(isLate) {
      for (const link of links) link.checkLiveness(isLate);
    },
    async close() {
      for (const link of links) link.close();
    },
  };
}

/**
 * Subscribes to the results of our own ids; where the user may not, to those of all tasks, which is what an ACL
 * made for Celery's own clients permits: a pattern has to be permitted literally (redis.io/docs: ACL, "allchannels
 * and patterns"). What is not ours is passed over then.
 * @throws what the server says to the narrow pattern
 */
async function subscribe(
  { idPrefix }: ResultsOptions,
  keyPrefix: string,
  psubscribe: (pattern: string) => Promise<unknown>,
): Promise<void> {
  const all = `${escapeGlob(keyPrefix)}*`;
  try {
    await psubscribe(`${escapeGlob(keyPrefix + idPrefix)}*`);
  } catch (error) {
    if (!isChannelRefused(error)) throw error;
    await psubscribe(all).catch(() => {
      throw new Error(`${messageOf(error)}: the results come on channels ${all}`);
    });
  }
}

/** UNLINK frees the memory of large results outside of the server's main thread. */
async function unlink(link: RedisLink, keys: readonly string[]): Promise<void> {
  try {
    await link.call("UNLINK", ...keys);
  } catch (error) {
    // In a cluster, keys of one command must lie in one slot.
    if (!messageOf(error).startsWith("CROSSSLOT")) throw error;
    await link.callAll(keys.map((key) => ["UNLINK", key]));
  }
}

/** Makes strings only of those results of which not enough can be told from their bytes. */
function messageReader({ events, idPrefix }: ResultsOptions, keyPrefix: string): MessageHandler {
  const idStart = Buffer.from(keyPrefix + idPrefix);
  const keyBytes = Buffer.byteLength(keyPrefix);
  return (data, channel, text) => {
    if (!beginsWith(data, channel, idStart)) return;
    const doneUnixMs = plainSuccessUnixMs(data, text.from, text.to);
    if (events.success !== undefined && !Number.isNaN(doneUnixMs)) {
      const idAt = channel.from + keyBytes;
      events.success(slotIn(data, idAt, channel.to), seqIn(data, idAt), doneUnixMs);
      return;
    }
    events.result(
      data.toString("utf8", channel.from, channel.to),
      keyPrefix.length,
      resultText(data, text.from, text.to),
    );
  };
}

function beginsWith(data: Buffer, { from, to }: Place, start: Buffer): boolean {
  if (to - from < start.length) return false;
  for (let i = 0; i < start.length; i++) {
    if (data[from + i] !== start[i]) return false;
  }
  return true;
}

async function lookUp(
  link: RedisLink,
  keyPrefix: string,
  ids: readonly string[],
  found: (id: string, text: string) => void,
): Promise<void> {
  for (let at = 0; at < ids.length; at += LOOK_UP_CHUNK) {
    const chunk = ids.slice(at, at + LOOK_UP_CHUNK);
    await link.callAll(
      chunk.map((id) => ["GETRANGE", keyPrefix + id, "0", String(LOOK_UP_BYTES - 1)]),
      // Each as it comes: together they may be large.
      (text, index) => {
        if (typeof text === "string" && text !== "") found(chunk[index]!, text);
      },
    );
  }
}

/** How long a chord's size is kept, as by Celery's `result_expires`. */
const CHORD_SECONDS = 86_400;

async function startChords(
  link: RedisLink,
  globalKeyPrefix: string,
  chords: readonly ChordSize[],
): Promise<void> {
  await link.callAll(
    chords.map(({ group, size }) => {
      const key = chordSizeKey(globalKeyPrefix, group);
      return ["SETEX", key, String(CHORD_SECONDS), String(size)];
    }),
  );
}
