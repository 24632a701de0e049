import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { CeleryEvent } from "../../src/celery/events/event-message.js";
import { DEFAULT_TRANSPORT } from "../../src/celery/urls/transport.js";
import type { RemoteControl } from "../../src/connections/observe-ports.js";
import { openControl, openEvents, openLook } from "../../src/connections/open.js";
import type { BrokerTransport } from "../../src/connections/ports.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";

let rabbitmq: TestRabbitmq;
let redis: TestRedis;
before(async () => {
  rabbitmq = await startRabbitmq();
  redis = await startRedis();
});
after(async () => {
  await rabbitmq[Symbol.asyncDispose]();
  await redis.stop();
});

const urlOf = { redis: () => redis.url(3), amqp: () => rabbitmq.url };

/** Everything in the broker that a client could leave behind. */
const contents = {
  async redis() {
    const client = redis.cli({ db: 3 });
    const members = await client.smembers("_kombu.binding.reply.celery.pidbox");
    return [...(await client.keys("*")), ...members].sort();
  },
  async amqp() {
    const queues = await rabbitmq.ctl("list_queues", "name", "--silent");
    const exchanges = await rabbitmq.ctl("list_exchanges", "name", "--silent");
    return `${queues}\n${exchanges}`.split("\n").sort();
  },
};

/** Opens something and waits until it is usable. */
async function usable<T>(
  url: string,
  open: (options: {
    url: string;
    transport: BrokerTransport;
    report: { up(): void; down(cause: string): void };
  }) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const opened = open({
      url,
      transport: DEFAULT_TRANSPORT,
      report: {
        up: () => resolve(opened),
        down: (cause) => reject(new Error(cause)),
      },
    });
  });
}

const ask = (control: RemoteControl, method: string, args = {}) =>
  control.ask({ method, args, timeoutMs: 20_000, expected: 1 });

for (const kind of ["redis", "amqp"] as const) {
  for (const python of ["current", "debian"] as const) {
    test(`workers of Celery ${python} answer over ${kind}, and nothing is left behind`, async () => {
      const url = urlOf[kind]();
      const queue = `q-${python}`;
      await using _worker = await startWorker({
        broker: url,
        backend: redis.url(4),
        python,
        queues: [queue],
        extraArgs: ["-E"],
      });
      const before = await contents[kind]();

      const events: CeleryEvent[] = [];
      const stream = await usable(url, (options) =>
        openEvents({ ...options, received: (batch) => events.push(...batch.events) }),
      );
      const control = await usable(url, openControl);
      const ping = await ask(control, "ping");
      assert.deepEqual(
        ping.replies.map(({ answer }) => answer),
        [{ ok: "pong" }],
      );
      const node = ping.replies[0]!.node;
      assert.match(node, /^test-.*@/);
      if (kind === "redis") assert.equal(ping.heardBy, 1);

      // Many at once: each gets its own answer.
      const methods = ["stats", "active_queues", "registered", "conf", "active", "reserved"];
      const answers = await Promise.all(methods.map((method) => ask(control, method)));
      const [stats, queues, registered] = answers.map(({ replies }) => replies[0]!.answer) as [
        { pool: { "max-concurrency": number } },
        { name: string }[],
        string[],
      ];
      assert.equal(stats.pool["max-concurrency"], 4);
      assert.deepEqual(
        queues.map(({ name }) => name),
        [queue],
      );
      assert.ok(registered.includes("tests.add"));

      const error = await ask(control, "no_such_command");
      assert.match(JSON.stringify(error.replies[0]?.answer), /no_such_command/);
      const stranger = await control.ask({
        method: "ping",
        destination: ["celery@nowhere"],
        timeoutMs: 300,
      });
      assert.deepEqual(stranger.replies, []);

      await waitUntil(
        () => events.some(({ type, hostname }) => type === "worker-heartbeat" && hostname === node),
        20_000,
        "a heartbeat",
      );
      const look = await usable(url, openLook);
      assert.match((await look.about())?.product ?? "", kind === "redis" ? /Redis/ : /RabbitMQ/);
      assert.equal((await look.depth(queue))?.ready, 0);
      if (kind === "amqp") {
        assert.equal((await look.depth(queue))?.consumers, 1);
        assert.equal(await look.depth("no-such-queue"), null);
        assert.equal((await look.depth(queue))?.ready, 0, "it goes on after a queue was missing");
      }
      await Promise.all([stream.close(), control.close(), look.close()]);
      await waitUntil(
        async () => {
          assert.deepEqual(await contents[kind](), before);
          return true;
        },
        10_000,
        "the broker to hold what it held before",
      );
    });
  }

  test(`without a worker a question over ${kind} ends at once and leaves nothing behind`, async () => {
    const url = kind === "redis" ? redis.url(3) : rabbitmq.url;
    const before = await contents[kind]();
    const control = await usable(url, openControl);
    const answers = await control.ask({ method: "ping", timeoutMs: 20_000 });
    assert.deepEqual(answers, { replies: [], heardBy: 0 });
    await control.close();
    assert.deepEqual(await contents[kind](), before);
  });
}

test("an answer that comes after its question is over is dropped by the worker", async () => {
  await using worker = await startWorker({ broker: redis.url(5), pool: "solo" });
  const client = redis.cli({ db: 5 });
  const control = await usable(redis.url(5), openControl);
  worker.signal("SIGSTOP");
  const answers = await control.ask({ method: "ping", timeoutMs: 500 });
  assert.deepEqual(answers, { replies: [], heardBy: 1 });
  await control.close();
  worker.signal("SIGCONT");
  await waitUntil(
    async () => {
      const again = await usable(redis.url(5), openControl);
      const { replies } = await ask(again, "ping");
      await again.close();
      return replies.length === 1;
    },
    20_000,
    "the worker to answer again",
  );
  assert.deepEqual(await client.keys("*reply*"), []);
});
