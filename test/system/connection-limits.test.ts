// Also on today's brokers.
/*
 * Servers with few places: what the load needs connects first, and goes without the rest. A server that is full is no
 * wrong configuration: it is tried again until there is a place.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { celeryLoad } from "../support/command.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker, type TestWorker } from "../support/worker.js";

const COUNT = 40;
/** Broker and results. */
const NEEDED = 2;
/** What is there beside it, with RabbitMQ: events, questions to workers, looks at queues. */
const ALL = { rabbitmq: 5, redis: 7 };
const NO_PLACE = /the server is full, and the places are for the load/;
const WORDS = { rabbitmq: /connection limit/, redis: /max number of clients/ };

let rabbitmq: TestRabbitmq;
let redis: TestRedis;
let cli: ReturnType<TestRedis["cli"]>;
const workers: TestWorker[] = [];
before(async () => {
  [rabbitmq, redis] = await Promise.all([startRabbitmq(), startRedis()]);
  cli = redis.cli();
  // A user of our own: the worker's connections are not to count.
  await rabbitmq.ctl("add_user", "limited", "limited");
  await rabbitmq.ctl("set_permissions", "-p", "/", "limited", ".*", ".*", ".*");
  workers.push(
    await startWorker({ broker: rabbitmq.url, backend: "rpc://", pool: "solo" }),
    await startWorker({ broker: redis.url(), backend: redis.url(), pool: "solo" }),
  );
  // Now it has all the connections that it ever makes.
  await ranWell(await run(redis.url(), redis.url()));
});
after(async () => {
  await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()));
  await rabbitmq[Symbol.asyncDispose]();
  await redis.stop();
});

const limited = () => `amqp://limited:limited@127.0.0.1:${rabbitmq.port}//`;

/** A limit, by where it is: sets it to so many places for us, or lifts it (null). */
const LIMITS = {
  "the user's": {
    server: "rabbitmq",
    set: (places: number | null) =>
      rabbitmq.ctl("set_user_limits", "limited", `{"max-connections": ${places ?? -1}}`),
  },
  "the virtual host's": {
    server: "rabbitmq",
    // The worker's connections are in it.
    async set(places: number | null) {
      const others = await connectionsOf("guest");
      const limit = places === null ? -1 : places + others;
      await rabbitmq.ctl("set_vhost_limits", "-p", "/", `{"max-connections": ${limit}}`);
    },
  },
  maxclients: {
    server: "redis",
    async set(places: number | null) {
      // This client and the worker's connections are in it.
      const info = await cli.info("clients");
      const others = Number(/connected_clients:(\d+)/.exec(info)![1]);
      await cli.config("SET", "maxclients", String(places === null ? 10_000 : places + others));
    },
  },
} as const satisfies Record<string, Limit>;

interface Limit {
  readonly server: "rabbitmq" | "redis";
  set(places: number | null): Promise<unknown>;
}

suite("a server with few places", { concurrency: false }, () => {
  for (const [whose, limit] of Object.entries(LIMITS) as [string, Limit][]) {
    const [broker, backend] =
      limit.server === "rabbitmq"
        ? [limited, () => "rpc://"]
        : [() => redis.url(), () => redis.url()];
    for (const places of [0, 1, 2, 3, 4, ALL[limit.server]]) {
      test(`${whose} limit leaves ${places}`, async () => {
        await limit.set(places);
        try {
          await using daemon = await run(broker(), backend());
          const { code } = await daemon.exit;
          const log = daemon.stderr();
          const roles = linesWith(daemon, /not connected/);
          // RabbitMQ counts a connection a moment after it has let it in, and may let two in for one.
          const isShort = places === 0 || (places < NEEDED && roles.length > 0);
          if (isShort) {
            assert.equal(roles.length, NEEDED - places, log);
            for (const { cause } of roles) assert.match(String(cause), WORDS[limit.server]);
            const { balanced, total } = reportOf(daemon);
            assert.ok(balanced);
            const isBrokerUp = roles.every(({ role }) => role === "backend");
            assert.equal(total.published, isBrokerUp ? COUNT : 0, log);
            assert.equal(code, isBrokerUp ? 0 : 1, log);
          } else {
            await ranWell(daemon);
            assert.deepEqual(roles, [], log);
            const told = linesWith(daemon, NO_PLACE);
            const least = limit.server === "rabbitmq" && places > NEEDED ? 0 : 1;
            const isFull = places < ALL[limit.server];
            assert.ok(isFull ? told.length >= least && told.length <= 1 : told.length === 0, log);
          }
        } finally {
          await limit.set(null);
        }
      });
    }

    test(`${whose} limit is lifted in mid-run`, async () => {
      await limit.set(1);
      await using daemon = await run(broker(), backend(), ["--rate", "20/s"]);
      await waitUntil(
        () => linesWith(daemon, WORDS[limit.server]).length > 0,
        20_000,
        "a role to be told that the server is full",
      );
      const { status, body } = await daemon.ready();
      assert.equal(status, 503);
      assert.match(body, WORDS[limit.server]);
      await limit.set(null);
      await daemon.waitFor(
        (page) => page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > 5,
      );
      await waitUntil(async () => (await daemon.ready()).status === 200, 20_000, "readiness");
    });
  }

  test("the places that look on are given up when the load needs them", async () => {
    await using daemon = await run(limited(), "rpc://", ["--rate", "20/s"]);
    await daemon.waitFor((page) => page.sum("celery_load_connection_up", { role: "events" }) === 1);
    await LIMITS["the user's"].set(NEEDED);
    try {
      // All of them; each that comes back takes a place.
      await rabbitmq.ctl("close_all_user_connections", "limited", "test");
      await daemon.waitFor(
        (page) =>
          page.sum("celery_load_connection_up", { role: "broker" }) === 1 &&
          page.sum("celery_load_connection_up", { role: "backend" }) === 1,
        15_000,
        "both roles to be connected again",
      );
      const before = (await daemon.metrics()).sum("celery_load_task_outcomes_total", {
        outcome: "succeeded",
      });
      await daemon.waitFor(
        (page) =>
          page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > before + 20,
      );
      await waitUntil(() => linesWith(daemon, NO_PLACE).length > 0, 10_000, "it to be told");
      assert.equal(linesWith(daemon, NO_PLACE).length, 1, daemon.stderr());
    } finally {
      await LIMITS["the user's"].set(null);
    }
  });

  for (const places of [0, 2, 3, 4, 5]) {
    test(`doctor with ${places} places`, async () => {
      await LIMITS["the user's"].set(places);
      try {
        const { code, stdout } = await celeryLoad([
          ...["doctor", "--broker", limited(), "--backend", "rpc://", "--task", "tests.add"],
          ...["--args", "[1, 2]", "--json"],
        ]);
        const { advice } = JSON.parse(stdout) as { advice: { code: string }[] };
        const codes = advice.map((each) => each.code);
        if (places < NEEDED) {
          assert.equal(code, 1, stdout);
          assert.ok(codes.includes("server-full"), stdout);
        } else {
          assert.equal(code, 0, stdout);
          // RabbitMQ counts connections a moment late: with one place too few it may let all of them in.
          const isTold = codes.includes("server-nearly-full");
          assert.ok(places === 4 || isTold === places < 4, stdout);
        }
      } finally {
        await LIMITS["the user's"].set(null);
      }
    });
  }
});

function run(broker: string, backend: string, more?: readonly string[]): Promise<TestDaemon> {
  return startDaemon({
    args: [
      ...["--broker", broker, "--backend", backend, "--task", "tests.sleep", "--args", "[0]"],
      ...(more ?? ["--rate", "40/s", "--count", String(COUNT), "--json"]),
      ...["--set", "server.linger=0s", "--set", "scenarios.quick.gracefulStop=2s"],
    ],
    isExpectedToFail: more === undefined,
  });
}

/** It ends well, each task sent and settled. */
async function ranWell(daemon: TestDaemon): Promise<void> {
  const { code } = await daemon.exit;
  assert.equal(code, 0, daemon.stderr());
  const { balanced, total } = reportOf(daemon);
  assert.ok(balanced);
  assert.equal(total.published, COUNT, daemon.stderr());
  assert.equal(total.outcomes.succeeded, COUNT, daemon.stderr());
}

function reportOf(daemon: TestDaemon) {
  return JSON.parse(daemon.stdout()) as {
    readonly balanced: boolean;
    readonly total: { readonly published: number; readonly outcomes: { succeeded: number } };
  };
}

function linesWith(daemon: TestDaemon, text: RegExp): Record<string, unknown>[] {
  const lines = daemon.stderr().trim().split("\n");
  return lines.filter((line) => text.test(line)).map((line) => JSON.parse(line));
}

async function connectionsOf(user: string): Promise<number> {
  const listed = JSON.parse(await rabbitmq.ctl("list_connections", "user", "--formatter=json"));
  return listed.filter((each: { user: string }) => each.user === user).length;
}
