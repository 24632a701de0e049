import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";

/** Every key with its type, and the members of those that are sets. */
async function contentsOf(redis: Awaited<ReturnType<typeof startRedis>>): Promise<object> {
  const cli = redis.cli();
  const keys = (await cli.keys("*")).sort();
  const contents: Record<string, unknown> = {};
  for (const key of keys) {
    const type = await cli.type(key);
    contents[key] = type === "set" ? (await cli.smembers(key)).sort() : type;
  }
  return contents;
}

for (const python of ["current", "debian"] as const) {
  for (const backend of ["redis", "rpc"] as const) {
    test(`a run leaves a deployment as it was, results over ${backend}, Celery ${python}`, async () => {
      await using redis = await startRedis();
      const urls = { broker: redis.url(), backend: backend === "rpc" ? "rpc://" : redis.url() };
      await using _worker = await startWorker({ ...urls, python, queues: ["images", "mail"] });
      const before = await contentsOf(redis);
      assert.ok(Object.keys(before).includes("_kombu.binding.images"), "the worker has made it");
      await using daemon = await startDaemon({
        configText: `
connections: { main: { broker: "${urls.broker}", backend: "${urls.backend}" } }
tasks:
  add: { name: tests.add, args: [1, 2], queue: images }
  low: { name: tests.add, args: [1, 2], queue: mail, priority: 6 }
scenarios: { s: { profile: 50/s, mix: [add, low] } }
`,
        args: ["--count", "100", "--json"],
      });
      assert.equal((await daemon.exit).code, 0, daemon.stderr());
      assert.equal(JSON.parse(daemon.stdout()).total.outcomes.succeeded, 100);
      // What the worker has not acknowledged yet is its own.
      await waitUntil(async () => (await redis.cli().hlen("unacked")) === 0, 5_000, "the worker");
      assert.deepEqual(await contentsOf(redis), before);
    });
  }

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
    await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") === 50);
    assert.deepEqual(await contentsOf(redis), { images: "list" });
    await using worker = await startWorker({ broker: redis.url(), python, queues: ["images"] });
    assert.equal((await daemon.exit).code, 0, daemon.stderr());
    assert.equal(JSON.parse(daemon.stdout()).total.outcomes.succeeded, 50);
    assert.equal((await worker.recorded()).length, 50);
  });
}
