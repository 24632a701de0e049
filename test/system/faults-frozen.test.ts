// Runs beside one other: it compares times with what they should be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MAX_CATCH_UP_MS } from "../../src/engine/task-life.js";
import { startDaemon } from "../support/daemon.js";
import type { Metrics } from "../support/metrics.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";
import { assertAccounted, assertNoBurst, runsAfterQuiet, sentBy, Watch } from "./faults-watch.js";

const RATE = 200;
/** The results of the tasks that are in flight come during the pause, which is longer than their timeout. */
const PAUSES = [
  { pauseMs: 2_000, timeout: "1500ms" },
  { pauseMs: 1_000, timeout: "900ms" },
];

for (const { pauseMs, timeout } of PAUSES) {
  test(`the daemon stands still for ${pauseMs} ms: the starts of the gap are dropped, nothing times out`, async () => {
    await using redis = await startRedis();
    await using worker = await startWorker({ broker: redis.url(), concurrency: 100 });
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${redis.url()}" } }
tasks: { sleep: { name: tests.sleep, args: [0.2], kwargs: {}, timeout: ${timeout} } }
scenarios: { steady: { profile: ${RATE}/s } }
server: { linger: 0s }
`,
      args: ["--json"],
    });
    const watch = new Watch(daemon);
    const isLagging = (page: Metrics) =>
      page.value("celery_load_generator_saturated", { cause: "dispatch_lag" }) === 1;
    await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > 2 * RATE);
    const beforeMs = performance.now();
    const before = await daemon.metrics();
    daemon.signal("SIGSTOP");
    const stoppedMs = performance.now();
    await sleep(pauseMs);
    const pausedMs = performance.now() - stoppedMs;
    daemon.signal("SIGCONT");
    const lagging = await daemon.waitFor(isLagging, 5_000, "the pause to show");
    const awakeMs = performance.now() - beforeMs - pausedMs;
    await daemon.waitFor((page) => !isLagging(page), 5_000, "the pause to be over");
    const after = await daemon.metrics();
    await sleep(1_000);
    const { code, total, pages } = await watch.stop();
    assert.equal(code, 0);
    const sent = sentBy(lagging) - sentBy(before);
    const due = (RATE * (awakeMs + 100)) / 1000 + 1;
    assert.ok(sent <= due, `a burst: ${sent} tasks where ${due} were due`);
    assertNoBurst(pages, RATE);

    const outcome = (page: Metrics, name: string) =>
      page.value("celery_load_task_outcomes_total", { outcome: name });
    assert.equal(outcome(after, "timed_out"), outcome(before, "timed_out"));
    assert.equal(after.reconnects(), 0);
    // All starts that were more than 100 ms late, and no other.
    const wanted = ((pausedMs - 100) / 1000) * RATE;
    const { saturated, ...otherwise } = total.dropped;
    assert.ok(Math.abs(saturated! - wanted) < RATE * 0.1, `${saturated} dropped, not ${wanted}`);
    assert.equal(Math.max(...Object.values(otherwise)), 0, JSON.stringify(otherwise));
    const runs = await runsAfterQuiet(redis.cli(), worker);
    assert.equal(total.outcomes.unknown, 0);
    // What it had in its hand when it froze, admitted and not written, goes out when it goes on: the
    // messages of one turn, expired by then, so that the worker discards them.
    assertAccounted(total, runs, (RATE * MAX_CATCH_UP_MS) / 1000 + 1);
  });
}
