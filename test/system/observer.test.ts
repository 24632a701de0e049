import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { redisContents } from "../support/deployment.js";
import type { Metrics } from "../support/metrics.js";
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

/** Far longer than anything here takes. */
const LONG_MS = 60_000;

const urlOf = { redis: (db: number) => redis.url(db), amqp: () => rabbitmq.url };

interface Settings {
  readonly broker: string;
  readonly events?: string;
  readonly task?: string;
  readonly queue?: string;
  readonly profile?: string;
  readonly logLevel?: string;
}

function startObserving(settings: Settings): Promise<TestDaemon> {
  const { broker, events = "auto", profile = "0/s", queue = "celery" } = settings;
  const { task = "{ name: tests.sleep, args: [0.2]" } = settings;
  return startDaemon({
    configText: `
connections: { main: { broker: "${broker}", backend: "${redis.url(15)}", events: ${events} } }
tasks: { slow: ${task}, queue: ${queue} } }
scenarios: { steady: { profile: ${profile}, gracefulStop: 1s } }
server: { linger: 0s }
`,
    logLevel: settings.logLevel ?? "info",
  });
}

const workersOf = (page: Metrics) =>
  page.select("celery_load_worker_up").map(({ labels, value }) => ({
    worker: labels.worker!,
    value,
  }));

for (const kind of ["redis", "amqp"] as const) {
  test(`workers and queues are told over ${kind}, through kills and restarts`, async () => {
    const broker = urlOf[kind](1);
    const queue = "observed";
    const options = { broker, backend: redis.url(15), pool: "prefork", queues: [queue] } as const;
    await using daemon = await startObserving({ broker, queue });
    await daemon.waitFor(
      (page) =>
        page.select("celery_load_worker_up").length === 0 &&
        (kind === "amqp" || page.value("celery_load_queue_consumers") === 0),
      LONG_MS,
      "no worker",
    );
    // RabbitMQ has no such queue yet: that is no queue of length 0.
    const lengths = (await daemon.metrics()).select("celery_load_queue_length");
    if (kind === "amqp") assert.deepEqual(lengths, []);

    const worker = await startWorker(options);
    const page = await daemon.waitFor(
      (metrics) =>
        metrics.sum("celery_load_worker_up") === 1 &&
        metrics.sum("celery_load_worker_pool_size") === 4 &&
        metrics.sum("celery_load_queue_consumers") === 1 &&
        metrics.select("celery_load_worker_active_tasks").length === 1 &&
        metrics.select("celery_load_queue_length").length === 1,
      LONG_MS,
      "the worker",
    );
    const name = workersOf(page)[0]!.worker;
    assert.match(name, /^test-.*@/);
    assert.equal(page.value("celery_load_worker_prefetch_limit"), 16);
    assert.equal(page.value("celery_load_queue_length", { queue }), 0);
    assert.equal(page.value("celery_load_connection_up", { role: "events" }), 1);
    const beat = page.value("celery_load_worker_last_heartbeat_timestamp_seconds");
    assert.ok(Math.abs(beat - Date.now() / 1000) < 30, `${beat}`);
    if (kind === "redis") {
      assert.equal(page.value("celery_load_queue_unacked", { queue: "*" }), 0);
    } else assert.deepEqual(page.select("celery_load_queue_unacked"), []);

    worker.signal("SIGKILL", { group: true });
    const killedMs = performance.now();
    await daemon.waitFor((metrics) => metrics.sum("celery_load_worker_up") === 0, LONG_MS, "0");
    // Two heartbeats and two seconds after the last one, which came at most two seconds before.
    assert.ok(performance.now() - killedMs > 3_900, "sooner than it can be known");
    assert.deepEqual((await daemon.metrics()).select("celery_load_worker_active_tasks"), []);
    await worker[Symbol.asyncDispose]();

    const restarted = await startWorker({ ...options, extraArgs: ["--hostname", name] });
    await daemon.waitFor((metrics) => metrics.sum("celery_load_worker_up") === 1, LONG_MS, "1");
    // A goodbye is believed at once.
    await restarted.stop();
    const last = await daemon.waitFor((metrics) => metrics.sum("celery_load_worker_up") === 0);
    assert.deepEqual(workersOf(last), [{ worker: name, value: 0 }]);
  });

  test(`task events over ${kind} are switched on, after a restart again, and off in the end`, async () => {
    const broker = urlOf[kind](2);
    const options = { broker, backend: redis.url(15), pool: "prefork" } as const;
    await using silent = await startWorker(options);
    await using talking = await startWorker({ ...options, extraArgs: ["-E"] });
    await using daemon = await startObserving({ broker, events: "on", profile: "5/s" });
    const switchedOn = () =>
      daemon
        .stderr()
        .split("\n")
        .filter((line) => line.includes("are on while we run"))
        .map((line) => JSON.parse(line).workers as string[]);
    await daemon.waitFor(() => switchedOn().length === 1, LONG_MS, "events to be on");
    assert.equal(switchedOn()[0]?.length, 1, "only where they were off");
    const [name] = switchedOn()[0] as [string];

    await silent.stop();
    await using again = await startWorker({ ...options, extraArgs: ["--hostname", name] });
    await daemon.waitFor(() => switchedOn().length === 2, LONG_MS, "events to be on again");
    assert.deepEqual(switchedOn()[1], [name]);

    assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
    assert.doesNotMatch(daemon.stderr(), /could not be switched off/);
    // The worker says so itself: switching on is news for the one and not for the other.
    await using second = await startObserving({ broker, events: "on" });
    const news = () => second.stderr().match(/"workers":(\[[^\]]*\])/)?.[1] ?? "[]";
    await second.waitFor(() => news() !== "[]", LONG_MS, "events to be on once more");
    assert.deepEqual(JSON.parse(news()), [name]);
    for (const worker of [again, talking]) assert.doesNotMatch(worker.log(), /Traceback/);
  });
}

test("events: off leaves the workers alone, and auto switches nothing on", async () => {
  const broker = redis.url(3);
  await using _worker = await startWorker({ broker, pool: "prefork" });
  const cli = redis.cli({ db: 3 });
  const asked: string[] = [];
  const monitor = redis.cli({ db: 3 });
  monitor.on("message", (_channel, text) => {
    const { body } = JSON.parse(text);
    asked.push(JSON.parse(Buffer.from(body, "base64").toString()).method);
  });
  await monitor.subscribe("/3.celery.pidbox");
  {
    await using daemon = await startObserving({ broker, events: "off" });
    const page = await daemon.waitFor(
      (metrics) => metrics.select("celery_load_queue_length").length === 1,
      LONG_MS,
      "the queue",
    );
    assert.deepEqual(page.select("celery_load_worker_up"), []);
    assert.deepEqual(page.select("celery_load_connection_up", { role: "events" }), []);
    const clients = String(await cli.client("LIST"));
    assert.doesNotMatch(clients, /name=celery-load@\S+:(events|control)/);
    await daemon.stop();
  }
  assert.deepEqual(asked, []);
  {
    await using daemon = await startObserving({ broker });
    await daemon.waitFor((metrics) => metrics.sum("celery_load_worker_pool_size") === 4, LONG_MS);
    await daemon.stop();
  }
  assert.deepEqual([...new Set(asked)].sort(), ["active_queues", "conf", "stats"]);
  const keys = Object.keys(await redisContents(redis)).filter((key) => key.startsWith("3 "));
  assert.deepEqual(
    keys.filter((key) => key.includes("reply")),
    [],
  );
});

test("messages wait in the queue, and are seen there with all priorities", async () => {
  const broker = redis.url(4);
  await using daemon = await startObserving({
    broker,
    task: "{ name: tests.add, args: [1, 2], priority: 6",
    queue: "waiting",
    profile: "{ steps: [20/s for 1s, 0/s for 10m] }",
  });
  const page = await daemon.waitFor(
    (metrics) => metrics.sum("celery_load_queue_length", { queue: "waiting" }) === 20,
    LONG_MS,
    "20 messages",
  );
  assert.equal(page.value("celery_load_queue_consumers"), 0);
});

for (const kind of ["redis", "amqp"] as const) {
  test(`malformed and huge events over ${kind} change nothing but a counter`, async () => {
    const broker = urlOf[kind](5);
    const queue = "malformed";
    await using _worker = await startWorker({ broker, backend: redis.url(15), queues: [queue] });
    await using daemon = await startObserving({ broker, queue, profile: "5/s" });
    await daemon.waitFor((metrics) => metrics.sum("celery_load_worker_up") >= 1, LONG_MS);
    const up = workersOf(await daemon.metrics());

    const bodies = [
      "no json",
      '{"type": "worker-heartbeat"}',
      `[7, null, {"type":"worker-heartbeat","hostname":"${"h".repeat(300)}","timestamp":1}]`,
      JSON.stringify("x".repeat(20 * 2 ** 20)),
      "[".repeat(100_000),
      '[{"type": "task-custom", "hostname": "h", "timestamp": 1, "uuid": "x", "loss": NaN}, 8]',
      '{"type": "task-succeeded", "hostname": "h", "timestamp": Infinity, "uuid": "x", "runtime": 1e999}',
    ];
    const client = kind === "amqp" ? await rabbitmq.client() : null;
    const channel = await client?.createChannel();
    // Not under `worker.`: there other workers listen (gossip), and such events end them.
    for (const body of bodies) {
      if (channel !== undefined) channel.publish("celeryev", "task.x", Buffer.from(body));
      else {
        const envelope = {
          body: Buffer.from(body).toString("base64"),
          properties: { body_encoding: "base64" },
        };
        await redis.cli({ db: 5 }).publish("/5.celeryev/task.x", JSON.stringify(envelope));
      }
    }
    const page = await daemon.waitFor(
      (metrics) => metrics.value("celery_load_malformed_messages_total", { source: "event" }) >= 9,
      LONG_MS,
      "all of them to be counted",
    );
    assert.equal(page.value("celery_load_malformed_messages_total", { source: "event" }), 9);
    assert.deepEqual(workersOf(page), up);
    assert.equal(page.value("celery_load_connection_up", { role: "events" }), 1);
    const before = page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" });
    await daemon.waitFor(
      (metrics) =>
        metrics.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > before + 5,
      LONG_MS,
      "tasks to go on",
    );
  });
}

test("while the broker is away nothing is claimed, and afterwards all is known again", async () => {
  await using own = await startRedis();
  await using _worker = await startWorker({ broker: own.url(), backend: redis.url(15) });
  await using daemon = await startObserving({ broker: own.url() });
  const isKnown = (metrics: Metrics) =>
    metrics.sum("celery_load_worker_up") === 1 &&
    metrics.select("celery_load_queue_length").length === 1;
  await daemon.waitFor(isKnown, LONG_MS, "the worker");
  await own.kill("SIGKILL");
  const isUnknown = (metrics: Metrics) =>
    metrics.select("celery_load_worker_up").length === 0 &&
    metrics.select("celery_load_queue_length").length === 0 &&
    metrics.value("celery_load_connection_up", { role: "events" }) === 0;
  await daemon.waitFor(isUnknown, LONG_MS, "nothing to be known");
  await own.restart();
  await daemon.waitFor(isKnown, LONG_MS, "the worker again");
  await waitUntil(
    async () => (await daemon.metrics()).sum("celery_load_reconnects_total") > 0,
    LONG_MS,
    "the reconnect to be counted",
  );
});

test("tasks of others on the workers of our queues are counted, one by one", async () => {
  const broker = redis.url(7);
  const options = { broker, backend: redis.url(15), extraArgs: ["-E"] };
  await using worker = await startWorker(options);
  await using elsewhere = await startWorker({ ...options, queues: ["elsewhere"] });
  const task = "{ name: tests.add, args: [1, 2]";
  await using daemon = await startObserving({ broker, task, profile: "5/s" });
  const known = await daemon.waitFor(
    (page) =>
      page.value("celery_load_queue_consumers", { queue: "celery" }) === 1 &&
      page.sum("celery_load_task_phase_seconds_count", { phase: "run" }) > 5,
    LONG_MS,
    "the workers and events of our own tasks",
  );
  assert.equal(known.value("celery_load_unexplained_tasks_total"), 0);
  const others = { broker, events: "off", task, profile: "{ steps: [20/s for 3s] }" };
  for (const queue of ["celery", "elsewhere"]) {
    await using other = await startObserving({ ...others, queue });
    await other.exit;
  }
  assert.equal((await elsewhere.recorded()).length, 60);
  const page = await daemon.waitFor(
    (metrics) => metrics.value("celery_load_unexplained_tasks_total") >= 60,
    LONG_MS,
    "60 tasks of others",
  );
  assert.equal(page.value("celery_load_unexplained_tasks_total"), 60);
  assert.ok((await worker.recorded()).length > 60);
});
