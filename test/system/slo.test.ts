import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { seqOf } from "../../src/celery/messages/task-id.js";
import { ensurePrometheus } from "../../src/setup/prometheus.js";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { startRedis } from "../support/redis.js";
import { type RecordedRun, startWorker } from "../support/worker.js";

const RATE = 20;
const SECONDS = 10;
const WARMUP_SECONDS = 2;
const THRESHOLD_MS = 2_000;
/** A task that ends this close to the threshold could be counted either way: on which side is not known here. */
const BLUR_MS = 100;

const CONFIG = (broker: string) => `
connections: { main: { broker: ${broker} } }
tasks:
  quick:   { name: tests.add, args: [1, 2], timeout: 20s }
  slow:    { name: tests.sleep, args: [3], timeout: 20s }
  failing: { name: tests.fail, timeout: 20s }
scenarios:
  mixed:
    profile: ${RATE}/s
    duration: ${SECONDS}s
    warmup: ${WARMUP_SECONDS}s
    mix: { quick: 7, slow: 2, failing: 1 }
    gracefulStop: 20s
slos:
  - { name: fast, objective: 90%, latency: ${THRESHOLD_MS}ms, window: 7d }
  - { name: good, scenario: mixed, objective: 95%, window: 7d }
  - { name: slow-ones, task: tests.sleep, objective: 50%, latency: 20s, window: 7d }
server: { linger: 5s }
`;

interface Truth {
  readonly total: number;
  readonly good: number;
}

/** What the worker's own notes say of the runs that are no warm-up. */
function truthOf(
  runs: readonly RecordedRun[],
  beganMs: number,
  isGood: (run: RecordedRun, latencyMs: number) => boolean,
): Truth {
  const counted = runs
    .map((run) => ({ run, plannedMs: beganMs + ((orderOf(run, runs) + 1) * 1000) / RATE }))
    .filter(({ plannedMs }) => plannedMs >= beganMs + WARMUP_SECONDS * 1000);
  return {
    total: counted.length,
    good: counted.filter(({ run, plannedMs }) => isGood(run, run.endedMs! - plannedMs)).length,
  };
}

/** Which start of the run it was, from 0 on: ids hold a sequence number. */
function orderOf(run: RecordedRun, runs: readonly RecordedRun[]): number {
  const first = Math.min(...runs.map(({ id }) => seqOf(id)));
  return seqOf(run.id) - first;
}

test("the counters of SLOs are what the worker's notes say: good, bad and all", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url(), concurrency: 40 });
  await using daemon = await startDaemon({
    configText: CONFIG(redis.url()),
    args: ["--for", `${SECONDS}s`, "--json", "--exit-on-slo"],
  });
  const metrics = await daemon.waitFor(
    (page) => page.value("celery_load_scenario_state", { state: "stopped" }) === 1,
    60_000,
    "the scenario to stop",
  );
  assertBalanced(metrics);
  const runs = await worker.recorded();
  assert.equal(runs.length, RATE * SECONDS, "every start ran once");
  assert.ok(runs.every(({ endedMs }) => endedMs !== null));
  const beganMs =
    metrics.value("celery_load_last_change_timestamp_seconds", { kind: "start" }) * 1000;

  const isSuccess = ({ state }: RecordedRun) => state === "SUCCESS";
  const fast = truthOf(runs, beganMs, (run, latencyMs) => {
    assert.ok(
      Math.abs(latencyMs - THRESHOLD_MS) > BLUR_MS || !isSuccess(run),
      `${run.name} took ${latencyMs} ms, which is too close to the threshold for a truth`,
    );
    return isSuccess(run) && latencyMs <= THRESHOLD_MS;
  });
  const good = truthOf(runs, beganMs, isSuccess);
  const sleeps = runs.filter(({ name }) => name === "tests.sleep");
  assertEqual(metrics, "fast", fast);
  assertEqual(metrics, "good", good);
  assert.ok(fast.good < good.good && good.good < good.total, "all three kinds of task count");

  // By task, and nothing else than the task that is asked for.
  const slow = metrics.select("celery_load_slo_events_total", { slo: "slow-ones" });
  assert.deepEqual(
    slow.map(({ labels }) => labels.task),
    ["tests.sleep"],
  );
  assert.ok(slow[0]!.value <= sleeps.length && slow[0]!.value > 0);
  const bounds = metrics.select("celery_load_task_latency_seconds_bucket", { le: "2" });
  assert.equal(bounds.length, 3 * 2, "the latency of an SLO is a bucket");
  const accept = { headers: { accept: "application/openmetrics-text; version=1.0.0" } };
  const openMetrics = await (await fetch(`${daemon.url}/metrics`, accept)).text();
  assert.match(openMetrics, /^celery_load_task_latency_seconds_bucket\{.*,le="2\.0"\} /m);
  const { promtool } = await ensurePrometheus();
  const checked = spawnSync(promtool, ["check", "metrics"], {
    input: metrics.text,
    encoding: "utf8",
  });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);

  assert.deepEqual(await daemon.exit, { code: 99, signal: null }, daemon.stderr());
  const report = JSON.parse(daemon.stdout());
  assert.deepEqual(
    Object.entries(report.slos).map(([name, slo]) => [name, (slo as { verdict: string }).verdict]),
    [
      ["fast", "missed"],
      ["good", "missed"],
      ["slow-ones", "met"],
    ],
  );
  assert.match(daemon.stderr(), /the SLO is missed/);
});

/**
 * Equal, unless the daemon itself was late, which it then says: what it excluded for that is missing
 * in its counts, whether it was good or bad.
 */
function assertEqual(metrics: Metrics, slo: string, { total, good }: Truth): void {
  const excluded = (reason: string) =>
    metrics.value("celery_load_slo_excluded_events_total", { slo, reason });
  const events = metrics.sum("celery_load_slo_events_total", { slo });
  const bad = metrics.sum("celery_load_slo_bad_events_total", { slo });
  const late = excluded("saturated");
  assert.equal(excluded("warmup") + late + events, RATE * SECONDS, `${slo}: all`);
  if (late === 0) {
    assert.deepEqual({ total: events, good: events - bad }, { total, good }, slo);
  } else {
    console.log(`${slo}: ${late} events excluded, as the daemon was late`);
    assert.ok(bad <= total - good && bad >= total - good - late, `${slo}: ${bad} bad`);
  }
}

test("what a daemon sees too late because it stood still itself is excluded, and no bad event", async () => {
  await using redis = await startRedis();
  await using _worker = await startWorker({ broker: redis.url(), concurrency: 20 });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: ${redis.url()} } }
tasks: { nap: { name: tests.sleep, args: [0.3], timeout: 30s } }
scenarios: { steady: { profile: 20/s, gracefulStop: 20s } }
slos: [{ name: fast, objective: 99%, latency: 4s }]
server: { linger: 5s }
`,
    args: ["--for", "20s"],
  });
  await daemon.waitFor((page) => page.sum("celery_load_slo_events_total") >= 40);
  daemon.signal("SIGSTOP");
  await sleep(6_000);
  daemon.signal("SIGCONT");
  const metrics = await daemon.waitFor(
    (page) => page.value("celery_load_scenario_state", { state: "stopped" }) === 1,
    60_000,
  );
  assertBalanced(metrics);
  const excluded = metrics.value("celery_load_slo_excluded_events_total", { reason: "saturated" });
  const dropped = metrics.value("celery_load_tasks_dropped_total", { reason: "saturated" });
  assert.ok(dropped > 100, `${dropped} dropped`);
  assert.ok(excluded > dropped, `${excluded} excluded, of which ${dropped} dropped`);
  assert.equal(metrics.sum("celery_load_slo_bad_events_total"), 0);
  const planned = metrics.sum("celery_load_tasks_planned_total");
  assert.equal(metrics.sum("celery_load_slo_events_total") + excluded, planned);
});
