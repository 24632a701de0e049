// Runs alone: it compares times with what they should be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

const RATE = 100;
const PAUSE_MS = 3_000;

test("a worker that stands still for 3 s shows in the latency of every task planned meanwhile", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url() });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: ${redis.url()} } }
tasks: { add: { name: tests.add, args: [1, 2], kwargs: {} } }
scenarios: { steady: { profile: ${RATE}/s } }
server: { linger: 0s }
buckets: [50ms, 500ms, 1s, 1.5s, 2s, 2.5s, 2.9s, 5s]
`,
  });
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > RATE);
  const published: number[] = [];
  const scrape = async () => {
    const page = await daemon.metrics();
    assertBalanced(page);
    published.push(page.sum("celery_load_tasks_published_total"));
  };
  worker.signal("SIGSTOP", { group: true });
  const stoppedMs = performance.now();
  await scrape();
  for (let second = 1; second <= PAUSE_MS / 1000; second++) {
    await sleep(Math.max(0, stoppedMs + second * 1000 - performance.now()));
    await scrape();
  }
  const pausedMs = performance.now() - stoppedMs;
  worker.signal("SIGCONT", { group: true });
  const page = await daemon.waitFor(
    (metrics) => metrics.sum("celery_load_tasks_in_flight") < 5,
    20_000,
    "the worker to catch up",
  );
  assertBalanced(page);

  for (let second = 1; second < published.length; second++) {
    const count = published[second]! - published[second - 1]!;
    assert.ok(Math.abs(count - RATE) <= RATE * 0.1, `published ${count} in second ${second}`);
  }
  // A task planned t before the end of the pause waits at least t: at least so many are above t.
  const above = (seconds: number) =>
    page.value("celery_load_task_latency_seconds_count", { outcome: "succeeded" }) -
    page.value("celery_load_task_latency_seconds_bucket", {
      outcome: "succeeded",
      le: String(seconds),
    });
  for (const seconds of [0.5, 1, 1.5, 2, 2.5]) {
    const wanted = (pausedMs / 1000 - seconds) * RATE;
    const seen = above(seconds);
    assert.ok(
      seen >= wanted - 3,
      `${seen} tasks above ${seconds} s, ${wanted} were planned so early`,
    );
  }
  assert.equal(page.sum("celery_load_tasks_dropped_total"), 0);
});
