// Also on today's brokers.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Status } from "../../src/reports/status.js";
import { celeryLoad } from "../support/command.js";
import { startDaemon } from "../support/daemon.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";
import { logOf } from "./faults-watch.js";

/** Pino's number of the level. */
const WARN = 40;

/** Puts messages into the queues `purged`, `deleted` and `drained`; only the last one has a worker, later. */
function startLoad(broker: string) {
  const task = (queue: string) =>
    `{ name: tests.add, args: [1, 2], queue: ${queue}, timeout: 10m }`;
  return startDaemon({
    configText: `
connections: { main: { broker: "${broker}" } }
tasks: { purged: ${task("purged")}, deleted: ${task("deleted")}, drained: ${task("drained")} }
scenarios:
  steady: { profile: { steps: [50/s for 3s, 0/s for 10m] }, mix: [purged, deleted, drained], gracefulStop: 0s }
server: { linger: 0s }
guards: [{ name: watch, watch: queueLength, queue: purged, above: 1000000, for: 2s, do: warn }] # looked at each second
`,
    args: ["--json"],
  });
}

type Load = Awaited<ReturnType<typeof startLoad>>;

async function waitUntilFull(daemon: Load): Promise<void> {
  await daemon.waitFor(
    (page) =>
      page.sum("celery_load_tasks_planned_total") === 150 &&
      // A busy machine may be too late for some.
      ["purged", "deleted", "drained"].every(
        (queue) => page.value("celery_load_queue_length", { queue }) >= 40,
      ),
    60_000,
    "40 messages in each queue",
  );
}

const fallsIn = (daemon: Load) =>
  logOf(daemon).filter(({ msg }) => /was it purged or deleted/.test(String(msg)));

async function assertSaid(daemon: Load, queue: string, to: number | null): Promise<void> {
  const own = () => fallsIn(daemon).filter((line) => line.queue === queue);
  await waitUntil(() => own().length > 0, 60_000, `a line about ${queue}`);
  assert.deepEqual(
    own().map((line) => [line.level, line.to, line.taken]),
    [[WARN, to, 0]],
  );
  const labels = { connection: "main", queue };
  assert.equal((await daemon.metrics()).value("celery_load_queue_falls_total", labels), 1);
  const status = (await (await fetch(`${daemon.url}/api/v1/status`)).json()) as Status;
  const { falls, lastFall } = status.connections.main!.queues.find(({ name }) => name === queue)!;
  assert.deepEqual([falls, lastFall?.from, lastFall?.to], [1, own()[0]!.from, to]);
  assert.ok(Math.abs(lastFall!.seenUnixMs - Date.now()) < 60_000);
}

async function waitUntilDrained(daemon: Load, queue: string): Promise<void> {
  await daemon.waitFor(
    (page) =>
      page.value("celery_load_queue_length", { queue }) === 0 &&
      page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) >= 40,
    60_000,
    "the worker to have drained its queue",
  );
}

/** Once a later fall is said, all before it are judged. */
function assertSilence(daemon: Load, queue: string): void {
  assert.deepEqual(
    fallsIn(daemon).filter((line) => line.queue === queue),
    [],
  );
}

describe("a queue that loses its messages", { concurrency: true }, () => {
  test("Redis: a list that is deleted and FLUSHDB are said, a queue that its worker drains is not", async () => {
    await using redis = await startRedis();
    await using daemon = await startLoad(redis.url());
    await waitUntilFull(daemon);
    await redis.cli().del("deleted");
    await assertSaid(daemon, "deleted", 0);
    await using _worker = await startWorker({ broker: redis.url(), queues: ["drained"] });
    await waitUntilDrained(daemon, "drained");
    await redis.cli().flushdb();
    await assertSaid(daemon, "purged", 0);
    assertSilence(daemon, "drained");
  });

  test("RabbitMQ: queues that are purged and deleted are said, one that its worker drains is not", async () => {
    await using rabbitmq = await startRabbitmq();
    const channel = await (await rabbitmq.client()).createChannel();
    for (const queue of ["purged", "deleted", "drained"]) await channel.assertQueue(queue);
    await using daemon = await startLoad(rabbitmq.url);
    await waitUntilFull(daemon);
    await channel.deleteQueue("deleted");
    await assertSaid(daemon, "deleted", null);
    await using _worker = await startWorker({
      broker: rabbitmq.url,
      backend: "rpc://",
      queues: ["drained"],
    });
    await waitUntilDrained(daemon, "drained");
    await channel.purgeQueue("purged");
    await assertSaid(daemon, "purged", 0);
    assertSilence(daemon, "drained");
  });

  test("doctor names a list that is deleted while it looks", async () => {
    await using redis = await startRedis();
    const cli = redis.cli();
    await cli.lpush("celery", ...Array.from({ length: 50 }, String));
    const monitor = await cli.monitor();
    const looked = new Promise<void>((resolve) => {
      monitor.on("monitor", (_time: string, [command]: string[]) => {
        if (command?.toLowerCase() === "llen") resolve();
      });
    });
    const told = celeryLoad(["doctor", "--broker", redis.url(), "--task", "tests.add"]);
    await looked;
    await cli.del("celery");
    const { stdout } = await told;
    monitor.disconnect();
    assert.match(stdout.replaceAll(/\s+/g, " "), /had 50 messages a moment ago and now it has 0/);
  });
});
