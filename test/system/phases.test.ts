import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

let rabbitmq: TestRabbitmq;
let redis: TestRedis;
before(async () => {
  rabbitmq = await startRabbitmq();
  redis = await startRedis();
});
after(async () => {
  await rabbitmq[Symbol.asyncDispose]();
  await redis.stop();
});

const SUM_OF = ["dispatch", "queue", "run", "delivery"] as const;

/** Count and mean, in seconds, of a histogram. */
function meanOf(page: Metrics, name: string, labels: Record<string, string> = {}) {
  const count = page.sum(`celery_load_${name}_count`, labels);
  return { count, seconds: page.sum(`celery_load_${name}_sum`, labels) / count };
}

let runs = 0;

for (const kind of ["redis", "amqp"] as const) {
  for (const rate of [10, 18]) {
    test(`the phases of a task of 200 ms add up to its latency: ${rate}/s over ${kind}`, async () => {
      const number = ++runs;
      const broker = kind === "redis" ? redis.url(number) : rabbitmq.url;
      const queue = `phases-${number}`;
      await using _worker = await startWorker({
        ...{ broker, backend: redis.url(15), pool: "prefork", queues: [queue] },
        extraArgs: ["-E"],
      });
      await using daemon = await startDaemon({
        configText: `
connections: { main: { broker: "${broker}", backend: "${redis.url(15)}" } }
tasks: { slow: { name: tests.sleep, args: [0.2], queue: ${queue} } }
scenarios: { steady: { profile: ${rate}/s, duration: 15s, warmup: 3s, gracefulStop: 10s } }
server: { linger: 5s }
`,
      });
      const page = await daemon.waitFor(
        (metrics) => metrics.value("celery_load_scenario_state", { state: "stopped" }) === 1,
        60_000,
        "the scenario to stop",
      );
      assertBalanced(page);
      const latency = meanOf(page, "task_latency_seconds", { outcome: "succeeded" });
      const phases = SUM_OF.map((phase) => ({
        phase,
        ...meanOf(page, "task_phase_seconds", { phase }),
      }));
      const report = JSON.stringify({ latency, phases });
      assert.ok(latency.count > 10 * rate, report);
      for (const { phase, count } of phases) {
        // Events of the last tasks may come after the end.
        assert.ok(count >= latency.count * 0.9 && count <= latency.count, `${phase}: ${report}`);
      }
      const run = phases.find(({ phase }) => phase === "run")!;
      assert.ok(run.seconds >= 0.2 && run.seconds < 0.4, report);
      const sum = phases.reduce((total, { seconds }) => total + seconds, 0);
      assert.ok(Math.abs(sum - latency.seconds) < 0.1, report);
      // One machine has one clock.
      const offset = page.value("celery_load_worker_clock_offset_seconds");
      const uncertainty = page.value("celery_load_worker_clock_uncertainty_seconds");
      assert.ok(Math.abs(offset) <= uncertainty + 0.002, `${offset} ± ${uncertainty}`);
      assert.ok(uncertainty < 0.2, `${uncertainty}`);
      console.log(`${kind} ${rate}/s: ${report}, clock ${offset} ± ${uncertainty}`);
    });
  }

  test(`tasks that store no result end by their events over ${kind}`, async () => {
    const number = ++runs;
    const broker = kind === "redis" ? redis.url(number) : rabbitmq.url;
    const queue = `phases-${number}`;
    await using _worker = await startWorker({
      ...{ broker, backend: redis.url(15), pool: "prefork", queues: [queue] },
    });
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${broker}", backend: "${redis.url(15)}", events: on } }
tasks:
  good:     { name: tests.add, args: [1, 2], queue: ${queue}, ignoreResult: true }
  failing:  { name: tests.fail, args: [KeyError], queue: ${queue}, ignoreResult: true }
  retrying: { name: tests.retry, args: [2], queue: ${queue}, ignoreResult: true, expires: none }
scenarios:
  steady: { profile: 15/s, mix: [good, failing, retrying], startAfter: 8s, duration: 4s, gracefulStop: 20s }
server: { linger: 5s }
`,
    });
    const page = await daemon.waitFor(
      (metrics) => metrics.value("celery_load_scenario_state", { state: "stopped" }) === 1,
      60_000,
      "the scenario to stop",
    );
    assertBalanced(page);
    const outcome = (task: string, name: string) =>
      page.value("celery_load_task_outcomes_total", { task: `tests.${task}`, outcome: name });
    const log = JSON.stringify(page.ledger());
    assert.deepEqual(
      [outcome("add", "succeeded"), outcome("fail", "failed"), outcome("retry", "succeeded")],
      [20, 20, 20],
      log,
    );
    const errors = { task: "tests.fail", exception: "KeyError" };
    assert.equal(page.value("celery_load_task_errors_total", errors), 20);
    const ofAdd = { task: "tests.add", phase: "run" };
    assert.equal(page.value("celery_load_task_phase_seconds_count", ofAdd), 20);
  });
}
