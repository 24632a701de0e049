import type { Redis } from "ioredis";
import { priorityKey } from "../../celery/redis-envelope.js";
import { parseRedisUrl } from "../../celery/redis-url.js";
import type { ObserveOptions, ServerAbout, ServerLook } from "../observe-ports.js";
import { RedisLink } from "./link.js";
import { isServerRefusal } from "./reply.js";

/** Where kombu keeps what is delivered and not acknowledged (`unacked_key`, `kombu/transport/redis.py`). */
const UNACKED = "unacked";

/** A look at a Redis, be it broker or result backend. */
export function openRedisLook(options: ObserveOptions): ServerLook {
  const { clientName, transport, report } = options;
  const link = new RedisLink({
    address: parseRedisUrl(options.url),
    name: `${clientName}:look`,
    events: {
      async prepare() {},
      up: () => report.up(),
      down: (cause, isConfiguration) => report.down(cause, isConfiguration),
    },
  });
  link.open();
  return {
    about: () => about(link.client),
    async depth(queue) {
      // A queue is one list for each priority step, and an empty list does not exist.
      const keys = new Set(
        transport.priority_steps.map((step) => priorityKey(queue, step, transport)),
      );
      const lengths = await Promise.all(
        [...keys].map((key) => link.client.llen(transport.global_keyprefix + key)),
      );
      return { ready: lengths.reduce((sum, length) => sum + length, 0), consumers: null };
    },
    unacked: () => link.client.hlen(transport.global_keyprefix + UNACKED),
    checkLiveness: (isLate) => link.checkLiveness(isLate),
    async close() {
      link.close();
    },
  };
}

async function about(client: Redis): Promise<ServerAbout | null> {
  let info: string;
  try {
    info = (await Promise.all([client.info("server"), client.info("memory")])).join("\n");
  } catch (error) {
    if (error instanceof Error && isServerRefusal(error)) return null; // no permission for INFO
    throw error;
  }
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, "m").exec(info)?.[1]?.trim();
  const valkey = field("valkey_version");
  return {
    product: valkey === undefined ? "Redis" : "Valkey",
    version: valkey ?? field("redis_version") ?? "",
    evictionPolicy:
      Number(field("maxmemory") ?? 0) > 0 ? (field("maxmemory_policy") ?? null) : null,
  };
}
