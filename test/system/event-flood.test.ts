// Runs alone: it compares times with what they should be.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds } from "../bench/process-tree.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { eventEnvelope, floodEvents, type PublishEvents } from "../support/event-flood.js";
import { assertBalanced, type Labels, type Metrics } from "../support/metrics.js";
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

const EVENTS_PER_SECOND = 10_000;
const RATE = 200;
const SECONDS = 5;

async function publisherOf(kind: "redis" | "amqp"): Promise<PublishEvents> {
  if (kind === "redis") {
    const client = redis.cli();
    return (key, body) => {
      void client.publish(`/0.celeryev/${key}`, eventEnvelope(key, body));
    };
  }
  const channel = await (await rabbitmq.client()).createChannel();
  // As the first worker declares it: only then is there something to listen to.
  await channel.assertExchange("celeryev", "topic", { durable: true });
  return (key, body) => {
    channel.publish("celeryev", key, Buffer.from(body), { contentType: "application/json" });
  };
}

const DISPATCH = { phase: "dispatch" };
const round = (value: number) => Math.round(value * 100) / 100;

/** What a while cost: starts, those dropped, the longest lag, CPU seconds a second. */
async function watch(daemon: TestDaemon, meanwhile: Promise<unknown>) {
  const before = await daemon.metrics();
  const [startMs, startCpu] = [performance.now(), cpuSeconds(daemon.pid)];
  await meanwhile;
  const seconds = (performance.now() - startMs) / 1_000;
  const cpu = (cpuSeconds(daemon.pid) - startCpu) / seconds;
  const page = await daemon.metrics();
  const grown = (name: string, labels: Labels = {}) =>
    page.sum(`celery_load_${name}`, labels) - before.sum(`celery_load_${name}`, labels);
  return {
    planned: grown("tasks_planned_total"),
    published: grown("tasks_published_total"),
    dropped: grown("tasks_dropped_total"),
    rate: round(grown("tasks_published_total") / seconds),
    lagMaxMs: round(page.value("celery_load_dispatch_lag_seconds") * 1_000),
    lagMeanMs: round(
      (1_000 * grown("task_phase_seconds_sum", DISPATCH)) /
        grown("task_phase_seconds_count", DISPATCH),
    ),
    cpu: round(cpu),
  };
}

const events = (page: Metrics) => page.value("celery_load_events_received_total");

for (const kind of ["redis", "amqp"] as const) {
  test(`${EVENTS_PER_SECOND} events a second of other people's tasks over ${kind} are read beside the pacing`, async () => {
    const publish = await publisherOf(kind);
    const broker = kind === "redis" ? redis.url() : rabbitmq.url;
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${broker}", backend: "${redis.url(15)}" } }
tasks: { add: { name: tests.add, args: [1, 2], queue: flooded, timeout: 2m } }
scenarios: { steady: { profile: ${RATE}/s, gracefulStop: 0s } }
`,
    });
    if (kind === "amqp")
      await (await (await rabbitmq.client()).createChannel()).assertQueue("flooded");
    await daemon.waitFor(
      (page) => page.value("celery_load_connection_up", { role: "events" }) === 1,
      60_000,
      "events to be listened to",
    );
    const calm = await watch(daemon, sleep(SECONDS * 1_000));
    const flood = floodEvents(publish, { eventsPerSecond: EVENTS_PER_SECOND, seconds: SECONDS });
    const flooded = await watch(daemon, flood);
    const sent = await flood;
    console.log(
      `${kind}: ${sent} events, calm ${JSON.stringify(calm)}, with them ${JSON.stringify(flooded)}`,
    );

    const page = await daemon.waitFor((metrics) => events(metrics) >= sent, 60_000, "all events");
    assert.equal(events(page), sent);
    assert.equal(page.value("celery_load_malformed_messages_total", { source: "event" }), 0);
    assert.equal(page.value("celery_load_reconnects_total", { role: "events" }), 0);
    assert.equal(page.select("celery_load_worker_up").length, 0, "task events make no workers");
    assertBalanced(page);
    // Nothing is dropped on a machine that has time; some are where it has none, flood or not.
    assert.ok(flooded.dropped <= calm.dropped + 0.05 * flooded.planned, JSON.stringify(flooded));
    assert.ok(flooded.published > 0.9 * RATE * SECONDS, JSON.stringify(flooded));
  });
}
