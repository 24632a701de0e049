// Runs beside one other: it compares times with what they should be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

test("repeated steps are followed exactly: starts, target_rate and stage_info", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url() });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: ${redis.url()} } }
tasks: { stamp: { name: tests.sleep, args: [0], kwargs: {}, headers: {} } }
scenarios:
  stepped:
    profile: { steps: [20/s for 5s, 100/s for 5s, 0/s for 2s], repeat: true }
    duration: 24s
`,
    args: ["--for", "24s", "--json"],
  });
  const started = await daemon.waitFor(
    (metrics) => metrics.value("celery_load_scenario_state", { state: "running" }) === 1,
  );
  const beganMs =
    started.value("celery_load_last_change_timestamp_seconds", { kind: "start" }) * 1000;

  const seen = new Map<string, Set<number>>();
  for (;;) {
    let metrics: Awaited<ReturnType<typeof daemon.metrics>>;
    try {
      metrics = await daemon.metrics();
    } catch {
      break; // it has stopped serving: the run is over
    }
    assertBalanced(metrics);
    if (metrics.value("celery_load_scenario_state", { state: "running" }) === 1) {
      const current = metrics.select("celery_load_stage_info").filter(({ value }) => value === 1);
      assert.equal(current.length, 1);
      const stage = current[0]!.labels.stage!;
      const rates = seen.get(stage) ?? new Set();
      seen.set(stage, rates.add(metrics.value("celery_load_target_rate")));
      const remaining = metrics.value("celery_load_stage_remaining_seconds", { stage });
      assert.ok(remaining >= 0 && remaining <= 5, `${stage} has ${remaining} s left`);
    }
    await sleep(50);
  }
  assert.deepEqual(await daemon.exit, { code: 0, signal: null });
  assert.deepEqual(Object.fromEntries([...seen].map(([stage, rates]) => [stage, [...rates]])), {
    "1: 20/s for 5s": [20],
    "2: 100/s for 5s": [100],
    "3: 0/s for 2s": [0],
  });

  const { total } = JSON.parse(daemon.stdout());
  assert.equal(total.planned, 2 * (20 * 5 + 100 * 5));
  assert.equal(total.outcomes.succeeded, total.planned);

  // The worker's own clock says when they came: in each second as many as the plan has, a start that
  // a border of two seconds moved apart.
  const perSecond = new Array(24).fill(0);
  for (const { startedMs } of await worker.recorded()) {
    perSecond[Math.floor((startedMs - beganMs) / 1000)]++;
  }
  const expected = [20, 20, 20, 20, 20, 100, 100, 100, 100, 100, 0, 0];
  for (const [second, count] of perSecond.entries()) {
    const wanted = expected[second % 12]!;
    // Start number k is due at the end of its interval, and delivery takes some milliseconds more.
    assert.ok(Math.abs(count - wanted) <= 3, `second ${second}: ${count} instead of ${wanted}`);
  }
});
