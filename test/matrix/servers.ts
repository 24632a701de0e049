import "../support/dispose.js";
import { messageOf } from "../../src/errors.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import type { Backend, Broker, Combination } from "./combinations.js";
import type { Urls } from "./trial-config.js";

/** One Redis and one RabbitMQ for all trials, which have queues of their own. */
export interface MatrixServers extends AsyncDisposable {
  /** By server; null where it cannot be had here. */
  readonly versions: Readonly<Record<Broker, string | null>>;
  /** What a combination connects to, or why it cannot: a text. */
  urlsFor(combination: Combination): Urls | string;
  /** Makes a queue as a worker would: RabbitMQ has none before somebody declares it. */
  declareQueue(broker: Broker, queue: string): Promise<void>;
}

/** Starts what can be had here. */
export async function startServers(): Promise<MatrixServers> {
  const redis = await orReason(startRedis());
  const rabbitmq = await orReason(startRabbitmq());
  const brokers: Record<Broker, Place> = {
    redis: typeof redis === "string" ? { missing: redis } : { url: redis.url(0) },
    rabbitmq: typeof rabbitmq === "string" ? { missing: rabbitmq } : { url: rabbitmq.url },
  };
  const backends: Record<Backend, Place> = {
    redis: typeof redis === "string" ? { missing: redis } : { url: redis.url(1) },
    rpc: { url: "rpc://" },
  };
  return {
    versions: {
      redis:
        typeof redis === "string"
          ? null
          : (/redis_version:(\S+)/.exec(await redis.cli().info("server"))?.[1] ?? null),
      rabbitmq: typeof rabbitmq === "string" ? null : (await rabbitmq.ctl("version")).trim(),
    },
    urlsFor(combination) {
      const [broker, backend] = [brokers[combination.broker], backends[combination.backend]];
      if ("missing" in broker) return broker.missing;
      if ("missing" in backend) return backend.missing;
      return { broker: broker.url, backend: backend.url };
    },
    async declareQueue(broker, queue) {
      if (broker !== "rabbitmq" || typeof rabbitmq === "string") return;
      const client = await rabbitmq.client();
      const channel = await client.createChannel();
      await channel.assertQueue(queue, { durable: true });
      await client.close();
    },
    async [Symbol.asyncDispose]() {
      if (typeof rabbitmq !== "string") await rabbitmq[Symbol.asyncDispose]();
      if (typeof redis !== "string") await redis[Symbol.asyncDispose]();
    },
  };
}

type Place = { readonly url: string } | { readonly missing: string };

async function orReason<T>(server: Promise<T>): Promise<T | string> {
  try {
    return await server;
  } catch (error) {
    return messageOf(error);
  }
}
