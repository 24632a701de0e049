import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { fakeFleetOnRabbitmq, fakeFleetOnRedis } from "../support/fake-fleet.js";
import type { Metrics } from "../support/metrics.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";

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
const COUNT = 100;
/** Two heartbeats and two seconds: before that, silence says nothing. */
const KNOWN_DEAD_MS = 6_000;
/** Connections have series for so many workers at most. */
const MAX_WORKERS = 200;

/** Names as an orchestrator gives them: another one after every restart. */
const namesOf = (generation: number) =>
  Array.from({ length: COUNT }, (_, index) => `celery@shop-${generation}-${index}`);
const up = (page: Metrics) => page.sum("celery_load_worker_up");
const series = (page: Metrics) => page.samples.filter(({ labels }) => "worker" in labels).length;

for (const kind of ["redis", "amqp"] as const) {
  test(`a hundred workers over ${kind} that are killed, come back, and come back under other names`, async () => {
    await using fleet =
      kind === "redis" ? fakeFleetOnRedis(redis) : await fakeFleetOnRabbitmq(rabbitmq);
    const broker = kind === "redis" ? redis.url() : rabbitmq.url;
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${broker}", backend: "${redis.url(15)}" } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: 0/s } }
`,
    });
    await daemon.waitFor(
      (page) => page.value("celery_load_connection_up", { role: "events" }) === 1,
      LONG_MS,
      "events to be listened to",
    );
    const first = namesOf(0);
    await fleet.start(first);
    const page = await daemon.waitFor(
      (metrics) =>
        up(metrics) === COUNT &&
        metrics.sum("celery_load_worker_pool_size") === 4 * COUNT &&
        metrics.sum("celery_load_worker_active_tasks") === COUNT,
      LONG_MS,
      "all of them, with their pools",
    );
    assert.equal(page.select("celery_load_worker_up").length, COUNT);
    if (kind === "redis") {
      // Everybody who heard the question has answered, so that the number is known.
      await daemon.waitFor(
        (metrics) => metrics.sum("celery_load_queue_consumers") === COUNT,
        LONG_MS,
        "all of them to consume the queue",
      );
    }

    const killed = first.slice(0, COUNT / 2);
    const lastHeardMs = await fleet.kill(killed);
    await daemon.waitFor((metrics) => up(metrics) === COUNT / 2, LONG_MS, "half of them");
    const silentMs = performance.now() - lastHeardMs;
    // The first of them may have been heard one heartbeat before the last.
    assert.ok(silentMs > KNOWN_DEAD_MS - 100, `${silentMs}`);
    const dead = (await daemon.metrics())
      .select("celery_load_worker_up")
      .filter(({ value }) => value === 0)
      .map(({ labels }) => labels.worker);
    assert.deepEqual(dead.sort(), [...killed].sort());

    const restartMs = performance.now();
    await fleet.start(killed);
    await daemon.waitFor((metrics) => up(metrics) === COUNT, LONG_MS, "all of them again");
    const backMs = performance.now() - restartMs;

    // Two deployments later three hundred names have been seen.
    for (const generation of [1, 2]) {
      await fleet.kill(namesOf(generation - 1));
      await fleet.start(namesOf(generation));
      const now = await daemon.waitFor(
        (metrics) => up(metrics) === COUNT,
        LONG_MS,
        `generation ${generation} alone`,
      );
      const workers = now.select("celery_load_worker_up");
      assert.ok(workers.length <= MAX_WORKERS, `${workers.length}`);
    }
    const last = await daemon.metrics();
    const alive = last.select("celery_load_worker_up").filter(({ value }) => value === 1);
    assert.deepEqual(alive.map(({ labels }) => labels.worker).sort(), namesOf(2).sort());
    assert.equal(last.value("celery_load_malformed_messages_total", { source: "reply" }), 0);
    console.log(
      `${kind}: silent workers known as down after ${Math.round(silentMs)} ms, back after ` +
        `${Math.round(backMs)} ms, ${series(last)} series of workers after 300 names`,
    );
  });
}
