import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { startManagement } from "../support/management.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

const LONG_MS = 60_000;

const configText = (rabbitmq: TestRabbitmq, backend: string, management: string) => `
connections: { main: { broker: "${rabbitmq.url}", backend: "${backend}", management: "${management}" } }
tasks: { long: { name: tests.sleep, args: [60], queue: long/queue, timeout: 5m } }
scenarios: { steady: { profile: { steps: [5/s for 2s, 0/s for 10m] }, gracefulStop: 0s } }
server: { linger: 0s }
`;

test("what workers hold is known of each queue by RabbitMQ's management API, and without it is not", async () => {
  await using rabbitmq = await startRabbitmq();
  await using redis = await startRedis();
  const port = await startManagement(rabbitmq);
  // Of ten tasks two run, which are acknowledged as they start, and 2 * 3 are prefetched.
  await using _worker = await startWorker({
    ...{ broker: rabbitmq.url, backend: redis.url(), queues: ["long/queue"], concurrency: 2 },
    extraArgs: ["--prefetch-multiplier", "3"],
  });
  const managed = (userInfo: string) =>
    startDaemon({
      configText: configText(rabbitmq, redis.url(), `http://${userInfo}@127.0.0.1:${port}`),
    });
  await using daemon = await managed("guest:guest");
  const page = await daemon.waitFor(
    (metrics) =>
      metrics.sum("celery_load_queue_unacked", { queue: "long/queue" }) === 6 &&
      metrics.sum("celery_load_queue_length", { queue: "long/queue" }) === 2,
    LONG_MS,
    "six tasks that wait at the worker, and two in the queue",
  );
  assert.equal(page.select("celery_load_queue_unacked").length, 1);
  // Its steps end by themselves: stopped before that it is no success.
  assert.deepEqual(await daemon.stop(), { code: 105, signal: null });
  assert.doesNotMatch(daemon.stderr(), /guest:guest|not known/);

  // With a wrong password the rest is known all the same, and the log says what to do.
  await using refused = await managed("guest:canary");
  await refused.waitFor(
    (metrics) =>
      metrics.linksUp() === 2 &&
      metrics.sum("celery_load_queue_length", { queue: "long/queue" }) >= 2 &&
      /refuses guest \(401\): check the user and password in management/.test(refused.stderr()),
    LONG_MS,
    "the queue, and what is wrong with the management API",
  );
  const known = await refused.metrics();
  assert.deepEqual(known.select("celery_load_queue_unacked"), []);
  assert.doesNotMatch(refused.stderr(), /canary/);
  assert.equal((await refused.ready()).status, 200);
});
