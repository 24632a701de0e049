// Also on today's brokers.
/*
 * What Redis refuses to take is a publish failure of that task, with the server's words; tasks for other lists go on
 * as if nothing had been, over the same connection.
 */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { suite, test } from "node:test";
import type { Redis } from "ioredis";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";

interface Variant {
  readonly what: string;
  /** Makes the server refuse tasks of the queue `bad`, or all. */
  readonly take: (cli: Redis, redis: TestRedis) => Promise<unknown>;
  readonly giveBack: (cli: Redis) => Promise<unknown>;
  readonly words: RegExp;
  /** What only this server knows how to mend. */
  readonly remedy: RegExp;
  /** No task at all is taken meanwhile. */
  readonly isForAll?: boolean;
  /** What was in the list is gone. */
  readonly hidesList?: boolean;
}

const setUser = (cli: Redis, ...keys: string[]) =>
  cli.call("ACL", "SETUSER", "load", "resetkeys", ...keys);
const set = (cli: Redis, name: string, value: string) => cli.call("CONFIG", "SET", name, value);

const VARIANTS: readonly Variant[] = [
  {
    what: "a list that the user's ACL does not have",
    take: (cli) => setUser(cli, "~celery*", "~_kombu*", "~unacked*"),
    giveBack: (cli) => setUser(cli, "~*"),
    words: /NOPERM .*\(key \\"bad\\"\)/,
    remedy: /ACL: \+lpush.* ~bad\./,
  },
  {
    what: "a key that is no list",
    hidesList: true,
    take: (cli) => cli.set("bad", "of somebody else"),
    giveBack: (cli) => cli.del("bad"),
    words: /WRONGTYPE .*\(key \\"bad\\"\)/,
    remedy: /correct the task's queue/,
  },
  {
    what: "a server without memory",
    isForAll: true,
    take: (cli) => set(cli, "maxmemory", "1"),
    giveBack: (cli) => set(cli, "maxmemory", "0"),
    words: /OOM command not allowed/,
    remedy: /raise maxmemory/,
  },
  {
    what: "a server that cannot save",
    isForAll: true,
    async take(cli) {
      const [, directory] = (await cli.config("GET", "dir")) as string[];
      await rm(directory!, { recursive: true });
      await set(cli, "save", "1 1");
      await cli.bgsave().catch(() => {});
      await waitUntil(
        async () => (await cli.info("persistence")).includes("rdb_last_bgsave_status:err"),
        10_000,
        "saving to have failed",
      );
    },
    giveBack: (cli) => set(cli, "save", ""),
    words: /MISCONF/,
    remedy: /see its log and its disk/,
  },
  {
    what: "a server that has become a replica",
    isForAll: true,
    take: (cli, redis) => cli.replicaof("127.0.0.1", redis.port + 1),
    giveBack: (cli) => cli.call("REPLICAOF", "NO", "ONE"),
    words: /READONLY/,
    remedy: /name its master/,
  },
];

suite("what Redis refuses is a publish failure of that task", { concurrency: 2 }, () => {
  for (const client of ["direct", "library"]) {
    for (const variant of VARIANTS) {
      test(`${variant.what}, client ${client}`, () => assertRefused(variant, client));
    }
  }
});

async function assertRefused(variant: Variant, client: string): Promise<void> {
  const { take, giveBack, words, remedy, isForAll = false } = variant;
  await using redis = await startRedis();
  const cli = redis.cli();
  await cli.call("ACL", "SETUSER", "load", "on", ">PASSWORD", "~*", "&*", "+@all");
  await using daemon = await startDaemon({
    configText: `
connections:
  main:
    broker: "redis://load:PASSWORD@127.0.0.1:${redis.port}/0"
    backend: disabled
    client: ${client}
tasks:
  good: { name: tests.add, args: [1, 2] }
  bad: { name: tests.sleep, args: [0], queue: bad }
scenarios:
  good: { profile: 20/s, mix: good, gracefulStop: 0s }
  bad: { profile: 20/s, mix: bad, gracefulStop: 0s }
server: { linger: 0s }
`,
    args: ["--for", "10m", "--json"],
  });
  const rejected = (page: Metrics, task: string) =>
    page.value("celery_load_publish_failures_total", { task, kind: "rejected" });
  const published = (page: Metrics, task: string) =>
    page.sum("celery_load_tasks_published_total", { task });
  await daemon.waitFor((page) => published(page, "tests.sleep") > 5);
  await take(cli, redis);
  const without = await daemon.waitFor((page) => rejected(page, "tests.sleep") > 10);
  assertBalanced(without);
  assert.equal(rejected(without, "tests.add") > 0, isForAll);
  await giveBack(cli);
  const again = await daemon.waitFor(
    (page) => published(page, "tests.sleep") > published(without, "tests.sleep") + 10,
  );
  assertBalanced(again);
  daemon.signal("SIGTERM");
  assert.equal((await daemon.exit).code, 105, daemon.stderr());
  const { balanced, tasks } = JSON.parse(daemon.stdout());
  assert.ok(balanced);
  for (const [task, list] of [
    ["tests.add", "celery"],
    ["tests.sleep", "bad"],
  ] as const) {
    const { planned, published: taken, unconfirmed, dropped, publishFailures } = tasks[task];
    assert.equal(
      taken + publishFailures.rejected + dropped.saturated + dropped.not_connected,
      planned,
    );
    assert.equal(unconfirmed, 0);
    // Nobody takes them out, but for who has put something else there.
    if (variant.hidesList !== true || list === "celery") assert.equal(await cli.llen(list), taken);
  }
  // A server that becomes a replica is left, once, as its name may stand for another by then.
  if (!/replica/.test(variant.what)) assert.equal(again.reconnects(), 0, daemon.stderr());
  const lines = daemon.stderr().trim().split("\n");
  const told = lines.filter((line) => line.includes("the broker refuses tasks"));
  assert.ok(told.length >= 1 && told.length <= 2, daemon.stderr());
  for (const line of told) {
    assert.match(line, words);
    assert.match(JSON.parse(line).remedy, remedy);
  }
}

test("a run of which Redis takes nothing exits 1 and says why", async () => {
  await using redis = await startRedis();
  await redis.cli().set("celery", "of somebody else");
  for (const bound of [
    ["--for", "2s"],
    ["--count", "20"],
  ]) {
    await using daemon = await startDaemon({
      args: [
        ...["--broker", redis.url(), "--task", "tests.add", "--rate", "20/s", ...bound],
        ...["--json", "--set", "server.linger=0s"],
      ],
    });
    assert.equal((await daemon.exit).code, 1, daemon.stderr());
    const { total, withoutSuccess } = JSON.parse(daemon.stdout());
    assert.equal(total.publishFailures.rejected, total.planned - total.dropped.saturated);
    assert.match(withoutSuccess[0], /refused by the broker: WRONGTYPE .*correct the task's queue/);
  }
});
