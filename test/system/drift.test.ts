// Runs beside one other: it compares times with what they should be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import type { Labels } from "../support/metrics.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

test("a queue that nobody consumes grows, by the rate and for sure, and what it fills does", async () => {
  await using redis = await startRedis();
  await using backend = await startRedis();
  await using _worker = await startWorker({ broker: redis.url(), backend: backend.url() });
  await using daemon = await startDaemon({
    configText: `
connections:
  main: { broker: "${redis.url()}", backend: "${backend.url()}", forget: false }
tasks:
  # A result of 100 kB each, which stays: 300 kB more a second.
  big: { name: tests.big, args: [100000] }
  stuck: { name: tests.add, args: [1, 2], queue: nobody, timeout: 10m }
scenarios:
  both: { profile: 6/s, mix: [big, stuck], gracefulStop: 0s }
driftWindow: 5m
`,
  });
  const early = await daemon.waitFor(
    (page) => page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > 20,
  );
  assert.equal(early.select("celery_load_drift_per_hour").length, 0, "nothing is known yet");
  const page = await daemon.waitFor(
    (metrics) =>
      metrics.select("celery_load_drift_per_hour", { what: "latency_p99", task: "tests.big" })
        .length === 1,
    180_000,
    "a third of the window",
  );
  const drift = (labels: Labels) => ({
    perHour: page.value("celery_load_drift_per_hour", labels),
    isSignificant: page.value("celery_load_drift_significant", labels) === 1,
  });
  const assertGrows = (labels: Labels, perHour: number) => {
    const found = drift(labels);
    assert.ok(found.isSignificant, `${JSON.stringify(labels)} ${found.perHour}`);
    assert.ok(Math.abs(found.perHour / perHour - 1) < 0.1, `${found.perHour} an hour`);
  };
  assertGrows({ what: "queue_length", connection: "main", queue: "nobody" }, 3 * 3_600);
  const memory = drift({ what: "result_backend_memory", connection: "main" });
  assert.ok(memory.isSignificant && memory.perHour > 3 * 3_600 * 100_000, `${memory.perHour}`);
  for (const labels of [
    { what: "queue_length", queue: "celery" },
    { what: "worker_pool_size", connection: "main" },
    { what: "retries", task: "tests.big" },
  ]) {
    assert.deepEqual(drift(labels), { perHour: 0, isSignificant: false }, JSON.stringify(labels));
  }
  for (const task of ["tests.big", "tests.add"]) {
    assert.equal(drift({ what: "rate", task }).isSignificant, false, task);
  }
  // Our own is what it is within the first minutes of a process.
  assert.ok(Number.isFinite(drift({ what: "resident_memory" }).perHour));
  const none = page.select("celery_load_drift_per_hour", {
    what: "latency_p50",
    task: "tests.add",
  });
  assert.equal(none.length, 0, "of tasks that never end there are no latencies");
});
