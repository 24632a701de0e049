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
