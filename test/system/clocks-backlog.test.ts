// Runs beside one other: it compares times with what they should be.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { fakeTime } from "../support/fake-time.js";
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

/** Far longer than anything here takes. */
const LONG_MS = 60_000;
const AHEAD_SECONDS = 90;

for (const [kind, python, pool] of [
  ["redis", "current", "prefork"],
  ["redis", "debian", "threads"],
  ["amqp", "current", "threads"],
  ["amqp", "debian", "prefork"],
] as const) {
  test(`the clock of a worker that is busy with a backlog of others is known before it runs a task of ours, over ${kind}, Celery of ${python}, ${pool}`, async () => {
    const urls = {
      broker: kind === "redis" ? redis.url(python === "current" ? 1 : 2) : rabbitmq.url,
      backend: redis.url(15),
    };
    const queue = `backlog-${python}`;
    const clock = await fakeTime(AHEAD_SECONDS);
    await using worker = await startWorker({
      ...{ ...urls, python, pool, queues: [queue], concurrency: 1, extraArgs: ["-E"] },
      env: clock ?? {},
    });
    const startLoad = (task: string, profile: string, events: string) =>
      startDaemon({
        configText: `
connections: { main: { broker: "${urls.broker}", backend: "${urls.backend}", events: ${events} } }
tasks: { it: { ${task}, queue: ${queue}, expires: none } }
scenarios: { steady: { profile: ${profile}, gracefulStop: 0s } }
server: { linger: 0s }
`,
      });
    await using others = await startLoad(
      "name: tests.sleep, args: [60]",
      "{ steps: [20/s for 500ms] }",
      "off",
    );
    await others.exit;

    await using daemon = await startLoad("name: tests.add, args: [1, 2]", "1/s", "auto");
    const uncertainty = "celery_load_worker_clock_uncertainty_seconds";
    const page = await daemon.waitFor(
      (metrics) => {
        const found = metrics.select(uncertainty);
        return found.length === 1 && found[0]!.value < 0.05;
      },
      LONG_MS,
      "the clock of the worker",
    );
    const offset = page.value("celery_load_worker_clock_offset_seconds");
    const report = `${kind} ${python} ${pool}: ${offset} ± ${page.value(uncertainty)} after ${page.value("celery_load_tasks_published_total")} starts`;
    console.log(report);
    const ahead = clock === null ? 0 : AHEAD_SECONDS;
    assert.ok(Math.abs(offset - ahead) <= page.value(uncertainty) + 0.002, report);
    assert.deepEqual(
      new Set((await worker.recorded()).map(({ name }) => name)),
      new Set(["tests.sleep"]),
    );
    assert.doesNotMatch(worker.log(), /ERROR/);
  });
}
