import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../src/errors.js";
import { startDaemon } from "../support/daemon.js";
import { startCeleryExporter, startFlower } from "../support/exporters.js";
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

/** What has become of a task: in celery-exporter's words, which are the events'. */
const STATES = ["sent", "received", "started", "succeeded", "failed"] as const;
type Counts = Record<(typeof STATES)[number], number>;

const countsOf = (read: (state: string) => number): Counts =>
  Object.fromEntries(STATES.map((state) => [state, read(state)])) as Counts;
const byFlower = (page: Metrics, task: string) =>
  countsOf((state) => page.sum("flower_events_total", { task, type: `task-${state}` }));
const byExporter = (page: Metrics, name: string) =>
  countsOf((state) => page.sum(`celery_task_${state}_total`, { name }));

for (const kind of ["redis", "amqp"] as const) {
  test(`Flower and celery-exporter count our tasks as we do, over ${kind}`, async (context) => {
    const broker = kind === "redis" ? redis.url(1) : rabbitmq.url;
    await using _worker = await startWorker({
      ...{ broker, backend: redis.url(15), pool: "prefork", extraArgs: ["-E"] },
    });
    await using flower = await startFlower(broker);
    await using exporter = await startCeleryExporter(broker).catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      context.diagnostic(`celery-exporter is left out: ${error.message}`);
      return null;
    });
    await flower.waitFor((page) => page.sum("flower_worker_online") === 1, "a heartbeat");
    await exporter?.waitFor((page) => page.sum("celery_worker_up") === 1, "a heartbeat");
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${broker}", backend: "${redis.url(15)}", sendTaskSentEvents: true } }
tasks:
  good: { name: tests.add, args: [1, 2] }
  bad:  { name: tests.fail, args: [KeyError] }
scenarios: { steady: { profile: 20/s, mix: { good: 3, bad: 1 }, duration: 5s, gracefulStop: 20s } }
server: { linger: 30s }
`,
    });
    const page = await daemon.waitFor(
      (metrics) => metrics.value("celery_load_scenario_state", { state: "stopped" }) === 1,
      60_000,
      "the scenario to stop",
    );
    assertBalanced(page);
    assert.doesNotMatch(daemon.stderr(), /task-sent events are not sent/);
    const ours = (task: string): Counts => {
      const published = page.sum("celery_load_tasks_published_total", { task });
      const outcome = (name: string) =>
        page.sum("celery_load_task_outcomes_total", { task, outcome: name });
      const [succeeded, failed] = [outcome("succeeded"), outcome("failed")];
      return { sent: published, received: published, started: published, succeeded, failed };
    };
    const [add, fail] = [ours("tests.add"), ours("tests.fail")];
    assert.ok(add.succeeded > 50 && add.succeeded === add.sent, JSON.stringify(add));
    assert.ok(fail.failed > 15 && fail.failed === fail.sent, JSON.stringify(fail));

    // The last events may still be on their way.
    const total = (counts: Counts) => STATES.reduce((sum, state) => sum + counts[state], 0);
    const expected = total(add) + total(fail);
    const isAll = (read: (task: string) => Counts) =>
      total(read("tests.add")) + total(read("tests.fail")) >= expected;
    const theirs = await flower.waitFor(
      (metrics) => isAll((task) => byFlower(metrics, task)),
      "all events",
    );
    console.log(`${kind}: tests.add ${JSON.stringify(add)}, tests.fail ${JSON.stringify(fail)}`);
    assert.deepEqual(byFlower(theirs, "tests.add"), add);
    assert.deepEqual(byFlower(theirs, "tests.fail"), fail);
    if (exporter === null) return;
    const others = await exporter.waitFor(
      (metrics) => isAll((name) => byExporter(metrics, name)),
      "all events",
    );
    assert.deepEqual(byExporter(others, "tests.add"), add);
    assert.deepEqual(byExporter(others, "tests.fail"), fail);
    const byException = { name: "tests.fail", exception: "KeyError" };
    assert.equal(others.sum("celery_task_failed_total", byException), fail.failed);
    const sent = { name: "tests.add", queue_name: "celery" };
    assert.equal(others.sum("celery_task_sent_total", sent), add.sent);
  });
}

/** Far longer than anything here takes. */
const LONG_MS = 60_000;

for (const kind of ["redis", "amqp"] as const) {
  test(`heartbeats that we ask for leave what Flower and celery-exporter say of a busy worker, over ${kind}`, async (context) => {
    const urls = {
      broker: kind === "redis" ? redis.url(2) : rabbitmq.url,
      backend: redis.url(15),
    };
    const queue = "busy";
    await using _worker = await startWorker({ ...urls, pool: "prefork", queues: [queue] });
    const startLoad = (profile: string, events: string) =>
      startDaemon({
        configText: `
connections: { main: { broker: "${urls.broker}", backend: "${urls.backend}", events: ${events} } }
tasks: { slow: { name: tests.sleep, args: [120], queue: ${queue}, expires: none } }
scenarios: { steady: { profile: ${profile}, gracefulStop: 0s } }
server: { linger: 0s }
`,
      });
    await using others = await startLoad("{ steps: [10/s for 200ms] }", "off");
    await others.exit;
    const flowerActive = "flower_worker_number_of_currently_executing_tasks";
    const exporterActive = "celery_worker_tasks_active";
    await using flower = await startFlower(urls.broker);
    await using exporter = await startCeleryExporter(urls.broker).catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      context.diagnostic(`celery-exporter is left out: ${error.message}`);
      return null;
    });
    await flower.waitFor((page) => page.sum(flowerActive) === 2, "two tasks that run");
    await exporter?.waitFor((page) => page.sum(exporterActive) === 2, "two tasks that run");

    await using daemon = await startLoad("0/s", "auto");
    const said = new Set<number>();
    const deadlineMs = performance.now() + LONG_MS;
    for (;;) {
      said.add((await flower.waitFor(() => true, "a page")).sum(flowerActive));
      if (exporter !== null) {
        said.add((await exporter.waitFor(() => true, "a page")).sum(exporterActive));
      }
      // Only heartbeats that were asked for tell as much.
      const [clock] = (await daemon.metrics()).select(
        "celery_load_worker_clock_uncertainty_seconds",
      );
      if (clock !== undefined && clock.value < 0.05) break;
      assert.ok(performance.now() < deadlineMs, `the clock is ± ${clock?.value} s`);
      await sleep(50);
    }
    assert.deepEqual([...said], [2]);
  });
}
