/*
 * Options and URLs as they stand in real configurations: the same text goes to Celery's worker and to the daemon,
 * and they must meet: tasks, results, events and remote control.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import type { CeleryVersion } from "../../src/setup/python.js";
import { celeryLoad } from "../support/command.js";
import { startDaemon } from "../support/daemon.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { startSentinel } from "../support/sentinel.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";

let rabbitmq: TestRabbitmq;
let redis: TestRedis;
before(async () => {
  rabbitmq = await startRabbitmq();
  redis = await startRedis({ args: ["--unixsocket", await socketPath(), "--databases", "64"] });
});
after(async () => {
  await rabbitmq[Symbol.asyncDispose]();
  await redis.stop();
});

let socket: Promise<string> | undefined;
function socketPath(): Promise<string> {
  socket ??= scratchFile("redis.sock");
  return socket;
}

interface Variant {
  readonly what: string;
  /** URLs of the worker; the daemon has the same unless `written` says. */
  readonly urls: () => Promise<{ broker: string; backend: string }>;
  /** `broker` and `backend` of the daemon, where they are no text. */
  readonly written?: (urls: { broker: string; backend: string }) => {
    broker: unknown;
    backend: unknown;
  };
  readonly options?: object;
  readonly backendOptions?: object;
  /** Celery's settings that stand in `options` here. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly python?: CeleryVersion;
  /** Looked at while both run. */
  readonly look?: () => Promise<boolean>;
}

let database = 0;
/** A database of Redis for each variant. */
const ofRedis = (query = "", end = "") => {
  database += 1;
  const db = database;
  return async () => ({
    broker: `${redis.url(db)}${end}`,
    backend: `${redis.url(db)}${query}`,
  });
};
const ofRabbitmq = (query = "", end = "") => {
  return async () => ({ broker: `${rabbitmq.url}${query}${end}`, backend: "rpc://" });
};

const NAMES = {
  control_exchange: "shop",
  event_exchange: "shop.events",
  event_queue_prefix: "shop.queue",
};

const VARIANTS: readonly Variant[] = [
  {
    what: "Redis: what keeps connections, and what only workers need",
    urls: ofRedis(),
    options: {
      ...{ visibility_timeout: 43_200, max_retries: 3, interval_start: 0, interval_step: 0.2 },
      ...{ socket_keepalive: true, health_check_interval: 10, socket_timeout: 30 },
      ...{ socket_connect_timeout: 5, retry_on_timeout: true, max_connections: 20 },
      ...{ unacked_mutex_expire: 60, unacked_mutex_key: "mutex", queue_order_strategy: "priority" },
      ...{ polling_interval: 0.5, client_name: "shop" },
    },
    backendOptions: {
      ...{ retry_policy: { timeout: 5.0 }, result_chord_ordered: false },
      ...{ visibility_timeout: 43_200, global_keyprefix: "results" },
    },
    look: async () => /name=shop:\S/.test(String(await redis.cli().call("CLIENT", "LIST"))),
  },
  {
    what: "Redis: another prefix of channels, without patterns",
    urls: ofRedis(),
    options: { fanout_prefix: "/shop-{db}.", fanout_patterns: false },
  },
  {
    what: "Redis: no prefix of channels, ten priorities, a prefix of keys",
    urls: ofRedis(),
    options: {
      ...{ fanout_prefix: false, sep: ":", priority_steps: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] },
      global_keyprefix: "shop-",
    },
  },
  { what: "Redis: other exchanges of control and events", urls: ofRedis(), settings: NAMES },
  {
    what: "Redis: other exchanges, with all prefixes, Celery 5.2",
    urls: ofRedis(),
    settings: NAMES,
    options: { global_keyprefix: "p:", fanout_prefix: "/x.", unacked_key: "mine" },
    python: "debian",
  },
  { what: "Redis: workers that note nothing", urls: ofRedis(), options: { ack_emulation: false } },
  {
    what: "Redis: a query that its client knows, and an end of the list",
    urls: ofRedis("?socket_timeout=20&health_check_interval=10&max_connections=9&db=40", ";"),
  },
  {
    what: "Redis: a list of URLs",
    urls: ofRedis("", ";redis://127.0.0.1:1/0; "),
    written: ({ broker, backend }) => ({
      broker: broker.split(";").filter((url) => url.trim() !== ""),
      backend: [backend],
    }),
  },
  {
    what: "Redis: a Unix socket with its database",
    urls: async () => {
      const url = `redis+socket://${await socketPath()}?virtual_host=50`;
      return { broker: url, backend: url };
    },
  },
  {
    what: "RabbitMQ: what py-amqp takes",
    urls: ofRabbitmq(),
    options: {
      ...{ confirm_publish: true, max_retries: 3, heartbeat: 30, connect_timeout: 4 },
      ...{ login_method: "AMQPLAIN", frame_max: 65_536, read_timeout: 60, write_timeout: 60 },
      client_properties: { team: "shop", connection_name: "shop" },
    },
    look: async () => {
      const columns = ["client_properties", "frame_max", "auth_mechanism", "timeout"];
      const text = await rabbitmq.ctl("list_connections", ...columns, "--formatter=json");
      const ours = (JSON.parse(text) as Record<string, unknown>[]).filter((row) =>
        /"shop:/.test(JSON.stringify(row.client_properties)),
      );
      return (
        ours.length > 0 &&
        ours.every(
          (row) =>
            /"team"/.test(JSON.stringify(row)) &&
            row.frame_max === 65_536 &&
            row.auth_mechanism === "AMQPLAIN" &&
            row.timeout === 30,
        )
      );
    },
  },
  { what: "RabbitMQ: other exchanges of control and events", urls: ofRabbitmq(), settings: NAMES },
  {
    what: "RabbitMQ: other exchanges, Celery 5.2",
    urls: ofRabbitmq(),
    settings: { control_exchange: "old", event_exchange: "oldev" },
    python: "debian",
  },
  {
    what: "RabbitMQ: a query and an end of the list",
    urls: ofRabbitmq("?heartbeat=20&login_method=PLAIN", ";"),
  },
];

suite("a worker and the daemon that have the same options meet", { concurrency: 2 }, () => {
  for (const variant of VARIANTS) {
    test(variant.what, () => assertMeet(variant));
  }

  test("Sentinel: what its client knows", async () => {
    await using sentinel = await startSentinel();
    await assertMeet({
      what: "sentinel",
      urls: async () => ({ broker: `${sentinel.url};`, backend: sentinel.url }),
      options: {
        ...{ master_name: sentinel.masterName, min_other_sentinels: 0, visibility_timeout: 600 },
        sentinel_kwargs: { socket_timeout: 3, socket_connect_timeout: 3 },
      },
      backendOptions: { master_name: sentinel.masterName, sentinel_kwargs: { socket_timeout: 3 } },
    });
  });
});

/** What doctor says where the names of channels, exchanges or keys differ. */
const MISSED = ["no-worker", "worker-silent", "workers-not-asked", "events-not-received"];

async function assertMeet(variant: Variant): Promise<void> {
  const { options = {}, backendOptions = {}, settings = {}, python, look } = variant;
  const urls = await variant.urls();
  const queue = `q${Math.random().toString(36).slice(2)}`;
  await using _worker = await startWorker({
    ...urls,
    ...(python === undefined ? {} : { python }),
    queues: [queue],
    extraArgs: ["-E"],
    env: {
      CELERY_CONF: JSON.stringify({
        broker_transport_options: options,
        result_backend_transport_options: backendOptions,
        ...settings,
      }),
    },
  });
  const configText = JSON.stringify({
    connections: {
      main: {
        ...(variant.written?.(urls) ?? urls),
        options: { ...options, ...settings },
        backendOptions,
      },
    },
    tasks: { add: { name: "tests.add", args: [1, 2], queue, timeout: "10s" } },
    scenarios: { steady: { profile: "50/s", gracefulStop: "10s" } },
    server: { linger: "0s" },
  });
  await using daemon = await startDaemon({ configText });
  const doctored = assertDoctorMeets(configText);
  const page = await daemon.waitFor(
    (metrics) =>
      metrics.value("celery_load_task_outcomes_total", { outcome: "succeeded" }) > 100 &&
      // Remote control tells pools, events tell when a task began.
      metrics.sum("celery_load_worker_pool_size") >= 4 &&
      metrics.value("celery_load_task_phase_seconds_count", { phase: "run" }) > 20,
    40_000,
    "tasks, remote control and events",
  );
  assert.equal(page.value("celery_load_task_outcomes_total", { outcome: "failed" }), 0);
  const isUnknown = Reflect.get(options, "ack_emulation") === false;
  const isRedis = !urls.broker.startsWith("amqp");
  assert.equal(page.select("celery_load_queue_unacked").length > 0, isRedis && !isUnknown);
  if (look !== undefined) await waitUntil(look, 10_000, "what it looks for");
  await doctored;
  const { code } = await daemon.stop();
  assert.equal(code, 0, daemon.stderr());
}

async function assertDoctorMeets(configText: string): Promise<void> {
  const file = await scratchFile("load.yml");
  await writeFile(file, configText, { mode: 0o600 });
  const { stdout } = await celeryLoad(["doctor", file, "--json"]);
  const { advice, ok } = JSON.parse(stdout) as { advice: { code: string }[]; ok: boolean };
  assert.ok(ok, stdout);
  const missed = advice.filter(({ code }) => MISSED.includes(code));
  assert.deepEqual(missed, []);
}

for (const kind of ["redis", "amqp"] as const) {
  test(`workers with other exchanges are not met by the names of Celery's own: ${kind}`, async () => {
    const urls =
      kind === "redis"
        ? { broker: redis.url(60), backend: redis.url(60) }
        : { broker: rabbitmq.url, backend: "rpc://" };
    const settings = { control_exchange: `lone-${kind}`, event_exchange: `lone-${kind}-events` };
    await using _worker = await startWorker({
      ...urls,
      queues: ["lone"],
      env: { CELERY_CONF: JSON.stringify(settings) },
    });
    const file = await scratchFile("load.yml");
    const codesWith = async (options: object) => {
      const text = JSON.stringify({
        connections: { main: { ...urls, options } },
        tasks: { add: { name: "tests.add", args: [1, 2], queue: "lone" } },
        scenarios: { steady: { profile: "1/s" } },
      });
      await writeFile(file, text, { mode: 0o600 });
      const { stdout } = await celeryLoad(["doctor", file, "--json"]);
      return (JSON.parse(stdout).advice as { code: string }[]).map(({ code }) => code);
    };
    const isMissed = (codes: readonly string[]) => codes.some((code) => MISSED.includes(code));
    const others = await codesWith({});
    assert.ok(isMissed(others), others.join());
    assert.ok(!isMissed(await codesWith(settings)));
  });
}
