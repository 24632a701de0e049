import assert from "node:assert/strict";
import { test } from "node:test";
import { SIDES } from "../../src/diagnosis/bottleneck.js";
import type { Status } from "../../src/reports/status.js";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";

test("the status says what the metrics say, of a run with a task that fails and one that is slow", async () => {
  await using redis = await startRedis();
  await using _worker = await startWorker({ broker: redis.url(), concurrency: 4 });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "${redis.url()}", backend: "${redis.url()}", events: on } }
tasks:
  slow: { name: tests.sleep, args: [0.3] }
  failing: { name: tests.fail, args: [KeyError] }
scenarios:
  first: { profile: { steps: [3/s for 25s, 0/s for 10m] }, mix: slow, gracefulStop: 0s }
  second: { profile: 2/s, mix: failing, gracefulStop: 0s }
slos:
  - { name: fine, scenario: second, objective: 99% }
`,
  });
  const read = async () => {
    const response = await fetch(`${daemon.url}/api/v1/status`);
    assert.equal(response.status, 200);
    return (await response.json()) as Status;
  };
  let status = await read();
  assert.ok(status.balanced);
  assert.deepEqual(status.drift, []);
  await waitUntil(
    async () => {
      status = await read();
      assert.ok(status.balanced);
      return status.tasks["tests.sleep"]?.verdict.side === "code";
    },
    60_000,
    "the verdict that the task is slow",
  );
  assert.equal(status.ready, true, JSON.stringify(status.problems));
  const { first, second } = status.scenarios;
  assert.equal(first!.state, "running");
  const { remainingSeconds, ...stage } = first!.stage!;
  assert.deepEqual(stage, { number: 1, name: "3/s for 25s", kind: "hold" });
  assert.ok(remainingSeconds! > 0 && remainingSeconds! < 25, `${remainingSeconds}`);
  assert.deepEqual([first!.targetRate, second!.targetRate], [3, 2]);
  assert.ok(Math.abs(first!.achievedRate! - 3) < 0.5, `${first!.achievedRate}`);
  assert.equal(second!.stage!.remainingSeconds, null, "it has no end");

  const { evidence } = status.tasks["tests.sleep"]!.verdict;
  assert.ok(evidence!.runMs! >= 300 && evidence!.places === 4, JSON.stringify(evidence));
  assert.ok(SIDES.includes(status.tasks["tests.fail"]!.verdict.side));
  assert.ok(status.tasks["tests.sleep"]!.latencySeconds.p50! >= 0.3);
  assert.equal(status.slos.fine!.verdict, "missed");
  const { broker, backend, events, queues, workers, backendMemoryBytes } = status.connections.main!;
  assert.deepEqual(broker, { isUp: true, isBlocked: false, reconnects: 0 });
  assert.deepEqual(backend, { isUp: true, reconnects: 0 });
  assert.deepEqual(events, { isUp: true, reconnects: 0 });
  const [{ started, ...queue }, ...otherQueues] = queues as [(typeof queues)[0]];
  const seen = { name: "celery", ready: 0, consumers: 1, unacked: null };
  assert.deepEqual(queue, { ...seen, falls: 0, lastFall: null });
  assert.deepEqual(otherQueues, []);
  assert.ok(started!.ours > 10 && started!.others === 0, JSON.stringify(started));
  assert.deepEqual(
    workers.map(({ up, poolSize, queues: consumed }) => ({ up, poolSize, consumed })),
    [{ up: 1, poolSize: 4, consumed: ["celery"] }],
  );
  assert.ok(backendMemoryBytes! > 100_000, `${backendMemoryBytes}`);

  // Between two scrapes, so each count lies between those.
  const before = await daemon.metrics();
  status = await read();
  const after = await daemon.metrics();
  for (const [task, { planned, published, outcomes, errors }] of Object.entries(status.tasks)) {
    const counts: [string, number, Record<string, string>][] = [
      ["celery_load_tasks_planned_total", planned, {}],
      ["celery_load_tasks_published_total", published, {}],
      ["celery_load_task_outcomes_total", outcomes.succeeded!, { outcome: "succeeded" }],
      ["celery_load_task_outcomes_total", outcomes.failed!, { outcome: "failed" }],
      ["celery_load_task_errors_total", errors.KeyError ?? 0, { exception: "KeyError" }],
    ];
    for (const [name, count, labels] of counts) {
      const [least, most] = [before, after].map((page) => page.sum(name, { task, ...labels }));
      assert.ok(least! <= count && count <= most!, `${task} ${name}: ${least} ${count} ${most}`);
    }
  }
  assert.ok(status.tasks["tests.fail"]!.errors.KeyError! > 10);
});
