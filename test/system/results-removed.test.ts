import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAllSucceeded } from "../support/all-succeeded.js";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

test("the stored results of ended tasks are removed while it runs and at the end; others stay", async () => {
  await using redis = await startRedis();
  await using _worker = await startWorker({ broker: redis.url() });
  const cli = redis.cli();
  await cli.set("celery-task-meta-of-somebody-else", "{}");
  await using daemon = await startDaemon({
    args: [
      ...["--broker", redis.url(), "--task", "tests.add", "--args", "[1,2]"],
      ...["--rate", "100/s", "--for", "4s", "--json"],
    ],
  });
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > 250);
  const during = (await cli.keys("celery-task-meta-*")).length;
  assert.ok(during < 200, `${during} results are stored after more than 250 tasks`);
  assert.deepEqual(await daemon.exit, { code: 0, signal: null });
  assertAllSucceeded(JSON.parse(daemon.stdout()).total, 400, daemon.stderr());
  assert.deepEqual(await cli.keys("celery-task-meta-*"), ["celery-task-meta-of-somebody-else"]);
});
