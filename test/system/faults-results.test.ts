import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertAllSucceeded } from "../support/all-succeeded.js";
import { startDaemon } from "../support/daemon.js";
import { startProxy } from "../support/proxy.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";
import { assertAccounted, assertNoBurst, runsAfterQuiet, sentBy, Watch } from "./faults-watch.js";

const RATE = 150;

test("the results connection is away for 1 s: publishing goes on, and what was missed is found", async () => {
  await using redis = await startRedis();
  await using broker = await startProxy(redis.port);
  await using backend = await startProxy(redis.port);
  await using worker = await startWorker({ broker: redis.url(), concurrency: 50 });
  await using daemon = await startDaemon({
    configText: `
connections:
  main: { broker: "redis://127.0.0.1:${broker.port}/0", backend: "redis://127.0.0.1:${backend.port}/0" }
tasks: { sleep: { name: tests.sleep, args: [0.1], kwargs: {}, timeout: 8s } }
scenarios: { steady: { profile: ${RATE}/s } }
server: { linger: 0s }
`,
    args: ["--json"],
  });
  const watch = new Watch(daemon);
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > RATE);
  const results = backend.connections.find(({ heard }) => heard.includes(":results"))!;
  await backend.refuse();
  const before = await daemon.metrics();
  results.reset();
  await sleep(1_000);
  const away = await daemon.metrics();
  assert.equal(away.value("celery_load_connection_up", { role: "backend" }), 0);
  assert.equal(away.value("celery_load_connection_up", { role: "broker" }), 1);
  const { status, body } = await daemon.ready();
  assert.equal(status, 503);
  assert.deepEqual(JSON.parse(body).problems, [
    {
      connection: "main",
      role: "backend",
      message: `connect ECONNREFUSED 127.0.0.1:${backend.port}`,
    },
  ]);
  const sent = sentBy(away) - sentBy(before);
  assert.ok(sent > RATE * 0.9, `only ${sent} tasks were sent in 1 s`);
  await backend.mode("pass");
  await daemon.waitFor(
    (page) => page.value("celery_load_connection_up", { role: "backend" }) === 1,
  );
  const found = await daemon.waitFor(
    (page) => page.sum("celery_load_results_recovered_total") > 0,
    10_000,
    "missed results to be found",
  );
  assert.ok(found.sum("celery_load_results_recovered_total") > RATE / 2);
  await sleep(1_000);

  const { code, total, pages } = await watch.stop();
  assert.equal(code, 0);
  assertAccounted(total, await runsAfterQuiet(redis.cli(), worker));
  assertNoBurst(pages, RATE);
  assertAllSucceeded(total, total.planned);
  for (const { metrics } of pages) {
    const succeeded = metrics.sum("celery_load_task_outcomes_total", { outcome: "succeeded" });
    const recovered = metrics.sum("celery_load_results_recovered_total");
    assert.equal(metrics.sum("celery_load_task_latency_seconds_count"), succeeded - recovered);
    assert.equal(metrics.sum("celery_load_duplicate_results_total"), 0);
  }
  const last = pages.at(-1)!.metrics;
  assert.equal(last.value("celery_load_reconnects_total", { role: "backend" }), 1);
  assert.equal(last.value("celery_load_reconnects_total", { role: "broker" }), 0);
});
