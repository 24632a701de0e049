// Also on today's brokers.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { HAS_ZSTD } from "../../src/celery/messages/body-encoding.js";
import type { CeleryVersion } from "../../src/setup/python.js";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { ensureSerializers } from "../support/serializers.js";
import { runTasks, type TaskRun, type TaskSettings } from "../support/task-runs.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker, type TestWorker, type WorkerOptions } from "../support/worker.js";

let rabbitmq: TestRabbitmq;
let redis: TestRedis;
before(async () => {
  rabbitmq = await startRabbitmq();
  redis = await startRedis({ args: ["--databases", "64"] });
});
after(async () => {
  await rabbitmq[Symbol.asyncDispose]();
  await redis.stop();
});

/** A broker, and a database for results, of a test's own. */
interface Place {
  readonly broker: string;
  readonly backend: string;
  readonly db: number;
}

let places = 0;

async function newPlace(kind: "redis" | "amqp"): Promise<Place> {
  places += 1;
  const db = 2 * places;
  const backend = redis.url(db);
  if (kind === "redis") return { broker: redis.url(db + 1), backend, db };
  const vhost = `options-${places}`;
  await rabbitmq.ctl("add_vhost", vhost);
  await rabbitmq.ctl("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*");
  return { broker: `amqp://guest:guest@127.0.0.1:${rabbitmq.port}/${vhost}`, backend, db };
}

/** A worker that accepts every serializer, with these queues instead of plain ones. */
async function startFor(
  { broker, backend }: Place,
  python: CeleryVersion,
  { conf = {}, queues = [] }: { conf?: object; queues?: readonly object[] } = {},
  more: Partial<WorkerOptions> = {},
): Promise<TestWorker> {
  return startWorker({
    broker,
    backend,
    python,
    ...more,
    env: {
      PYTHONPATH: await ensureSerializers(python),
      CELERY_CONF: JSON.stringify({ accept_content: ["json", "msgpack", "yaml"], ...conf }),
      ...(queues.length === 0 ? {} : { TASK_QUEUES: JSON.stringify(queues) }),
    },
  });
}

/** What the worker saw of its message: attributes of `task.request`. */
type Seen = Readonly<Record<string, unknown>> & {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly delivery_info: Readonly<Record<string, unknown>>;
};

interface Sent extends TaskRun {
  outcomeOf(name: string): string;
  seen(name: string): Seen;
}

/** Sends each task once; its name is its header `mark`, by which what the worker saw is found. */
async function send(
  place: Place,
  tasks: Readonly<Record<string, Partial<TaskSettings>>>,
  gracefulStop?: string,
): Promise<Sent> {
  const names = Object.keys(tasks);
  const settings = Object.entries(tasks).map(([mark, task]) => ({
    name: "tests.request",
    ...task,
    headers: { ...((task.headers ?? {}) as object), mark },
  }));
  const run = await runTasks(settings, {
    ...place,
    ...(gracefulStop === undefined ? {} : { gracefulStop }),
  });
  const results = await resultsIn(place);
  return {
    ...run,
    outcomeOf(name) {
      const { outcomes, publishFailed } = run.rows[names.indexOf(name)]!;
      if (publishFailed > 0) return "not published";
      return Object.keys(outcomes).find((outcome) => outcomes[outcome]! > 0) ?? "none";
    },
    seen(name) {
      const found = results.find((result) => result?.mark === name);
      assert.ok(found, `the worker has not seen ${name}: ${run.log.slice(-1000)}`);
      return found;
    },
  };
}

/** What the tasks of a place that have succeeded returned. */
async function resultsIn({ db }: Place): Promise<Seen[]> {
  const cli = redis.cli({ db });
  const keys = await cli.keys("celery-task-meta-*");
  const metas = keys.length === 0 ? [] : await cli.mget(keys);
  return metas
    .map((text) => JSON.parse(text!))
    .flatMap(({ status, result }) => {
      return status === "SUCCESS" ? [result] : [];
    });
}

const ARGS = [1, "ä😀", { a: [1.5, null, true, "\u0085"] }, 1e-7];
const HEADERS = {
  tenant: "lö😀d",
  numbers: [0, -5, 127, 128, 300, -300, 40_000, -40_000, 2 ** 40, -(2 ** 40), 1.5, -1e300],
  nested: { "!": "int", value: { deep: [null, true, ""] } },
};

/** All that msgpack has numbers for, and more. */
const NUMBERS_OF_64_BITS =
  "[1234567890123456789, -9223372036854775808, 18446744073709551615, 9007199254740993, 3.0, -0.0, -3.00, 1e5, 1E+2, 1e16, 1e22, 0.1, 1e-7, 12345678901234567890.0, 7]";
const NUMBERS = `[123456789012345678901234567890, -18446744073709551616, ${NUMBERS_OF_64_BITS.slice(1)}`;

/** Those that headers can have. */
const NUMBERS_OF_HEADERS =
  "[9223372036854775807, 9007199254740993, -40000, 3.0, -0.0, 1e5, 1e16, 0.1]";

// Each has a virtual host or databases of its own, and mostly waits for its worker.
suite("options of messages", { concurrency: 2 }, () => {
  for (const kind of ["redis", "amqp"] as const) {
    test(`numbers arrive as Python reads them in the text of the configuration: ${kind}`, async () => {
      const place = await newPlace(kind);
      await using worker = await startFor(place, "current");
      const written = (text: string, more: object) => ({
        name: "tests.numbers",
        args: `NUMBERS ${text}`,
        kwargs: { text },
        ...more,
      });
      const tasks: TaskSettings[] = [
        written(NUMBERS, {}),
        written(NUMBERS, { serializer: "yaml" }),
        written(NUMBERS, { protocol: 1 }),
        written(NUMBERS_OF_64_BITS, { serializer: "msgpack" }),
        written(NUMBERS_OF_64_BITS, { serializer: "msgpack", protocol: 1, compression: "zlib" }),
        written(NUMBERS_OF_HEADERS, { headers: { numbers: `NUMBERS ${NUMBERS_OF_HEADERS}` } }),
      ];
      const edit = (text: string) => text.replaceAll(/"NUMBERS ([^"]*)"/g, "$1");
      const { rows, log } = await runTasks(tasks, { ...place, edit });
      const results = await resultsIn(place);
      assert.equal(results.length, tasks.length, `${log}${worker.log()}`);
      for (const { read, header, meant, shown } of results) {
        assert.equal(read, meant);
        if (header !== "None") assert.equal(header, meant);
        // Version 1 has no argsrepr.
        if (shown !== null) assert.equal(shown, String(meant).replace("[", "(").replace("]", ")"));
      }
      assert.equal(results.filter(({ shown }) => shown !== null).length, 4);
      assert.equal(results.filter(({ header }) => header !== "None").length, 1);
      assert.ok(rows.every(({ outcomes }) => outcomes.succeeded === 1));
    });
  }

  for (const kind of ["redis", "amqp"] as const) {
    for (const python of ["current", "debian"] as const) {
      test(`every option arrives as it was written: ${kind}, Celery ${python}`, async () => {
        const place = await newPlace(kind);
        await using worker = await startFor(place, python);
        const sent = await send(place, {
          plain: { args: ARGS, kwargs: { k: "ü" } },
          msgpack: { args: ARGS, kwargs: { k: "ü" }, serializer: "msgpack" },
          yaml: { args: ARGS, kwargs: { k: "ü" }, serializer: "yaml" },
          zlib: { args: ARGS, compression: "zlib" },
          gzip: { args: ARGS, compression: "gzip", serializer: "yaml" },
          brotli: { args: ARGS, compression: "brotli", serializer: "msgpack" },
          limits: { timeLimit: "5m", softTimeLimit: "250.5s" },
          retries: { retries: 300 },
          shadow: { shadow: "tests.shadöw" },
          stamps: { stamps: { campaign: "soak", run: [1, 2] } },
          headers: { headers: HEADERS },
          reprs: { args: [1], argsrepr: "(secret)", kwargsrepr: "{…}" },
          transient: { deliveryMode: "transient" },
          persistent: { deliveryMode: "persistent" },
          priority: { priority: 3 },
          urgency: { urgency: 9 },
          expires: { expires: "1h" },
          version1: {
            args: ARGS,
            kwargs: { k: "ü" },
            protocol: 1,
            retries: 5,
            timeLimit: "5m",
            headers: HEADERS,
          },
          version1Packed: { args: ARGS, protocol: 1, serializer: "msgpack", compression: "zlib" },
        });
        const { seen } = sent;
        for (const name of ["plain", "msgpack", "yaml", "version1"]) {
          assert.deepEqual([seen(name).args, seen(name).kwargs], [ARGS, { k: "ü" }], name);
        }
        for (const name of ["zlib", "gzip", "brotli", "version1Packed"]) {
          assert.deepEqual(seen(name).args, ARGS, name);
        }
        assert.deepEqual(seen("limits").timelimit, [300, 250.5]);
        assert.equal(seen("retries").retries, 300);
        assert.equal(seen("shadow").shadow, "tests.shadöw");
        assert.match(worker.log(), /Task tests\.shadöw\[/);
        assert.deepEqual(seen("stamps").stamps, { campaign: "soak", run: [1, 2] });
        assert.deepEqual(seen("stamps").stamped_headers, ["campaign", "run"]);
        for (const name of ["headers", "version1"]) {
          const { tenant, numbers, nested } = seen(name);
          assert.deepEqual({ tenant, numbers, nested }, HEADERS, name);
        }
        assert.deepEqual([seen("reprs").argsrepr, seen("reprs").kwargsrepr], ["(secret)", "{…}"]);
        assert.deepEqual(
          [seen("plain").argsrepr, seen("plain").kwargsrepr],
          ["(1, 'ä😀', {'a': [1.5, None, True, '\u0085']}, 1e-07)", "{'k': 'ü'}"],
        );
        assert.equal(seen("transient").properties.delivery_mode, 1);
        assert.equal(seen("persistent").properties.delivery_mode, 2);
        assert.equal(seen("priority").delivery_info.priority, 3);
        assert.equal(seen("urgency").delivery_info.priority, kind === "redis" ? 0 : 9);
        assert.equal(seen("expires").properties.expiration, "3600000");
        assert.match(String(seen("expires").expires), /\.\d{6}\+00:00$/);
        assert.deepEqual([seen("version1").retries, seen("version1").timelimit], [5, [300, null]]);
        assert.ok(sent.rows.every(({ outcomes }) => outcomes.succeeded === 1));
      });

      test(`no task starts before its countdown or ETA: ${kind}, Celery ${python}`, async () => {
        const place = await newPlace(kind);
        await using worker = await startFor(place, python);
        const startedMs = Date.now();
        // Late in a second: Celery 5.2 reads other fractions than those of six digits as nearly nothing.
        const etaMs = Math.ceil((startedMs + 2_000) / 1_000) * 1_000 + 987;
        const sent = await send(place, {
          countdown: { countdown: "1.9s" },
          eta: { eta: new Date(etaMs).toISOString() },
          version1: { countdown: "1.9s", protocol: 1 },
          past: { eta: "2001-02-03T04:05:06.789+14:00" },
        });
        const runs = new Map((await worker.recorded()).map((run) => [run.mark, run]));
        for (const name of ["countdown", "eta", "version1", "past"]) {
          assert.equal(sent.outcomeOf(name), "succeeded", name);
          const early = Date.parse(String(sent.seen(name).eta)) - runs.get(name)!.startedMs;
          assert.ok(early < 2, `${name} started ${early} ms before its ETA`);
        }
        assert.equal(Date.parse(String(sent.seen("eta").eta)), etaMs);
        assert.ok(runs.get("countdown")!.startedMs >= startedMs + 1_900);
        assert.equal(sent.seen("past").eta, "2001-02-02T14:05:06.789000+00:00");
      });

      test(`an exchange routes by its bindings, and what is missing harms no other task: ${kind}, Celery ${python}`, async () => {
        const place = await newPlace(kind);
        await using _worker = await startFor(place, python, {
          queues: [
            { name: "reports", exchange: ["reports", "topic"], routing_key: "reports.#" },
            { name: "direct", exchange: ["images", "direct"], routing_key: "resize" },
            { name: "celery", exchange: ["celery", "direct"], routing_key: "celery" },
          ],
        });
        const sent = await send(place, {
          topic: { exchange: "reports", routingKey: "reports.daily.é" },
          direct: { exchange: "images", routingKey: "resize" },
          byQueue: { exchange: "celery", queue: "celery" },
          noExchange: { exchange: "no-such-exchange", routingKey: "reports.daily" },
          noBinding: { exchange: "reports", routingKey: "other" },
          plain: {},
        });
        const outcomes = Object.fromEntries(
          ["topic", "direct", "byQueue", "plain"].map((name) => [name, sent.outcomeOf(name)]),
        );
        const all = {
          topic: "succeeded",
          direct: "succeeded",
          byQueue: "succeeded",
          plain: "succeeded",
        };
        assert.deepEqual(outcomes, all);
        const { exchange, routing_key } = sent.seen("topic").delivery_info;
        assert.deepEqual([exchange, routing_key], ["reports", "reports.daily.é"]);
        const failures = (scenario: string) =>
          sent.page.value("celery_load_publish_failures_total", { scenario, kind: "unroutable" });
        assert.deepEqual([failures("t3"), failures("t4")], [1, 1]);
        assert.equal(sent.page.reconnects(), 0);
      });

      test(`time limits end a task, and ignored results are unknown: ${kind}, Celery ${python}`, async () => {
        const place = await newPlace(kind);
        const conf = { task_store_errors_even_if_ignored: true };
        await using worker = await startFor(place, python, { conf }, { pool: "prefork" });
        const sleep = { name: "tests.sleep", args: [20] };
        const ignored = { ignoreResult: true, timeout: "4s" };
        const sent = await send(
          place,
          {
            hard: { ...sleep, timeLimit: "1s" },
            soft: { ...sleep, softTimeLimit: "1s", timeLimit: "10s" },
            hardOfVersion1: { ...sleep, timeLimit: "1s", protocol: 1 },
            ignored: { ...ignored },
            ignoredFailure: { ...ignored, name: "tests.fail" },
            stored: { ignoreResult: false },
            asTheTaskSays: { ignoreResult: null },
          },
          "30s",
        );
        const error = (scenario: string, exception: string) =>
          sent.page.sum("celery_load_task_errors_total", { scenario, exception });
        assert.deepEqual(
          [error("t0", "TimeLimitExceeded"), error("t1", "SoftTimeLimitExceeded")],
          [1, 1],
          worker.log().slice(-3000),
        );
        assert.equal(error("t2", "TimeLimitExceeded"), 1);
        assert.equal(sent.outcomeOf("ignored"), "unknown");
        assert.equal(
          (await worker.recorded()).find(({ mark }) => mark === "ignored")?.state,
          "SUCCESS",
        );
        assert.equal(sent.outcomeOf("ignoredFailure"), "failed");
        assert.equal(sent.outcomeOf("stored"), "succeeded");
        assert.equal(sent.outcomeOf("asTheTaskSays"), "succeeded");
      });

      test(`urgency 9 is served first: ${kind}, Celery ${python}`, async () => {
        const place = await newPlace(kind);
        const queue = { exchange: ["urgent", "direct"], routing_key: "urgent", max_priority: 9 };
        if (kind === "amqp") {
          const client = await rabbitmq.client(new URL(place.broker).pathname.slice(1));
          await (await client.createChannel()).assertQueue("urgent", {
            durable: true,
            maxPriority: 9,
          });
        }
        const tasks = Object.fromEntries(
          [4, 0, 9, 7, 2, 5, 8, 1, 3, 6].map((urgency) => [
            `u${urgency}`,
            { urgency, queue: "urgent" },
          ]),
        );
        const sending = send(place, tasks, "60s");
        await waitUntil(async () => (await waitingIn(place, kind)) === 10, 20_000, "ten messages");
        // One at a time, and no other fetched while it runs.
        await using worker = await startFor(
          place,
          python,
          { conf: { worker_prefetch_multiplier: 1 }, queues: [{ name: "urgent", ...queue }] },
          { pool: "solo", concurrency: 1 },
        );
        await sending;
        const order = (await worker.recorded()).map(({ mark }) => Number(String(mark).slice(1)));
        // On Redis three neighbours share a list (priority_steps).
        const rank = (urgency: number) =>
          kind === "redis" ? Math.floor((9 - urgency) / 3) : 9 - urgency;
        assert.equal(order.length, 10);
        assert.deepEqual(
          order.map(rank),
          order.map(rank).sort((a, b) => a - b),
          order.join(" "),
        );
      });
    }
  }

  test("zstd arrives as it was written", async (t) => {
    if (!HAS_ZSTD) {
      t.skip(`Node ${process.versions.node} has no zstd: 22.15 and later have`);
      return;
    }
    const place = await newPlace("redis");
    await using _worker = await startFor(place, "current");
    const sent = await send(place, { zstd: { args: ARGS, compression: "zstd" } });
    assert.deepEqual(sent.seen("zstd").args, ARGS);
  });

  test("RabbitMQ holds a delayed task, which is unroutable until a worker has made the exchange", async () => {
    const place = await newPlace("amqp");
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${place.broker}", backend: "${place.backend}", forget: false } }
tasks:
  delayed:
    { name: tests.request, exchange: celery, countdown: 2.7s, nativeDelayedDelivery: true, headers: { mark: delayed } }
scenarios: { s: { profile: 5/s, gracefulStop: 10s } }
`,
    });
    const failures = (page: Metrics) =>
      page.value("celery_load_publish_failures_total", { kind: "unroutable" });
    assertBalanced(await daemon.waitFor((page) => failures(page) > 5));
    const conf = { task_default_queue_type: "quorum", task_default_exchange_type: "topic" };
    await using worker = await startFor(place, "current", { conf });
    const page = await daemon.waitFor(
      (metrics) => metrics.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > 10,
      30_000,
      "delayed tasks to succeed without a restart",
    );
    assertBalanced(page);
    assert.equal(page.reconnects(), 0);
    assert.equal(page.sum("celery_load_publish_failures_total", { kind: "rejected" }), 0);
    const seen = await resultsIn(place);
    const ways: unknown[] = [];
    for (const { id, eta, delivery_info } of seen) {
      const run = (await worker.recorded()).find((each) => each.id === id);
      const early = Date.parse(String(eta)) - run!.startedMs;
      assert.ok(early < 2, `started ${early} ms before its ETA`);
      ways.push(delivery_info.exchange);
    }
    assert.ok(seen.length > 10);
    // They have gone through the broker's exchanges for each bit, but for one now and then that shows the way.
    const held = ways.filter((exchange) => exchange === "celery_delayed_0");
    assert.ok(held.length > seen.length / 2, ways.join(" "));
    assert.ok(ways.every((exchange) => /^celery_delayed_(0|27)$/.test(String(exchange))));
  });
});

async function waitingIn({ broker, db }: Place, kind: "redis" | "amqp"): Promise<number> {
  if (kind === "redis") {
    const cli = redis.cli({ db: db + 1 });
    const lengths = ["", "\x06\x163", "\x06\x166", "\x06\x169"].map((step) =>
      cli.llen(`urgent${step}`),
    );
    return (await Promise.all(lengths)).reduce((sum, length) => sum + length, 0);
  }
  const vhost = new URL(broker).pathname.slice(1);
  const listed = await rabbitmq.ctl(
    "list_queues",
    "-p",
    vhost,
    "name",
    "messages",
    "--formatter=json",
  );
  const queues = JSON.parse(listed) as { name: string; messages: number }[];
  return queues.find(({ name }) => name === "urgent")?.messages ?? 0;
}
