import type { Redis } from "ioredis";
import type { TestRabbitmq } from "./rabbitmq.js";

/** What a Redis holds: by database and key. */
export type RedisContents = Readonly<Record<string, RedisKey>>;

export interface RedisKey {
  readonly type: string;
  readonly content: unknown;
  /** Seconds until it expires by itself; -1 for never. */
  readonly expiresInSeconds: number;
}

/** Every key of every database, as `0 celery` and so on, with all that is in it. */
export async function redisContents(redis: {
  cli(options?: object): Redis;
}): Promise<RedisContents> {
  const cli = redis.cli();
  const databases = [...(await cli.info("keyspace")).matchAll(/^db(\d+):/gm)].map(
    (match) => match[1]!,
  );
  const contents: Record<string, RedisKey> = {};
  try {
    for (const database of databases) {
      await cli.select(Number(database));
      for (const key of (await cli.keys("*")).sort()) {
        const type = await cli.type(key);
        if (type === "none") continue; // it has just gone
        contents[`${database} ${key}`] = {
          type,
          content: await contentOf(cli, key, type),
          expiresInSeconds: await cli.ttl(key),
        };
      }
    }
  } finally {
    cli.disconnect();
  }
  return contents;
}

async function contentOf(cli: Redis, key: string, type: string): Promise<unknown> {
  switch (type) {
    case "string":
      return cli.get(key);
    case "list":
      return cli.lrange(key, 0, -1);
    case "set":
      return (await cli.smembers(key)).sort();
    case "hash":
      return cli.hgetall(key);
    case "zset":
      return cli.zrange(key, "0", "-1", "WITHSCORES");
    default:
      throw new Error(`Key ${key} is a ${type}, which nobody here makes`);
  }
}

/** Every setting of a Redis that CONFIG GET shows, in the order of names. */
export async function redisSettings(redis: { cli(): Redis }): Promise<readonly string[]> {
  const cli = redis.cli();
  const pairs = (await cli.call("CONFIG", "GET", "*")) as string[];
  cli.disconnect();
  return pairs.flatMap((name, at) => (at % 2 === 0 ? [`${name} ${pairs[at + 1]}`] : [])).sort();
}

/** What a RabbitMQ node holds that somebody may have declared, and how much is in its queues. */
export interface RabbitmqContents {
  readonly queues: readonly RabbitmqQueue[];
  readonly exchanges: readonly object[];
  readonly bindings: readonly object[];
  /** Users, vhosts, permissions, policies, parameters and all that is durable, sorted. */
  readonly definitions: { readonly queues: readonly object[] };
}

export interface RabbitmqQueue {
  readonly name: string;
  readonly durable: boolean;
  readonly messages: number;
  /** Name, type and value of each. */
  readonly arguments: readonly (readonly [string, string, unknown])[];
}

export async function rabbitmqContents(rabbitmq: TestRabbitmq): Promise<RabbitmqContents> {
  const read = async <T>(...args: string[]): Promise<T> => JSON.parse(await rabbitmq.ctl(...args));
  const list = async <T extends object>(...args: string[]) =>
    sorted(await read<T[]>(...args, "--formatter=json"));
  const attributes = ["name", "type", "durable", "auto_delete", "arguments", "policy"];
  const { queues, ...definitions } = await read<{ queues: object[] }>(
    "export_definitions",
    ...["-", "--format=json"],
  );
  return {
    queues: await list("list_queues", ...attributes, "exclusive", "messages", "consumers"),
    exchanges: await list("list_exchanges", ...attributes, "internal"),
    bindings: await list("list_bindings"),
    definitions: {
      queues: sorted(queues),
      ...Object.fromEntries(
        Object.entries(definitions).map(([kind, value]) => [
          kind,
          Array.isArray(value) ? sorted(value) : value,
        ]),
      ),
    },
  };
}

function sorted<T>(rows: readonly T[]): T[] {
  return [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
