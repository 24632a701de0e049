// Also on today's brokers.
/*
 * What a daemon says when a server refuses it, in the server's words: lines of its own only, no cause more than
 * once for each of the roles that meet it, and nothing behind the report of a run.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";

let rabbitmq: TestRabbitmq;
let open: TestRedis;
let old: TestRedis;
let locked: TestRedis;
before(async () => {
  [rabbitmq, open, old, locked] = await Promise.all([
    startRabbitmq(),
    startRedis(),
    startRedis({ args: ["--rename-command", "HELLO", ""] }),
    startRedis({ args: ["--requirepass", "PASSWORD"] }),
  ]);
  const cli = locked.cli({ password: "PASSWORD" });
  const user = (...rules: string[]) =>
    cli.call(
      "ACL",
      "SETUSER",
      ...rules.slice(0, 1),
      "on",
      ">PASSWORD",
      "~*",
      "&*",
      "+@all",
      ...rules.slice(1),
    );
  await user("deaf", "-psubscribe", "-subscribe");
  await user("no-control", "-publish");
  await user("no-push", "-lpush");
  for (const vhost of ["none", "full"]) {
    await rabbitmq.ctl("add_vhost", vhost);
    await rabbitmq.ctl("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*");
  }
  await rabbitmq.ctl("set_vhost_limits", "-p", "none", '{"max-connections": 0}');
  await rabbitmq.ctl("set_vhost_limits", "-p", "full", '{"max-queues": 0}');
});
after(async () => {
  await rabbitmq[Symbol.asyncDispose]();
  await Promise.all([open.stop(), old.stop(), locked.stop()]);
});

interface Variant {
  readonly what: string;
  /** Of the broker, and of results unless these are of another kind. */
  readonly url: () => string;
  readonly backend?: string;
  readonly code: number;
  /** The server's words; null: it says nothing. */
  readonly words: RegExp | null;
  /** How many lines at most have them, one for each role and part that is concerned. */
  readonly most: number;
}

const redisAt = (redis: TestRedis, login: string) => `redis://${login}127.0.0.1:${redis.port}/0`;
const rabbitAt = (login: string, vhost: string) =>
  `amqp://${login}@127.0.0.1:${rabbitmq.port}/${vhost}`;

const NEEDLESS = /needs no password/;
const VARIANTS: readonly Variant[] = [
  {
    what: "a password that Redis does not need: HELLO takes any",
    url: () => redisAt(open, ":PASSWORD@"),
    ...{ code: 0, words: null, most: 0 },
  },
  {
    what: "a password that a Redis before 6 does not need",
    url: () => redisAt(old, ":PASSWORD@"),
    ...{ code: 0, words: NEEDLESS, most: 1 },
  },
  {
    what: "a Redis that needs a password",
    url: () => redisAt(locked, ""),
    ...{ code: 104, words: /NOAUTH/, most: 1 },
  },
  {
    what: "a wrong password of Redis",
    url: () => redisAt(locked, ":WRONG@"),
    ...{ code: 104, words: /WRONGPASS/, most: 1 },
  },
  {
    what: "a Redis user who may not listen",
    url: () => redisAt(locked, "deaf:PASSWORD@"),
    ...{ code: 104, words: /NOPERM/, most: 1 },
  },
  {
    what: "a Redis user who may not ask workers",
    url: () => redisAt(locked, "no-control:PASSWORD@"),
    ...{ code: 0, words: /NOPERM/, most: 1 },
  },
  {
    what: "a Redis user who may not push",
    url: () => redisAt(locked, "no-push:PASSWORD@"),
    ...{ code: 1, words: /NOPERM/, most: 3 },
  },
  {
    what: "a wrong password of RabbitMQ",
    url: () => rabbitAt("guest:WRONG", "/"),
    ...{ code: 104, words: /ACCESS_REFUSED|ACCESS-REFUSED/, most: 1 },
  },
  {
    what: "a virtual host that is missing",
    url: () => rabbitAt("guest:guest", "missing"),
    ...{ code: 104, words: /NOT_ALLOWED - vhost '?missing'? not found/, most: 1 },
  },
  {
    what: "a limit of connections",
    url: () => rabbitAt("guest:guest", "none"),
    // One for each role, and the end says why nothing was sent.
    ...{ code: 1, words: /connection limit \(0\) is reached/, most: 3 },
  },
  {
    what: "a limit of queues, with results through one",
    url: () => rabbitAt("guest:guest", "full"),
    backend: "rpc://",
    ...{ code: 1, words: /queue limit in vhost 'full'/, most: 2 },
  },
];

suite("what a server says reaches the log once", { concurrency: 2 }, () => {
  for (const { what, url, backend, code, words, most } of VARIANTS) {
    test(what, async () => {
      await using daemon = await startDaemon({
        args: [
          ...["--broker", url(), "--task", "tests.add", "--rate", "10/s", "--for", "3s", "--json"],
          ...(backend === undefined ? [] : ["--backend", backend]),
          ...["--set", "server.linger=0s", "--set", "scenarios.quick.gracefulStop=1s"],
        ],
        isExpectedToFail: true,
      });
      const { code: ended } = await daemon.exit;
      assert.equal(ended, code, daemon.stderr());
      const lines = linesOf(daemon, code === 104);
      const told = lines.filter((line) => (words ?? /password|ioredis/i).test(line));
      const least = words === null ? 0 : 1;
      assert.ok(told.length >= least && told.length <= most, daemon.stderr());
      assert.doesNotMatch(daemon.stderr(), /PASSWORD@|:WRONG@/);
    });
  }
});

test("a password that changes in mid-run is told once for each role", async () => {
  await using redis = await startRedis();
  await using daemon = await startDaemon({
    args: [
      "--broker",
      redis.url(),
      "--task",
      "tests.add",
      "--rate",
      "10/s",
      "--set",
      "server.linger=0s",
    ],
  });
  await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") > 5);
  const cli = redis.cli();
  await cli.config("SET", "requirepass", "PASSWORD");
  await cli.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await cli.call("CLIENT", "KILL", "TYPE", "pubsub");
  const told = () => linesOf(daemon, false).filter((line) => /NOAUTH/.test(line));
  await waitUntil(() => told().length >= 2, 20_000, "both roles to say why");
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  assert.equal(told().length, 2, daemon.stderr());
});

test("nothing follows the report of a run, whatever becomes of the broker", async () => {
  await using redis = await startRedis();
  await using daemon = await startDaemon({
    args: [
      ...["--broker", redis.url(), "--task", "tests.add", "--rate", "10/s", "--for", "2s"],
      ...["--set", "server.linger=6s", "--set", "scenarios.quick.gracefulStop=0s"],
    ],
  });
  await waitUntil(() => daemon.stdout().includes("Ran for"), 20_000, "the report");
  const before = linesOf(daemon, false).length;
  await redis.kill("SIGKILL");
  await daemon.exit;
  assert.deepEqual(linesOf(daemon, false).slice(before), []);
});

/** Each is one of our own; `hasMessage`: but for the message of an end, which is plain text. */
function linesOf(daemon: TestDaemon, hasMessage: boolean): string[] {
  const lines = daemon.stderr().trim().split("\n");
  for (const line of lines) {
    const isOfMessage =
      hasMessage && lines.indexOf(line) >= lines.findIndex((each) => /^Cannot use/.test(each));
    if (!isOfMessage) assert.doesNotThrow(() => JSON.parse(line), line);
  }
  return lines;
}
