import "../support/dispose.js";
import { messageOf } from "../../src/errors.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { type Broker, type Combination, SERVERS } from "./combinations.js";
import type { Urls } from "./trial-config.js";

/** One server of each broker for all trials, which have queues of their own. */
export interface MatrixServers extends AsyncDisposable {
  /** Of those that were asked for; null where one cannot be had here. */
  readonly versions: Readonly<Partial<Record<Broker, string | null>>>;
  /** What a combination connects to, or why it cannot: a text. */
  urlsFor(combination: Combination): Urls | string;
  /** Makes a queue as a worker would: RabbitMQ has none before somebody declares it. */
  declareQueue(broker: Broker, queue: string): Promise<void>;
}

/** Starts what these brokers need, as far as it can be had here. */
export async function startServers(brokers: ReadonlySet<Broker>): Promise<MatrixServers> {
  const servers = new Map<Broker, Server | string>();
  for (const broker of brokers) {
    for (const each of [broker, SERVERS[broker].results]) {
      if (!servers.has(each)) servers.set(each, await start(each).catch(messageOf));
    }
  }
  const here = (broker: Broker) => servers.get(broker) ?? "It was not started.";
  const versions = await Promise.all(
    [...servers].map(async ([broker, server]) => [
      broker,
      typeof server === "string" ? null : await server.version(),
    ]),
  );
  return {
    versions: Object.fromEntries(versions),
    urlsFor({ broker, backend }) {
      const [queues, results] = [here(broker), here(SERVERS[broker].results)];
      if (typeof queues === "string") return queues;
      if (backend === "rpc") return { broker: queues.broker, backend: "rpc://" };
      if (typeof results === "string") return results;
      return { broker: queues.broker, backend: results.results };
    },
    async declareQueue(broker, queue) {
      const server = here(broker);
      if (typeof server !== "string") await server.declareQueue(queue);
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers.values()) {
        if (typeof server !== "string") await server.stop();
      }
    },
  };
}

interface Server {
  /** URLs as a broker, and as a result backend. */
  readonly broker: string;
  readonly results: string;
  version(): Promise<string>;
  declareQueue(queue: string): Promise<void>;
  stop(): Promise<void>;
}

async function start(broker: Broker): Promise<Server> {
  const { family, generation } = SERVERS[broker];
  return family === "redis"
    ? redisServer(await startRedis({ generation }))
    : rabbitmqServer(await startRabbitmq(undefined, { generation }));
}

function redisServer(redis: TestRedis): Server {
  return {
    broker: redis.url(0),
    results: redis.url(1),
    async version() {
      const info = await redis.cli().info("server");
      // Valkey says as redis_version which Redis it can stand in for.
      const found = /valkey_version:(\S+)/.exec(info) ?? /redis_version:(\S+)/.exec(info);
      return found?.[1] ?? "unknown";
    },
    async declareQueue() {}, // a list is there as soon as something is in it
    stop: () => redis.stop(),
  };
}

function rabbitmqServer(rabbitmq: TestRabbitmq): Server {
  return {
    broker: rabbitmq.url,
    results: "rpc://",
    version: async () => (await rabbitmq.ctl("version")).trim(),
    async declareQueue(queue) {
      const client = await rabbitmq.client();
      const channel = await client.createChannel();
      await channel.assertQueue(queue, { durable: true });
      await client.close();
    },
    async stop() {
      await rabbitmq[Symbol.asyncDispose]();
    },
  };
}
