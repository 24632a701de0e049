/*
 * Servers that are enough for Celery and not quite Redis: commands renamed away, users with few rights, a
 * cluster of one shard. What is optional for us stops nothing.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";

interface Variant {
  readonly what: string;
  /** Of redis-server. */
  readonly args?: readonly string[];
  /** Rules of the user `load` besides a password; without them the daemon is the default user. */
  readonly acl?: readonly string[];
  /** Before the worker starts. */
  readonly prepare?: (redis: TestRedis) => Promise<unknown>;
  /** `global_keyprefix` of worker and daemon. */
  readonly prefix?: string;
}

const renamed = (...commands: readonly string[]): Variant => ({
  what: `without ${commands.join(", ")}`,
  args: commands.flatMap((command) => ["--rename-command", command, ""]),
});

const EVERYTHING = ["~*", "&*", "+@all"];
const forbidden = (...commands: readonly string[]): Variant => ({
  what: `a user who may not ${commands.join(", ")}`,
  acl: [...EVERYTHING, ...commands.map((command) => `-${command}`)],
});

const VARIANTS: readonly Variant[] = [
  renamed("INFO"),
  renamed("SELECT", "CLIENT", "CONFIG"),
  renamed("INFO", "SELECT", "CLIENT", "CONFIG", "UNLINK"),
  forbidden("info"),
  forbidden("hello", "client", "select"),
  forbidden("ping", "info", "config", "acl", "unlink"),
  {
    what: "channels by the pattern of Celery's own clients",
    acl: ["~*", "&celery-task-meta-*", "+@all"],
  },
  {
    what: "channels by patterns of results and events",
    acl: ["~*", "&celery-task-meta-*", "&/0.*", "+@all"],
  },
  {
    what: "a cluster of one shard, with a prefix that keeps all keys in one slot",
    args: ["--cluster-enabled", "yes"],
    prepare: makeCluster,
    prefix: "{celery}",
  },
];

suite("what is enough for Celery is enough for us", { concurrency: 2 }, () => {
  for (const variant of VARIANTS) {
    test(variant.what, () => assertRuns(variant));
  }
});

async function assertRuns(variant: Variant): Promise<void> {
  await using redis = await startRedis({ args: variant.args ?? [] });
  await variant.prepare?.(redis);
  const { prefix = "" } = variant;
  const transport = prefix === "" ? {} : { global_keyprefix: prefix };
  const conf = {
    broker_transport_options: transport,
    result_backend_transport_options: transport,
  };
  await using _worker = await startWorker({
    broker: redis.url(),
    env: { CELERY_CONF: JSON.stringify(conf) },
  });
  const broker = await urlOf(redis, variant);
  await Promise.all(
    ["direct", "library"].map((client) => assertRunsWith(client, broker, transport)),
  );
}

async function assertRunsWith(client: string, broker: string, transport: object): Promise<void> {
  const options = JSON.stringify(transport);
  await using daemon = await startDaemon({
    configText: `
connections:
  main:
    broker: "${broker}"
    client: ${client}
    options: ${options}
    backendOptions: ${options}
tasks: { add: { name: tests.add, args: [1, 2], timeout: 5s } }
scenarios: { steady: { profile: 50/s, gracefulStop: 6s } }
server: { linger: 0s }
`,
    args: ["--for", "3s", "--json"],
  });
  assert.deepEqual(await daemon.exit, { code: 0, signal: null }, daemon.stderr());
  const { total } = JSON.parse(daemon.stdout());
  assert.equal(total.planned, 150);
  // A busy machine may keep some from being sent.
  assert.ok(total.published > 100, daemon.stderr());
  assert.equal(total.outcomes.succeeded, total.published, daemon.stderr());
  // Every line is one of our own.
  for (const line of daemon.stderr().trim().split("\n")) JSON.parse(line);
}

async function urlOf(redis: TestRedis, { acl }: Variant): Promise<string> {
  if (acl === undefined) return redis.url();
  await redis.cli().call("ACL", "SETUSER", "load", "on", ">PASSWORD", ...acl);
  return `redis://load:PASSWORD@127.0.0.1:${redis.port}/0`;
}

async function makeCluster(redis: TestRedis): Promise<void> {
  const cli = redis.cli();
  await cli.call("CLUSTER", "ADDSLOTS", ...Array(16_384).keys());
  const isOk = async () => String(await cli.call("CLUSTER", "INFO")).includes("cluster_state:ok");
  await waitUntil(isOk, 10_000, "the cluster to be up");
}
