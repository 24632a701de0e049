// Also on today's brokers.
/*
 * Native delayed delivery harms nobody: RabbitMQ keeps what it cannot deliver after its delay, and from 32 such
 * messages on nobody's delayed tasks are delivered any more. So a route has to be good before anything waits on it.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel } from "amqplib";
import type { Client } from "../../src/connections/ports.js";
import { mustRun } from "../../src/setup/programs.js";
import { ensurePython } from "../../src/setup/python.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker, type TestWorker } from "../support/worker.js";

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

/** For worker and producer: with it Celery lets RabbitMQ hold what has a countdown. */
const CONF = { task_default_queue_type: "quorum", task_default_exchange_type: "topic" };

/** A virtual host with a worker of the queue `celery`, which has made the exchanges of delays. */
interface Place extends AsyncDisposable {
  readonly vhost: string;
  readonly broker: string;
  readonly backend: string;
  /** The database of the results. */
  readonly db: number;
  readonly worker: TestWorker;
  readonly channel: Channel;
}

let places = 0;

async function newPlace(): Promise<Place> {
  places += 1;
  const [db, backend] = [places, redis.url(places)];
  const vhost = `delays-${places}`;
  await rabbitmq.ctl("add_vhost", vhost);
  await rabbitmq.ctl("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*");
  const broker = `amqp://guest:guest@127.0.0.1:${rabbitmq.port}/${vhost}`;
  const env = { CELERY_CONF: JSON.stringify(CONF) };
  const worker = await startWorker({ broker, backend, env });
  const channel = await (await rabbitmq.client(vhost)).createChannel();
  return {
    vhost,
    broker,
    backend,
    db,
    worker,
    channel,
    [Symbol.asyncDispose]: () => worker.stop(),
  };
}

/** A queue that nobody consumes, bound as kombu's `bind_queue_to_native_delayed_delivery_exchange` does. */
async function bind(channel: Channel, queue: string): Promise<void> {
  await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } });
  await channel.assertExchange(queue, "topic");
  await channel.bindExchange(queue, "celery_delayed_delivery", `#.${queue}`);
  await channel.bindQueue(queue, queue, `#.${queue}`);
}

const COUNTDOWN_MS = 2_000;
/** As long as a route counts as good with this countdown. */
const PROVEN_MS = 5_000;
const RATE = 5;

interface Sent {
  readonly exchange: string;
  readonly routingKey: string;
}
const GOOD: Sent = { exchange: "celery", routingKey: "celery" };

/** By the tasks' keys; all run on one connection. */
function start(
  { broker, backend }: Pick<Place, "broker" | "backend">,
  tasks: Readonly<Record<string, Sent>>,
  args: readonly string[] = [],
  client: Client = "direct",
): Promise<TestDaemon> {
  const lines = Object.entries(tasks).map(
    ([key, route]) =>
      `  ${key}: { name: tests.request, nativeDelayedDelivery: true, countdown: ${COUNTDOWN_MS}ms, headers: { mark: ${key} }, ${Object.entries(
        route,
      )
        .map(([name, value]) => `${name}: ${value}`)
        .join(", ")} }`,
  );
  const scenarios = Object.keys(tasks).map(
    (key) => `  ${key}: { mix: ${key}, profile: ${RATE}/s, gracefulStop: 10s }`,
  );
  return startDaemon({
    configText: [
      `connections: { main: { broker: "${broker}", backend: "${backend}", forget: false, client: ${client} } }`,
      ...["tasks:", ...lines, "scenarios:", ...scenarios],
    ].join("\n"),
    args,
  });
}

const failuresOf = (page: Metrics, scenario: string) =>
  page.sum("celery_load_publish_failures_total", { kind: "unroutable", scenario });
const publishedOf = (page: Metrics, scenario: string) =>
  page.sum("celery_load_tasks_published_total", { scenario });
const succeededOf = (page: Metrics, scenario: string) =>
  page.sum("celery_load_task_outcomes_total", { outcome: "succeeded", scenario });

/** Nothing waits for its time, or for ever; the broker's numbers of quorum queues are some seconds old. */
function assertNothingHeld(place: Place): Promise<void> {
  return waitUntil(async () => (await heldIn(place)) === 0, 15_000, "no task to be held any more");
}

async function heldIn({ vhost }: Place): Promise<number> {
  const listed = await rabbitmq.ctl(
    ...["list_queues", "-p", vhost, "name", "messages", "--formatter=json"],
  );
  const queues = JSON.parse(listed) as { name: string; messages: number }[];
  const held = queues.filter(({ name }) => /^celery_delayed_\d+$/.test(name));
  assert.equal(held.length, 28);
  return held.reduce((sum, { messages }) => sum + messages, 0);
}

/** A task of Celery's own producer with a countdown runs when it is due. */
async function assertOthersDelivered(
  { broker, backend, worker }: Place,
  mark: string,
): Promise<void> {
  const program = `import tasks; tasks.add.apply_async((1, 2), countdown=2, headers={"mark": "${mark}"})`;
  await mustRun("send a delayed task", await ensurePython("current"), ["-c", program], {
    env: {
      ...process.env,
      PYTHONPATH: "test/support",
      CELERY_BROKER_URL: broker,
      CELERY_RESULT_BACKEND: backend,
      CELERY_CONF: JSON.stringify(CONF),
    },
  });
  const hasRun = async () => (await worker.recorded()).some((run) => run.mark === mark);
  await waitUntil(hasRun, 10_000, `Celery's own delayed task ${mark}`);
}

// Each has a virtual host of its own, and mostly waits for delays.
suite("native delayed delivery", { concurrency: 2 }, () => {
  test("a good route: the broker holds all but one task a while, and nothing stays", async () => {
    await using place = await newPlace();
    await using daemon = await start(place, { good: GOOD }, ["--for", "9s"]);
    assert.deepEqual(await daemon.exit, { code: 0, signal: null }, daemon.stderr());
    const cli = redis.cli({ db: place.db });
    const seen = await Promise.all(
      (await cli.keys("celery-task-meta-*")).map(async (key) => JSON.parse((await cli.get(key))!)),
    );
    const results = seen.map(({ result }) => result).filter(({ headers }) => headers !== undefined);
    const ways = results.map(({ delivery_info }) => delivery_info.exchange as string);
    const direct = ways.filter((exchange) => exchange === "celery_delayed_27");
    assert.equal(ways.length, 9 * RATE);
    assert.ok(direct.length >= 1 && direct.length <= 2, ways.join(" "));
    assert.equal(
      ways.filter((exchange) => exchange === "celery_delayed_0").length,
      ways.length - direct.length,
    );
    const runs = await place.worker.recorded();
    for (const { id, eta } of results) {
      const early = Date.parse(String(eta)) - runs.find((run) => run.id === id)!.startedMs;
      assert.ok(early < 2, `started ${early} ms before its ETA`);
    }
    await assertNothingHeld(place);
    await assertOthersDelivered(place, "after a good route");
  });

  const WRONG: Readonly<
    Record<string, Sent & { readonly client: Client; readonly words: RegExp }>
  > = {
    "an unknown routing key": {
      ...{ exchange: "celery", routingKey: "typo", client: "direct" },
      words: /no queue is bound behind the delay for \\"typo\\"/,
    },
    "a queue that is bound only to a direct exchange": {
      ...{ exchange: "straight", routingKey: "straight", client: "library" },
      words: /no queue is bound behind the delay for \\"straight\\"/,
    },
  };

  for (const [what, { words, client, ...wrong }] of Object.entries(WRONG)) {
    test(`${what} is told at once, nothing of it is sent, and nobody else is hindered`, async () => {
      await using place = await newPlace();
      await place.channel.assertExchange("straight", "direct");
      await place.channel.assertQueue("straight");
      await place.channel.bindQueue("straight", "straight", "straight");
      // More than RabbitMQ dead-letters at a time.
      await using daemon = await start(place, { wrong, good: GOOD }, ["--for", "8s"], client);
      const late = await daemon.waitFor((page) => failuresOf(page, "wrong") >= 36, 20_000);
      assert.equal(publishedOf(late, "wrong"), 0);
      assertBalanced(late);
      await assertOthersDelivered(place, `beside ${what}`);
      assert.deepEqual(await daemon.exit, { code: 0, signal: null }, daemon.stderr());
      const lines = daemon.stderr().split("\n");
      assert.equal(lines.filter((line) => words.test(line)).length, 1, daemon.stderr());
      const ran = (await place.worker.recorded()).filter(({ mark }) => mark === "good");
      assert.equal(ran.length, 8 * RATE);
      await assertNothingHeld(place);
      await assertOthersDelivered(place, `after ${what}`);
    });
  }

  test("exchanges of delays that nobody has made", async () => {
    const vhost = "without-delays";
    await rabbitmq.ctl("add_vhost", vhost);
    await rabbitmq.ctl("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*");
    const broker = `amqp://guest:guest@127.0.0.1:${rabbitmq.port}/${vhost}`;
    await using daemon = await start({ broker, backend: redis.url() }, { wrong: GOOD });
    const page = await daemon.waitFor((metrics) => failuresOf(metrics, "wrong") > 2 * RATE);
    assert.equal(publishedOf(page, "wrong"), 0);
    assert.equal(page.reconnects(), 0);
    assert.match(daemon.stderr(), /there is no exchange \\"celery_delayed_27\\"/);
  });

  test("a queue that is bound later gets what follows, without a restart", async () => {
    await using place = await newPlace();
    const tasks = { late: { exchange: "later", routingKey: "later" } };
    await using daemon = await start(place, tasks);
    await daemon.waitFor((page) => failuresOf(page, "late") > RATE);
    await bind(place.channel, "later");
    await daemon.waitFor((page) => publishedOf(page, "late") > 2 * RATE, PROVEN_MS + 10_000);
    const arrived = async () => (await place.channel.checkQueue("later")).messageCount;
    await waitUntil(async () => (await arrived()) > RATE, 10_000, "delayed tasks to arrive");
  });

  test("a queue that is deleted: what follows is held back before others are hindered", async () => {
    await using place = await newPlace();
    await bind(place.channel, "doomed");
    const tasks = { doomed: { exchange: "doomed", routingKey: "doomed" }, good: GOOD };
    await using daemon = await start(place, tasks);
    const before = await daemon.waitFor((page) => publishedOf(page, "doomed") > 2 * RATE);
    await place.channel.deleteQueue("doomed");
    const held = await daemon.waitFor(
      (page) => failuresOf(page, "doomed") > 0,
      PROVEN_MS + 3_000,
      "the route to be asked for again",
    );
    const sent = publishedOf(held, "doomed") - publishedOf(before, "doomed");
    assert.ok(sent <= (RATE * PROVEN_MS) / 1000 + 2, `${sent} sent to a queue that is gone`);
    const later = await daemon.waitFor((page) => failuresOf(page, "doomed") > 3 * RATE);
    assert.equal(publishedOf(later, "doomed"), publishedOf(held, "doomed"));
    // All that was on its way has had its time.
    await sleep(2 * COUNTDOWN_MS);
    await assertOthersDelivered(place, "after a deleted queue");
    // Only what was sent before it was known, which the broker delivers when the queue is there again.
    assert.ok((await heldIn(place)) <= (RATE * (PROVEN_MS + 2 * COUNTDOWN_MS)) / 1000);
    const succeeded = succeededOf(await daemon.metrics(), "good");
    await daemon.waitFor((page) => succeededOf(page, "good") > succeeded + RATE, 10_000);
  });

  test("after a reconnect each route is proved again", async () => {
    await using place = await newPlace();
    await bind(place.channel, "doomed");
    await using daemon = await start(place, {
      doomed: { exchange: "doomed", routingKey: "doomed" },
    });
    await daemon.waitFor((page) => publishedOf(page, "doomed") > 1);
    await place.channel.deleteQueue("doomed");
    await rabbitmq.ctl("close_all_connections", "--vhost", place.vhost, "the test's");
    const deleted = performance.now();
    const page = await daemon.waitFor((metrics) => failuresOf(metrics, "doomed") > 0, 10_000);
    assert.ok(performance.now() - deleted < PROVEN_MS - 1_000, "the time was up anyway");
    const later = await daemon.waitFor((metrics) => failuresOf(metrics, "doomed") > RATE);
    assert.equal(publishedOf(later, "doomed"), publishedOf(page, "doomed"));
  });
});
