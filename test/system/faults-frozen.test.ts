import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";
import { assertAccounted, assertNoBurst, runsAfterQuiet, Watch } from "./faults-watch.js";

const RATE = 200;

test("the daemon stands still for 2 s: the starts of the gap are dropped, and nothing times out", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url(), concurrency: 100 });
  await using daemon = await startDaemon({
    // The results of the tasks in flight come during the pause, which is longer than their timeout.
    configText: `
connections: { main: { broker: "${redis.url()}" } }
tasks: { sleep: { name: tests.sleep, args: [0.2], kwargs: {}, timeout: 1500ms } }
scenarios: { steady: { profile: ${RATE}/s } }
server: { linger: 0s }
`,
    args: ["--json"],
  });
  const watch = new Watch(daemon);
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > 2 * RATE);
  daemon.signal("SIGSTOP");
  const stoppedMs = performance.now();
  await sleep(2_000);
  const pausedMs = performance.now() - stoppedMs;
  daemon.signal("SIGCONT");
  const saturated = await daemon.waitFor(
    (page) => page.value("celery_load_generator_saturated", { cause: "dispatch_lag" }) === 1,
    5_000,
    "the pause to show",
  );
  assert.ok(saturated.value("celery_load_tasks_dropped_total", { reason: "saturated" }) > 0);
  await daemon.waitFor(
    (page) => page.value("celery_load_generator_saturated", { cause: "dispatch_lag" }) === 0,
    5_000,
    "the pause to be over",
  );
  await sleep(1_000);
  const { code, total, pages } = await watch.stop();
  assert.equal(code, 0);
  assertNoBurst(pages, RATE);
  // All starts that were more than 100 ms late, and no other.
  const wanted = ((pausedMs - 100) / 1000) * RATE;
  assert.deepEqual(
    Object.keys(total.dropped).filter((reason) => total.dropped[reason]! > 0),
    ["saturated"],
  );
  assert.ok(
    Math.abs(total.dropped.saturated! - wanted) < RATE * 0.1,
    `dropped ${total.dropped.saturated}, expected ${wanted}`,
  );
  const runs = await runsAfterQuiet(redis, worker);
  assertAccounted(total, runs);
  assert.equal(total.outcomes.succeeded, total.published);
  const last = pages.at(-1)!.metrics;
  assert.equal(last.sum("celery_load_reconnects_total"), 0);
  console.log(JSON.stringify({ total, runs: runs.length, pausedMs, pages: pages.length }));
});
