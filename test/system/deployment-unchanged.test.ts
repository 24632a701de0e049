import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { EndReport } from "../../src/reports/end-report.js";
import { startDaemon } from "../support/daemon.js";
import {
  type RabbitmqContents,
  type RedisContents,
  type RedisKey,
  rabbitmqContents,
  redisContents,
  redisSettings,
} from "../support/deployment.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker, type TestWorker } from "../support/worker.js";

/** What a Celery worker gives its results to live, unless `result_expires` says otherwise. */
const RESULT_EXPIRES_SECONDS = 86_400;
const REPLY_QUEUE_EXPIRES_MS = 600_000;

interface Deployment {
  readonly broker: "redis" | "rabbitmq";
  readonly backend: "redis" | "rpc";
  readonly python: "current" | "debian";
}
const DEPLOYMENTS: readonly Deployment[] = [
  { broker: "redis", backend: "redis", python: "current" },
  { broker: "redis", backend: "rpc", python: "debian" },
  { broker: "rabbitmq", backend: "redis", python: "debian" },
  { broker: "rabbitmq", backend: "rpc", python: "current" },
];

// A node takes seconds to start: one for all tests, with a queue for each.
let rabbitmq: TestRabbitmq;
before(async () => {
  rabbitmq = await startRabbitmq();
  await plantInRabbitmq();
});
after(async () => {
  await rabbitmq[Symbol.asyncDispose]();
});

for (const deployment of DEPLOYMENTS) {
  const { broker, backend, python } = deployment;
  test(`a run changes nothing: ${broker} with ${backend} results, Celery ${python}`, async () => {
    await using servers = await startServers(deployment);
    const { connection, queue } = servers;
    await using worker = await startWorker({ ...connection, python, queues: [queue] });
    const contentsBefore = await settled(servers);
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${connection.broker}", backend: "${connection.backend}" } }
tasks:
  good:         { name: tests.add, args: [1, 2], queue: ${queue} }
  failing:      { name: tests.fail, args: [KeyError], queue: ${queue} }
  retrying:     { name: tests.retry, args: [2], queue: ${queue}, expires: none }
  unregistered: { name: tests.no_such_task, queue: ${queue} }
  silent:       { name: tests.never, queue: ${queue}, timeout: 1s }
  slow:         { name: tests.sleep, args: [1.5], queue: ${queue}, timeout: 1s }
  urgent:       { name: tests.add, args: [3, 4], queue: ${queue}, priority: 9 }
  lost:         { name: tests.add, args: [5, 6], queue: no-such-queue, timeout: 1s }
scenarios:
  mixed:
    profile: 28/s
    gracefulStop: 10s
    mix: [good, failing, retrying, unregistered, silent, urgent, slow${broker === "rabbitmq" ? ", lost" : ""}]
`,
      args: ["--for", "4s", "--json"],
    });
    assert.equal((await daemon.exit).code, 0, daemon.stderr());
    const { total } = JSON.parse(daemon.stdout()) as EndReport;
    // The run was what it should be: a bit of everything.
    assert.ok(total.outcomes.succeeded! > 30, JSON.stringify(total));
    assert.ok(total.outcomes.failed! > 20 && total.outcomes.timed_out! > 20, JSON.stringify(total));
    if (broker === "rabbitmq") assert.ok(total.publishFailures.unroutable! > 10);

    await quiet(servers, worker);
    const { unchanged, results, replies } = apart(await servers.contents());
    assert.deepEqual(unchanged, contentsBefore);
    // The list of `rpc://` on Redis stays for what the silent tasks might answer yet, and expires.
    assert.equal(replies.length, broker === "redis" && backend === "rpc" ? 1 : 0);
    assert.ok(replies.every(({ expiresMs }) => expiresMs !== null));
    // Only of tasks that were given up, whose results came after the daemon's end, and expire.
    assert.ok(results.length <= total.outcomes.timed_out!, `${results.length} results`);
    assertExpire(results);
  });
}

/** What is left of results that come when the daemon is gone: stored ones, or those in its reply queue. */
const LATE: Readonly<Record<string, { readonly SIGTERM: Late; readonly SIGKILL: Late }>> = {
  "redis redis": { SIGTERM: "results that expire", SIGKILL: "results that expire" },
  "rabbitmq redis": { SIGTERM: "results that expire", SIGKILL: "results that expire" },
  "redis rpc": { SIGTERM: "replies that expire", SIGKILL: "replies for good" },
  "rabbitmq rpc": { SIGTERM: "nothing", SIGKILL: "replies that expire" },
};
type Late = "results that expire" | "replies that expire" | "replies for good" | "nothing";

for (const deployment of DEPLOYMENTS) {
  const { broker, backend, python } = deployment;
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const late = LATE[`${broker} ${backend}`]![signal];
    test(`results after its ${signal} leave ${late}: ${broker} with ${backend} results, Celery ${python}`, async () => {
      await using servers = await startServers(deployment);
      const { connection, queue } = servers;
      await using worker = await startWorker({ ...connection, python, queues: [queue] });
      const contentsBefore = await settled(servers);
      await using daemon = await startDaemon({
        configText: `
connections: { main: { broker: "${connection.broker}", backend: "${connection.backend}" } }
tasks:
  good: { name: tests.add, args: [1, 2], queue: ${queue} }
  slow: { name: tests.sleep, args: [0.7], queue: ${queue} }
scenarios: { mixed: { profile: 20/s, mix: [good, slow], gracefulStop: 100ms } }
server: { linger: 0s }
`,
      });
      await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") > 15);
      daemon.signal(signal);
      await daemon.exit;

      await quiet(servers, worker);
      const { unchanged, results, replies } = apart(await servers.contents());
      assert.deepEqual(unchanged, contentsBefore);
      assertExpire(results);
      assert.equal(results.length > 5, late === "results that expire", `${results.length} results`);
      assert.equal(replies.length, late.startsWith("replies") ? 1 : 0);
      for (const { messages, expiresMs } of replies) {
        assert.ok(messages > 5, `${messages} replies`);
        const limitMs = broker === "redis" ? RESULT_EXPIRES_SECONDS * 1000 : REPLY_QUEUE_EXPIRES_MS;
        if (late === "replies for good") assert.equal(expiresMs, null);
        else assert.ok(expiresMs! > limitMs - 60_000 && expiresMs! <= limitMs, `${expiresMs} ms`);
      }
    });
  }
}

interface Contents {
  readonly redis: RedisContents;
  readonly settings: readonly string[];
  readonly rabbitmq: RabbitmqContents | null;
}

interface Servers extends AsyncDisposable {
  readonly connection: { readonly broker: string; readonly backend: string };
  /** The queue that the tasks of this test go to. */
  readonly queue: string;
  contents(): Promise<Contents>;
  /** Messages that no worker has acknowledged yet. */
  waiting(): Promise<number>;
}

let queueCount = 0;

async function startServers({ broker, backend }: Deployment): Promise<Servers> {
  const redis = await startRedis();
  await plantInRedis(redis);
  const queue = `load-${++queueCount}`;
  const isRedis = broker === "redis";
  return {
    connection: {
      broker: isRedis ? redis.url() : rabbitmq.url,
      backend: backend === "rpc" ? "rpc://" : redis.url(1),
    },
    queue,
    contents: async () => ({
      redis: await redisContents(redis),
      settings: await redisSettings(redis),
      rabbitmq: isRedis ? null : await rabbitmqContents(rabbitmq),
    }),
    async waiting() {
      if (isRedis) {
        const cli = redis.cli();
        const lists = (await cli.keys(`${queue}*`)).map((key) => cli.llen(key));
        const lengths = [...(await Promise.all(lists)), await cli.hlen("unacked")];
        cli.disconnect();
        return lengths.reduce((sum, length) => sum + length, 0);
      }
      const listed = await rabbitmq.ctl("list_queues", "name", "messages", "--formatter=json");
      const rows = JSON.parse(listed) as { name: string; messages: number }[];
      return rows.find(({ name }) => name === queue)!.messages;
    },
    [Symbol.asyncDispose]: () => redis.stop(),
  };
}

/** What others have there, in several databases and of every type. */
async function plantInRedis(redis: TestRedis): Promise<void> {
  for (const database of [0, 1, 5]) {
    const cli = redis.cli({ db: database });
    await cli.set("celery-task-meta-of-somebody-else", '{"status": "SUCCESS"}');
    await cli.lpush("another-queue", "a message", "and another");
    await cli.sadd("_kombu.binding.another-queue", "another-queue\x06\x16\x06\x16another-queue");
    await cli.hset("a hash", "field", "value");
    await cli.zadd("a zset", 1, "member");
    cli.disconnect();
  }
}

async function plantInRabbitmq(): Promise<void> {
  const client = await rabbitmq.client();
  const channel = await client.createChannel();
  const { queue } = await channel.assertQueue("another-queue", {
    durable: true,
    arguments: { "x-max-priority": 5, "x-dead-letter-exchange": "another-exchange" },
  });
  await channel.assertExchange("another-exchange", "topic", { durable: true });
  await channel.bindQueue(queue, "another-exchange", "#");
  channel.sendToQueue(queue, Buffer.from("a message"), { persistent: true });
  await channel.close();
  await rabbitmq.ctl("add_user", "somebody", "secret");
  await rabbitmq.ctl("add_vhost", "another-vhost");
  await rabbitmq.ctl("set_policy", "another-policy", "^another", '{"max-length": 1000}');
}

/** Waits until every message is acknowledged and every run has ended. */
async function quiet(servers: Servers, worker: TestWorker): Promise<void> {
  const isQuiet = async () =>
    (await servers.waiting()) === 0 &&
    (await worker.recorded()).every(({ endedMs }) => endedMs !== null);
  await waitUntil(isQuiet, 30_000, "the worker to be idle");
}

/** A worker that has just come still binds its queues for a moment. */
async function settled(servers: Servers): Promise<Contents> {
  let last = await servers.contents();
  const isSettled = async () => {
    await sleep(500);
    const before = last;
    last = await servers.contents();
    return isDeepStrictEqual(last, before);
  };
  await waitUntil(isSettled, 20_000, "the deployment to come to rest");
  return last;
}

interface ReplyQueue {
  readonly messages: number;
  /** null for never. */
  readonly expiresMs: number | null;
}

const isResult = (key: string) => /^\d+ celery-task-meta-(?!of-somebody-else)/.test(key);
/** Reply lists and queues, and what RabbitMQ says of them elsewhere. */
const isReplies = (text: string) => /\bcelery-load\.[0-9a-f-]{36}\b/.test(text);

/** Separates the daemon's own short-lived things from all else. */
function apart(contents: Contents): {
  readonly unchanged: Contents;
  readonly results: readonly RedisKey[];
  readonly replies: readonly ReplyQueue[];
} {
  const { redis, rabbitmq: node } = contents;
  const keys = Object.entries(redis);
  const others = <T>(rows: readonly T[]) => rows.filter((row) => !isReplies(JSON.stringify(row)));
  const lists = keys.filter(([key]) => isReplies(key)).map(([, value]) => value);
  const queues = node?.queues.filter(({ name }) => isReplies(name)) ?? [];
  return {
    results: keys.filter(([key]) => isResult(key)).map(([, value]) => value),
    replies: [
      ...lists.map(({ content, expiresInSeconds }) => ({
        messages: (content as unknown[]).length,
        expiresMs: expiresInSeconds < 0 ? null : expiresInSeconds * 1000,
      })),
      ...queues.map(({ messages, arguments: all }) => ({
        messages,
        expiresMs: (all.find(([name]) => name === "x-expires")?.[2] as number) ?? null,
      })),
    ],
    unchanged: {
      ...contents,
      redis: Object.fromEntries(keys.filter(([key]) => !isResult(key) && !isReplies(key))),
      rabbitmq: node && {
        queues: others(node.queues),
        exchanges: node.exchanges,
        bindings: others(node.bindings),
        definitions: { ...node.definitions, queues: others(node.definitions.queues) },
      },
    },
  };
}

function assertExpire(results: readonly RedisKey[]): void {
  for (const { expiresInSeconds } of results) {
    assert.ok(expiresInSeconds > 0 && expiresInSeconds <= RESULT_EXPIRES_SECONDS);
  }
}
