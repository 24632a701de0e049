/*
 * Names of tasks, queues, exchanges and routing keys are whatever Celery and the broker take: what a worker runs
 * under such a name is started, measured and shown under it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { stringify } from "yaml";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

/** Queues with what they are bound by: kombu.Queue's arguments. */
const QUEUES = [
  { name: "ware house" },
  { name: `o'clock "now" (v2)` },
  { name: "naïve.задачи" },
  { name: "a=b&c,d?e#f%20{x}[*]" },
  { name: "back\\slash", exchange: ["orders & more", "direct"], routing_key: "key: (1) `x`" },
] as const;

for (const broker of ["redis", "amqp"] as const) {
  for (const app of ["shop.<locals>.it's (new)", `"quoted" \\ задача 100%`]) {
    test(`tasks of the application ${app} run on queues with odd names, on ${broker}`, async () => {
      await using redis = await startRedis();
      await using rabbitmq = broker === "amqp" ? await startRabbitmq() : null;
      const url = rabbitmq?.url ?? redis.url();
      const name = `${app}.add`;
      await using worker = await startWorker({
        broker: url,
        backend: redis.url(1),
        env: {
          APP_NAME: app,
          TASK_QUEUES: JSON.stringify(
            QUEUES.map((queue) => ({
              exchange: ["", "direct"],
              routing_key: queue.name,
              ...queue,
            })),
          ),
        },
        extraArgs: ["-E"],
      });
      const tasks = QUEUES.map((queue) => ({
        name,
        args: [1, 2],
        queue: queue.name,
        timeout: "10s",
        ...("exchange" in queue
          ? { exchange: queue.exchange[0], routingKey: queue.routing_key }
          : {}),
      }));
      await using daemon = await startDaemon({
        configText: stringify({
          connections: { main: { broker: url, backend: redis.url(1) } },
          tasks: Object.fromEntries(tasks.map((task, index) => [`task-${index}`, task])),
          scenarios: { steady: { profile: "50/s", mix: tasks.map((_, index) => `task-${index}`) } },
          server: { linger: "0s" },
        }),
        args: ["--for", "3s", "--json"],
      });
      const page = await daemon.waitFor(
        (page) =>
          QUEUES.every((queue) => lengthsOf(page).has(queue.name)) &&
          page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > 20,
      );
      assertBalanced(page);
      assert.ok(page.sum("celery_load_tasks_planned_total", { task: name }) > 20);
      assert.deepEqual(await daemon.exit, { code: 0, signal: null }, daemon.stderr());
      const { tasks: reported, total } = JSON.parse(daemon.stdout());
      assert.deepEqual(Object.keys(reported), [name]);
      assert.ok(total.published > 100, daemon.stderr());
      assert.equal(total.outcomes.succeeded, total.published, daemon.stderr());
      const runs = await worker.recorded();
      assert.equal(runs.filter((run) => run.name === name).length, total.published);
    });
  }
}

/** The names of the queues whose lengths are known. */
function lengthsOf({ samples }: Metrics): Set<string | undefined> {
  const lengths = samples.filter(({ name }) => name === "celery_load_queue_length");
  return new Set(lengths.map(({ labels }) => labels.queue));
}
