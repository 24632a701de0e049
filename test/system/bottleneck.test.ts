import assert from "node:assert/strict";
import { test } from "node:test";
import { SIDES } from "../../src/observer/bottleneck.js";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

for (const events of ["on", "auto"]) {
  test(`the side that is slow is named as it changes, with events: ${events}`, async () => {
    await using redis = await startRedis();
    await using backend = await startRedis();
    const worker = await startWorker({
      ...{ broker: redis.url(), backend: backend.url(), pool: "prefork", concurrency: 4 },
    });
    // Four places of 200 ms are 20 tasks a second.
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${redis.url()}", backend: "${backend.url()}", events: ${events} } }
tasks: { slow: { name: tests.sleep, args: [0.2], timeout: 5m } }
scenarios: { steady: { profile: { steps: [5/s for 30s, 30/s for 15s, 5/s for 10m] }, gracefulStop: 0s } }
`,
    });
    const until = async (side: string) => {
      const page = await daemon.waitFor(
        (metrics) => metrics.value("celery_load_bottleneck", { side }) === 1,
        120_000,
        `the side to be ${side}`,
      );
      assert.equal(page.select("celery_load_bottleneck").length, SIDES.length);
      assert.equal(page.sum("celery_load_bottleneck"), 1);
    };
    await until("code");
    await until("workers_busy");
    // Half a minute after the backlog has gone it is out of sight.
    await until("code");
    worker.signal("SIGKILL", { group: true });
    await until("workers_idle_but_waiting");
    await redis.kill("SIGKILL");
    await until("broker");
    const told = daemon
      .stderr()
      .split("\n")
      .filter((line) => line.includes("another side makes the task slow"))
      .map((line) => JSON.parse(line));
    for (const { task, evidence } of told) {
      assert.equal(task, "tests.sleep");
      assert.ok("busyRatio" in evidence);
    }
    assert.deepEqual(
      told.map(({ side }) => side),
      ["code", "workers_busy", "code", "workers_idle_but_waiting", "broker"],
      JSON.stringify(told),
    );
    await worker[Symbol.asyncDispose]();
  });
}
