import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertAllSucceeded, type Total } from "../support/all-succeeded.js";
import { type DaemonOptions, startDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

// For every thread, task and scenario: what is sent, what comes back, and where it is counted.
const config = (broker: string, backend: string) => `
connections: { main: { broker: "${broker}", backend: "${backend}", events: off } }
tasks:
  good:    { name: tests.add, args: ["{{ seq }}", 1] }
  failing: { name: tests.fail, args: [KeyError] }
scenarios:
  even:    { profile: { steps: [30/s for 2s, 60/s for 2s] }, mix: { good: 3, failing: 1 }, gracefulStop: 20s }
  poisson: { profile: 20/s, arrival: poisson, mix: good, duration: 4s, gracefulStop: 20s }
threads: 3
server: { linger: 1s }
`;

/** Runs to the end; every page must balance. Returns the last one and the report. */
async function runToEnd(options: DaemonOptions): Promise<{ last: Metrics; report: Report }> {
  await using daemon = await startDaemon({ ...options, args: [...(options.args ?? []), "--json"] });
  let last: Metrics | undefined;
  for (;;) {
    try {
      last = await daemon.metrics();
    } catch {
      break; // it has stopped serving: the run is over
    }
    assertBalanced(last);
    await sleep(50);
  }
  assert.deepEqual(await daemon.exit, { code: 0, signal: null });
  return { last: last!, report: JSON.parse(daemon.stdout()) };
}

interface Report {
  readonly balanced: boolean;
  readonly total: Total;
}

for (const kind of ["redis", "rabbitmq"] as const) {
  test(`three threads do the plan of one, exactly, on ${kind}`, async () => {
    await using server = kind === "redis" ? await startRedis() : await startRabbitmq();
    const broker = typeof server.url === "string" ? server.url : server.url();
    await using worker = await startWorker({
      broker,
      backend: kind === "redis" ? broker : "rpc://",
    });
    const { last, report } = await runToEnd({
      configText: config(broker, kind === "redis" ? broker : "rpc://"),
    });
    const count = (name: string, labels = {}) => last.sum(`celery_load_${name}`, labels);
    const even = { scenario: "even" };
    assert.equal(count("tasks_planned_total", { ...even, task: "tests.add" }), 135);
    assert.equal(count("tasks_planned_total", { ...even, task: "tests.fail" }), 45);
    // A busy machine may be too late for some.
    const sent = (labels: Record<string, string>) =>
      count("tasks_planned_total", labels) -
      count("tasks_dropped_total", { ...labels, reason: "saturated" });
    const succeeded = sent({ ...even, task: "tests.add" });
    const failed = sent({ ...even, task: "tests.fail" });
    assert.ok(succeeded > 100 && failed > 30, `${succeeded} and ${failed} were sent`);
    assert.equal(count("task_outcomes_total", { ...even, outcome: "succeeded" }), succeeded);
    assert.equal(count("task_errors_total", { exception: "KeyError" }), failed);
    assert.equal(last.select("celery_load_task_errors_total", { exception: "KeyError" }).length, 1);
    assert.equal(count("task_latency_seconds_count", { ...even, outcome: "succeeded" }), succeeded);
    const poisson = count("tasks_planned_total", { scenario: "poisson" });
    const { published } = report.total;
    assert.equal(published, succeeded + failed + sent({ scenario: "poisson" }));
    assert.equal(count("task_outcomes_total", { outcome: "succeeded" }), published - failed);
    // Results that came to a thread that does not know the task.
    assert.equal(count("unmatched_results_total"), 0);
    assert.equal(count("duplicate_results_total"), 0);
    const threads = last.select("celery_load_event_loop_utilization");
    assert.deepEqual(
      threads.map(({ labels }) => labels.thread),
      ["engine-1", "engine-2", "engine-3"],
    );
    assert.equal(report.balanced, true);
    assert.equal(report.total.planned, 180 + poisson);
    assert.equal((await worker.recorded()).length, published);

    // The same plan by one thread: the same number of Poisson starts.
    const single = await runToEnd({
      configText: config(broker, kind === "redis" ? broker : "rpc://").replace("threads: 3", ""),
    });
    assert.equal(single.report.total.planned, report.total.planned);
  });
}

test("the segments of a plan are all of it, and --count is what all do together", async () => {
  await using redis = await startRedis();
  await using _worker = await startWorker({ broker: redis.url() });
  const planned: number[] = [];
  for (const segment of ["1/3", "2/3", "3/3"]) {
    const { report } = await runToEnd({
      args: [
        ...["--broker", redis.url(), "--task", "tests.add", "--args", "[1, 2]"],
        ...["--rate", "50/s", "--count", "100", "--segment", segment, "--set", "threads=2"],
      ],
    });
    planned.push(report.total.planned);
    assertAllSucceeded(report.total, report.total.planned);
  }
  assert.deepEqual(planned, [34, 33, 33]);
});
