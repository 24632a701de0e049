import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";

for (const python of ["current", "debian"] as const) {
  test(`results come back over rpc:// on Redis, Celery ${python}`, async () => {
    await using redis = await startRedis();
    await using _worker = await startWorker({ broker: redis.url(), backend: "rpc://", python });
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${redis.url()}", backend: "rpc://" } }
tasks:
  good: { name: tests.add, args: [1, 2] }
  bad:  { name: tests.fail, args: [KeyError] }
scenarios: { s: { profile: 50/s, mix: [good, bad], gracefulStop: 20s } }
server: { linger: 2s }
`,
      args: ["--for", "3s", "--json"],
    });
    const metrics = await daemon.waitFor((page) => {
      assertBalanced(page);
      return page.value("celery_load_scenario_state", { state: "stopped" }) === 1;
    });
    assert.deepEqual(await daemon.exit, { code: 0, signal: null });
    const outcome = (name: string) =>
      metrics.sum("celery_load_task_outcomes_total", { outcome: name });
    assert.deepEqual([outcome("succeeded"), outcome("failed")], [75, 75]);
    assert.equal(metrics.value("celery_load_task_errors_total", { exception: "KeyError" }), 75);
    assert.equal(metrics.sum("celery_load_unmatched_results_total"), 0);
    // Of ours nothing is left: what remains belongs to the worker.
    await waitUntil(
      async () => (await redis.cli().keys("*")).every((key) => key.startsWith("_kombu")),
      5_000,
      "only the worker's own keys to be there",
    );
  });
}
