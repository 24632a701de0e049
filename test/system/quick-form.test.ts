// Also on today's brokers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAllSucceeded } from "../support/all-succeeded.js";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

const VARIANTS = [
  { python: "current", start: startRedis, broker: "Redis", seconds: 20 },
  { python: "debian", start: startRedis, broker: "Redis", seconds: 20 },
  { python: "current", start: startRabbitmq, broker: "RabbitMQ", seconds: 10 },
] as const;

for (const { python, start, broker, seconds } of VARIANTS) {
  const planned = 50 * seconds;
  test(`the quick form plans, publishes and sees succeed ${planned} tasks, ${broker}, Celery ${python}`, async () => {
    await using server = await start();
    const url = typeof server.url === "string" ? server.url : server.url();
    const backend = broker === "Redis" ? url : "rpc://";
    await using worker = await startWorker({ broker: url, backend, python });
    await using daemon = await startDaemon({
      args: [
        ...["--broker", url, "--backend", backend, "--task", "tests.add", "--args", "[1,2]"],
        ...["--rate", "50/s", "--for", `${seconds}s`, "--json"],
      ],
    });
    let scrapes = 0;
    let exit: Awaited<typeof daemon.exit> | undefined;
    void daemon.exit.then((end) => {
      exit = end;
    });
    let last: Metrics | undefined;
    while (exit === undefined) {
      try {
        last = await daemon.metrics();
      } catch {
        break; // it has stopped serving: the run is over
      }
      assertBalanced(last);
      scrapes++;
    }
    assert.ok(scrapes > 50, `only ${scrapes} scrapes`);
    assert.deepEqual(await daemon.exit, { code: 0, signal: null });

    const { total, balanced } = JSON.parse(daemon.stdout());
    assert.ok(Math.abs(total.planned - planned) <= 1, `planned ${total.planned}`);
    const published = assertAllSucceeded(total, total.planned, daemon.stderr());
    assert.equal(balanced, true);
    assert.ok(total.latencySeconds.p50 > 0 && total.latencySeconds.p50 < 1);

    const runs = await worker.recorded();
    assert.equal(runs.length, published);
    assert.equal(new Set(runs.map(({ id }) => id)).size, published);
  });
}

test("--count ends after that many starts", async () => {
  await using redis = await startRedis();
  await using _worker = await startWorker({ broker: redis.url() });
  await using daemon = await startDaemon({
    args: [
      ...["--broker", redis.url(), "--task", "tests.add", "--args", "[1,2]"],
      ...["--rate", "max", "--count", "777", "--json"],
    ],
  });
  assert.deepEqual(await daemon.exit, { code: 0, signal: null });
  const { total } = JSON.parse(daemon.stdout());
  assert.deepEqual([total.planned, total.published, total.outcomes.succeeded], [777, 777, 777]);
});
