import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAllSucceeded } from "../support/all-succeeded.js";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

for (const python of ["current", "debian"] as const) {
  test(`tasks wait in their list alone for a worker that comes later, Celery ${python}`, async () => {
    await using redis = await startRedis();
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${redis.url()}" } }
tasks: { add: { name: tests.add, args: [1, 2], queue: images, timeout: 1m } }
scenarios: { s: { profile: 50/s, gracefulStop: 1m } }
`,
      args: ["--count", "50", "--json"],
    });
    await daemon.waitFor((page) => page.sum("celery_load_tasks_planned_total") === 50);
    // No `_kombu.binding.images`, which other producers of Celery add.
    assert.deepEqual(await redis.cli().keys("*"), ["images"]);
    await using worker = await startWorker({ broker: redis.url(), python, queues: ["images"] });
    assert.equal((await daemon.exit).code, 0, daemon.stderr());
    const { total } = JSON.parse(daemon.stdout());
    const published = assertAllSucceeded(total, 50, daemon.stderr());
    assert.equal((await worker.recorded()).length, published);
  });
}
