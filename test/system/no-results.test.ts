import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

test("with results disabled tasks are published and run, and end as unknown, not as timed out", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url(), backend: "disabled://" });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "${redis.url()}", backend: disabled } }
tasks: { add: { name: tests.add, args: [1, 2], timeout: 2s } }
scenarios: { steady: { profile: 20/s } }
server: { linger: 2s }
`,
    args: ["--count", "40", "--json"],
  });
  const metrics = await daemon.waitFor(
    (page) => {
      assertBalanced(page);
      return (
        page.sum("celery_load_tasks_planned_total") === 40 &&
        page.sum("celery_load_tasks_in_flight") === 0
      );
    },
    20_000,
    "all tasks to end",
  );
  const published = metrics.sum("celery_load_tasks_published_total");
  assert.ok(published > 30);
  const outcome = (name: string) =>
    metrics.sum("celery_load_task_outcomes_total", { outcome: name });
  assert.deepEqual([outcome("unknown"), outcome("timed_out")], [published, 0]);
  assert.equal(metrics.sum("celery_load_connection_up", { role: "backend" }), 1);
  assert.equal((await worker.recorded()).length, published);
  assert.deepEqual(await daemon.exit, { code: 0, signal: null });
});

test("with results disabled outcomes come from the workers' events, and are exact", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({
    broker: redis.url(),
    backend: "disabled://",
    pool: "prefork",
    extraArgs: ["-E"],
  });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "${redis.url()}", backend: disabled } }
tasks:
  add: { name: tests.add, args: [1, 2], timeout: 20s }
  bad: { name: tests.fail, args: [KeyError], timeout: 20s }
scenarios: { steady: { profile: 20/s, startAfter: 2s, mix: [add, bad] } }
server: { linger: 2s }
`,
    args: ["--count", "60", "--json"],
  });
  const metrics = await daemon.waitFor(
    (page) => {
      assertBalanced(page);
      return (
        page.sum("celery_load_tasks_planned_total") === 60 &&
        page.sum("celery_load_tasks_in_flight") === 0
      );
    },
    40_000,
    "all tasks to end",
  );
  const published = (task: string) =>
    metrics.sum("celery_load_tasks_published_total", { task: `tests.${task}` });
  const outcome = (task: string, name: string) =>
    metrics.sum("celery_load_task_outcomes_total", { task: `tests.${task}`, outcome: name });
  assert.ok(published("add") > 20);
  assert.equal(outcome("add", "succeeded"), published("add"));
  assert.equal(outcome("fail", "failed"), published("fail"));
  const errors = metrics.sum("celery_load_task_errors_total", { exception: "KeyError" });
  assert.equal(errors, published("fail"));
  const runs = (await worker.recorded()).length;
  assert.equal(runs, published("add") + published("fail"));
  assert.deepEqual(await daemon.exit, { code: 0, signal: null });
});
