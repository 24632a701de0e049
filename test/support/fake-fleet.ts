import "./dispose.js";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { eventEnvelope } from "./event-flood.js";
import type { TestRabbitmq } from "./rabbitmq.js";
import type { TestRedis } from "./redis.js";

/** Answers of live workers, captured. */
const FIXTURE = new URL("../../../test/unit/celery/control.fixture.json", import.meta.url);

const BEAT_MS = 2_000;

/** Workers that say what Celery 5.7's would, over a real broker, and run nothing. */
export interface FakeFleet extends AsyncDisposable {
  /** They come up: `worker-online`, heartbeats every 2 s, answers to `stats` and `active_queues`. */
  start(names: readonly string[]): Promise<void>;
  /** They fall silent, as after SIGKILL. Returns when the last of them was heard, on `performance.now()`. */
  kill(names: readonly string[]): Promise<number>;
}

/** What a fleet needs of a broker. */
interface Wire {
  publish(routingKey: string, body: string): void;
  /** Every request is heard once by every worker, as the broker counts who hears it. */
  listen(answer: (request: Request) => void): Promise<() => Promise<void>>;
  reply(request: Request, body: string): void;
}

interface Request {
  readonly method: string;
  readonly ticket: string;
  readonly reply_to: { readonly exchange: string; readonly routing_key: string };
}

export const fakeFleetOnRedis = (redis: TestRedis): FakeFleet => fleetOn(redisWire(redis));

export async function fakeFleetOnRabbitmq(rabbitmq: TestRabbitmq): Promise<FakeFleet> {
  return fleetOn(await rabbitmqWire(rabbitmq));
}

function fleetOn(wire: Wire): FakeFleet {
  const workers = new Map<string, { timer: NodeJS.Timeout; stop: () => Promise<void> }>();
  const heard = new Map<string, number>();
  const say = (name: string, type: string) => {
    heard.set(name, performance.now());
    wire.publish(type.replace("-", "."), JSON.stringify(eventOf(name, type)));
  };
  const kill = async (names: readonly string[]) => {
    for (const name of names) clearInterval(workers.get(name)?.timer);
    const lastMs = Math.max(...names.map((name) => heard.get(name) ?? 0));
    await Promise.all(names.map((name) => workers.get(name)?.stop()));
    for (const name of names) workers.delete(name);
    return lastMs;
  };
  return {
    async start(names) {
      for (const name of names) {
        const stop = await wire.listen((request) => {
          const answer = answerOf(request.method);
          if (answer !== undefined) wire.reply(request, JSON.stringify({ [name]: answer }));
        });
        say(name, "worker-online");
        workers.set(name, {
          timer: setInterval(() => say(name, "worker-heartbeat"), BEAT_MS),
          stop,
        });
      }
    },
    kill,
    async [Symbol.asyncDispose]() {
      await kill([...workers.keys()]);
    },
  };
}

function eventOf(hostname: string, type: string): object {
  return {
    ...{ hostname, utcoffset: 0, pid: 26_221, clock: 5, freq: 2.0, active: 1, processed: 17 },
    ...{ loadavg: [0.08, 0.09, 0.09], sw_ident: "py-celery", sw_ver: "5.7.0", sw_sys: "Linux" },
    ...{ timestamp: Date.now() / 1_000, type },
  };
}

function answerOf(method: string): unknown {
  if (method === "active_queues") return ACTIVE_QUEUES;
  if (method !== "stats") return undefined;
  return {
    ...{ total: { "shop.tasks.send_receipt": 17 }, pid: 26_221, clock: "6", uptime: 30 },
    pool: { implementation: "celery.concurrency.prefork:TaskPool", "max-concurrency": 4 },
    ...{ broker: {}, prefetch_count: 16, rusage: {} },
  };
}

const ACTIVE_QUEUES = captured("active_queues");

function captured(method: string): unknown {
  const decode = (envelope: string) =>
    JSON.parse(Buffer.from(JSON.parse(envelope).body, "base64").toString());
  for (const { request, reply } of JSON.parse(readFileSync(FIXTURE, "utf8"))["5.7"].redis) {
    if (decode(request).method === method) return Object.values(decode(reply))[0];
  }
  throw new Error(`no answer to ${method} was captured`);
}

function redisWire(redis: TestRedis): Wire {
  const client = redis.cli();
  return {
    publish: (key, body) => void client.publish(`/0.celeryev/${key}`, eventEnvelope(key, body)),
    async listen(answer) {
      const own = redis.cli();
      own.on("message", (_channel: string, text: string) => {
        answer(JSON.parse(Buffer.from(JSON.parse(text).body, "base64").toString()) as Request);
      });
      await own.subscribe("/0.celery.pidbox");
      return async () => own.disconnect();
    },
    reply({ ticket, reply_to }, body) {
      const envelope = {
        body: Buffer.from(body).toString("base64"),
        ...{ "content-encoding": "utf-8", "content-type": "application/json" },
        headers: { ticket, clock: 9 },
        properties: {
          ...{ delivery_mode: 1, delivery_info: reply_to, priority: 0 },
          ...{ body_encoding: "base64", delivery_tag: randomUUID() },
        },
      };
      void client.lpush(`${reply_to.routing_key}.${reply_to.exchange}`, JSON.stringify(envelope));
    },
  };
}

async function rabbitmqWire(rabbitmq: TestRabbitmq): Promise<Wire> {
  const channel = await (await rabbitmq.client()).createChannel();
  await channel.assertExchange("celeryev", "topic", { durable: true });
  await channel.assertExchange("celery.pidbox", "fanout", { durable: false });
  const json = { contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 1 };
  return {
    publish: (key, body) => void channel.publish("celeryev", key, Buffer.from(body), json),
    async listen(answer) {
      const { queue } = await channel.assertQueue("", { exclusive: true, autoDelete: true });
      await channel.bindQueue(queue, "celery.pidbox", "");
      const { consumerTag } = await channel.consume(
        queue,
        (message) => message !== null && answer(JSON.parse(message.content.toString()) as Request),
        { noAck: true },
      );
      return async () => void (await channel.cancel(consumerTag));
    },
    reply({ ticket, reply_to }, body) {
      const headers = { ticket, clock: 9 };
      const { exchange, routing_key } = reply_to;
      channel.publish(exchange, routing_key, Buffer.from(body), { ...json, headers });
    },
  };
}
