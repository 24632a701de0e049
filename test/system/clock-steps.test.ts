// Runs beside one other: how many tasks are under way when a clock is set depends on who else is busy.
/*
 * Clocks that are set by an hour while tasks are under way: no phase is an hour long, what cannot be known is counted, and
 * what follows is measured as before.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../support/daemon.js";
import { type SettableClock, settableClock } from "../support/fake-time.js";
import { assertBalanced } from "../support/metrics.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { phaseMs, singleRuns, toldOf } from "../support/single-runs.js";
import { startWorker } from "../support/worker.js";

let redis: TestRedis;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

const RATE = 20;
const SECONDS = 9;
const COUNT = RATE * SECONDS;
/** When the clock is set: all tasks of a second before, at most, are under way. */
const BEFORE_MS = 4_000;
const HOUR = 3_600;

const VARIANTS = [
  { whose: "ours", isDaemon: true, isWorker: false, seconds: -HOUR },
  { whose: "ours", isDaemon: true, isWorker: false, seconds: HOUR },
  { whose: "the worker's", isDaemon: false, isWorker: true, seconds: -HOUR },
  { whose: "the worker's", isDaemon: false, isWorker: true, seconds: HOUR },
  { whose: "the host's, of both,", isDaemon: true, isWorker: true, seconds: -HOUR },
  { whose: "the host's, of both,", isDaemon: true, isWorker: true, seconds: HOUR },
] as const;

for (const [index, { whose, isDaemon, isWorker, seconds }] of VARIANTS.entries()) {
  test(`the clock that is set by ${seconds} s is ${whose} and no phase takes an hour`, async (t) => {
    const clock = await settableClock();
    if (clock === null) {
      t.skip("libfaketime is not to be had here");
      return;
    }
    const env = (isFaked: boolean): SettableClock["env"] => (isFaked ? clock.env : {});
    const urls = { broker: redis.url(index), backend: redis.url(index) };
    await using _worker = await startWorker({
      ...{ ...urls, pool: "threads", concurrency: 8, queues: ["steps"] },
      extraArgs: ["-E"],
      env: { SLEEPS: String(COUNT), ...env(isWorker) },
    });
    await using daemon = await startDaemon({
      configText: singleRuns({ ...urls, queue: "steps", rate: RATE, seconds: SECONDS }),
      env: env(isDaemon),
    });
    await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") > 0);
    await sleep(BEFORE_MS);
    await clock.set(seconds);
    const underWay = (await daemon.metrics()).sum("celery_load_tasks_in_flight");
    const page = await daemon.waitFor(
      (metrics) => metrics.value("celery_load_scenario_state", { state: "stopped" }) === 1,
      60_000,
      "the scenario to stop",
    );
    assertBalanced(page);
    const told = toldOf(page);
    const leftOut = (phase: string) =>
      page.sum("celery_load_task_phases_left_out_total", { phase });
    const phases = (["work", "queue", "run", "delivery"] as const).map((phase) => {
      const values = phaseMs(told, phase);
      const most = Math.max(...values);
      return { phase, known: values.length, most, leftOut: phase === "run" ? 0 : leftOut(phase) };
    });
    const report = `${whose} ${seconds} s: ${JSON.stringify(phases)}\n${daemon.stderr()}`;
    t.diagnostic(report.split("\n")[0]!);
    assert.equal(daemon.stderr().includes("the system clock was set"), isDaemon, report);
    for (const { phase, known, most, leftOut } of phases) {
      assert.ok(most < 10_000, `${phase}: ${report}`);
      // As the docs say: `work` is by both clocks as they are, and none where these contradict causality.
      if (phase === "work") continue;
      // Events of the first tasks may be missed.
      assert.ok(known + leftOut >= 0.9 * COUNT, `${phase}: ${report}`);
      if (phase !== "run")
        assert.ok(leftOut > 0 && leftOut <= underWay + RATE, `${phase}: ${report}`);
    }
    // A busy machine may be late for a few starts.
    const published = page.sum("celery_load_tasks_published_total");
    const succeeded = page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" });
    assert.deepEqual([succeeded, published >= 0.95 * COUNT], [published, true], report);
  });
}
