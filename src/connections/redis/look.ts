import type { Redis } from "ioredis";
import { priorityKey } from "../../celery/messages/redis-envelope.js";
import { parseRedisUrl } from "../../celery/urls/redis-url.js";
import type { Memory, ObserveOptions, ServerAbout, ServerLook } from "../observe-ports.js";
import { RedisLink } from "./link.js";
import { isServerRefusal } from "./reply.js";

/** A look at a Redis, be it broker or result backend. */
export function openRedisLook(options: ObserveOptions): ServerLook {
  const { clientName, transport, report } = options;
  const link = new RedisLink({
    address: parseRedisUrl(options.url),
    name: `${clientName}:look`,
    isOptional: true,
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
        [...keys].map((key) => link.count("LLEN", transport.global_keyprefix + key)),
      );
      return { ready: lengths.reduce((sum, length) => sum + length, 0), consumers: null };
    },
    async unacked() {
      if (!transport.ack_emulation) return null;
      return link.count("HLEN", transport.global_keyprefix + transport.unacked_key);
    },
    unackedOf: async () => null,
    typeOf: async () => null,
    memory: () => memory(link.client),
    stepAside: () => link.stepAside(),
    checkLiveness: (isLate) => link.checkLiveness(isLate),
    async close() {
      link.close();
    },
  };
}

async function about(client: Redis): Promise<ServerAbout | null> {
  const info = await infoOf(client, "server", "memory");
  if (info === null) return null;
  const valkey = fieldIn(info, "valkey_version");
  return {
    product: valkey === undefined ? "Redis" : "Valkey",
    version: valkey ?? fieldIn(info, "redis_version") ?? "",
    evictionPolicy:
      (numberIn(info, "maxmemory") ?? 0) > 0 ? (fieldIn(info, "maxmemory_policy") ?? null) : null,
  };
}

async function memory(client: Redis): Promise<Memory | null> {
  const info = await infoOf(client, "memory");
  const usedBytes = numberIn(info, "used_memory");
  // 0 is without a limit; servers that are not quite Redis may not have the field.
  return usedBytes === null ? null : { usedBytes, limitBytes: numberIn(info, "maxmemory") || null };
}

/** Sections of `INFO`; null without the permission for it. */
async function infoOf(client: Redis, ...sections: readonly string[]): Promise<string | null> {
  try {
    return (await Promise.all(sections.map((section) => client.info(section)))).join("\n");
  } catch (error) {
    if (error instanceof Error && isServerRefusal(error)) return null;
    throw error;
  }
}

function fieldIn(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, "m").exec(info)?.[1]?.trim();
}

function numberIn(info: string | null, name: string): number | null {
  const text = info === null ? undefined : fieldIn(info, name);
  return text === undefined || !/^\d+$/.test(text) ? null : Number(text);
}
