import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../support/daemon.js";
import { startProxy } from "../support/proxy.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";
import { assertAccounted, assertNoBurst, runsAfterQuiet, Watch } from "./faults-watch.js";

const RATE = 200;

test("the publish connection is reset in mid-batch, again and again: no task runs twice", async () => {
  await using redis = await startRedis();
  await using proxy = await startProxy(redis.port);
  await using worker = await startWorker({ broker: redis.url() });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "redis://127.0.0.1:${proxy.port}/0", backend: "${redis.url()}" } }
tasks: { add: { name: tests.add, args: [1, 2], kwargs: {}, timeout: 4s } }
scenarios: { steady: { profile: ${RATE}/s } }
server: { linger: 0s }
`,
    args: ["--json"],
  });
  const watch = new Watch(daemon);
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > RATE);
  // So that some requests and some answers are on their way whenever the connection breaks.
  proxy.latency(40);
  const RESETS = 4;
  for (let times = 1; times <= RESETS; times++) {
    await sleep(400);
    proxy.reset();
    await daemon.waitFor(
      (page) =>
        page.value("celery_load_reconnects_total", { role: "broker" }) === times &&
        page.value("celery_load_connection_up", { role: "broker" }) === 1,
    );
  }
  proxy.latency(0);
  await sleep(1_000);
  const { code, total, pages } = await watch.stop();
  assert.equal(code, 0);
  const runs = await runsAfterQuiet(redis.cli(), worker);
  assertAccounted(total, runs);
  assertNoBurst(pages, RATE);
  assert.equal(pages.at(-1)!.metrics.value("celery_load_reconnects_total", { role: "backend" }), 0);
  // Requests that were on their way to the server are gone, and nobody knows it of a single one.
  assert.ok(total.outcomes.unknown! > 0, "no request was on its way at any reset");
  assert.equal(
    Object.values(total.publishFailures).reduce((sum, count) => sum + count, 0),
    0,
  );
});

test("answers to publishes are lost for 1 s: counted as published once, settled by their results", async () => {
  await using redis = await startRedis();
  await using proxy = await startProxy(redis.port);
  await using worker = await startWorker({ broker: redis.url(), concurrency: 150 });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "redis://127.0.0.1:${proxy.port}/0", backend: "${redis.url()}" } }
tasks: { sleep: { name: tests.sleep, args: [0.4], kwargs: {}, timeout: 6s } }
scenarios: { steady: { profile: ${RATE}/s } }
server: { linger: 0s }
`,
    args: ["--json"],
  });
  const watch = new Watch(daemon);
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > RATE);
  await proxy.mode("dropReplies");
  await sleep(1_000);
  const before = await daemon.metrics();
  const publishing = before.sum("celery_load_tasks_publishing");
  proxy.reset();
  await proxy.mode("pass");
  await daemon.waitFor(
    (page) => page.value("celery_load_reconnects_total", { role: "broker" }) === 1,
  );
  await sleep(1_000);
  const { code, total, pages } = await watch.stop();
  assert.equal(code, 0);
  // A result that comes before the answer is proof of its own; the tasks of the last 0.4 s have none.
  assert.ok(publishing > RATE * 0.2, `only ${publishing} tasks were without an answer`);
  const runs = await runsAfterQuiet(redis.cli(), worker);
  assertAccounted(total, runs);
  assertNoBurst(pages, RATE);
  assert.ok(total.outcomes.unknown! < publishing / 4, `${total.outcomes.unknown} are unknown`);
});

test("connections that break again and again while they are set up come back, and no task runs twice", async () => {
  await using redis = await startRedis();
  await using proxy = await startProxy(redis.port);
  await using worker = await startWorker({ broker: redis.url() });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "redis://127.0.0.1:${proxy.port}/0" } }
tasks: { add: { name: tests.add, args: [1, 2], kwargs: {}, timeout: 10s } }
scenarios: { steady: { profile: ${RATE}/s } }
server: { linger: 0s }
`,
    args: ["--json"],
  });
  const watch = new Watch(daemon);
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > RATE);
  // Each step of the set-up takes as long as there is between some two resets.
  proxy.latency(2);
  const untilMs = performance.now() + 2_500;
  for (let times = 0; performance.now() < untilMs; times++) {
    await sleep(10 + ((times * 7) % 40));
    proxy.reset();
  }
  proxy.latency(0);
  const up = await daemon.waitFor((page) => page.linksUp() === 2);
  const measured = "celery_load_task_latency_seconds_count";
  await daemon.waitFor((page) => page.sum(measured) > up.sum(measured) + RATE);
  const { code, total, pages } = await watch.stop();
  assert.equal(code, 0);
  assertNoBurst(pages, RATE);
  assertAccounted(total, await runsAfterQuiet(redis.cli(), worker));
});
