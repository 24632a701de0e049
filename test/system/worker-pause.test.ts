// Runs beside one other: it compares times with what they should be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

const RATE = 100;
const PAUSE_MS = 3_000;

test("a worker that stands still for 3 s shows in the latency of every task planned meanwhile", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url() });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: ${redis.url()} } }
tasks: { add: { name: tests.add, args: [1, 2], kwargs: {} } }
scenarios: { steady: { profile: ${RATE}/s } }
server: { linger: 0s }
buckets: [50ms, 500ms, 1s, 1.5s, 2s, 2.5s, 2.9s, 5s]
`,
  });
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > RATE);
  const published: number[] = [];
  const scrape = async () => {
    const page = await daemon.metrics();
    assertBalanced(page);
    published.push(page.sum("celery_load_tasks_published_total"));
  };
  worker.signal("SIGSTOP", { group: true });
  const stoppedMs = performance.now();
  await scrape();
  for (let second = 1; second <= PAUSE_MS / 1000; second++) {
    await sleep(Math.max(0, stoppedMs + second * 1000 - performance.now()));
    await scrape();
  }
  const pausedMs = performance.now() - stoppedMs;
  worker.signal("SIGCONT", { group: true });
  const page = await daemon.waitFor(
    (metrics) => metrics.sum("celery_load_tasks_in_flight") < 5,
    20_000,
    "the worker to catch up",
  );
  assertBalanced(page);

  for (let second = 1; second < published.length; second++) {
    const count = published[second]! - published[second - 1]!;
    assert.ok(Math.abs(count - RATE) <= RATE * 0.1, `published ${count} in second ${second}`);
  }
  // A task planned t before the end of the pause waits at least t: at least so many are above t.
  const above = (seconds: number) =>
    page.value("celery_load_task_latency_seconds_count", { outcome: "succeeded" }) -
    page.value("celery_load_task_latency_seconds_bucket", {
      outcome: "succeeded",
      le: String(seconds),
    });
  for (const seconds of [0.5, 1, 1.5, 2, 2.5]) {
    const wanted = (pausedMs / 1000 - seconds) * RATE;
    const seen = above(seconds);
    assert.ok(
      seen >= wanted - 3,
      `${seen} tasks above ${seconds} s, ${wanted} were planned so early`,
    );
  }
  assert.equal(page.sum("celery_load_tasks_dropped_total"), 0);
});

test("users hide the pause, and their compensated latencies show what an open loop saw", async () => {
  const USERS = 50;
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url(), concurrency: 100 });
  // A round of a user is 300 ms of waiting and some 25 ms of its task.
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: ${redis.url()} } }
tasks:
  asked: { name: tests.sleep, args: [0.02] }
  open: { name: tests.sleep, args: [0.02], shadow: open }
scenarios:
  users: { mix: asked, profile: { users: ${USERS}, spawnRate: 50/s, wait: [100ms, 500ms] } }
  open: { mix: open, profile: ${(USERS * 1000) / 325}/s }
server: { linger: 0s }
buckets: [100ms, 1s, 2s, 5s]
`,
  });
  await daemon.waitFor(
    (page) => page.sum("celery_load_task_outcomes_total", { scenario: "users" }) > 600,
  );
  assert.equal((await daemon.metrics()).value("celery_load_users"), USERS);
  const before = await daemon.metrics();
  worker.signal("SIGSTOP", { group: true });
  const stoppedMs = performance.now();
  await sleep(PAUSE_MS);
  const pausedMs = performance.now() - stoppedMs;
  const during = await daemon.metrics();
  worker.signal("SIGCONT", { group: true });
  const caughtUp = (page: Metrics) => page.sum("celery_load_tasks_in_flight") < 30;
  const after = await daemon.waitFor(caughtUp, 20_000, "the worker to catch up");
  assertBalanced(after);
  // While it stood still each of them had one task, which it waited for.
  const started = (page: Metrics, scenario: string) =>
    page.sum("celery_load_tasks_planned_total", { scenario });
  assert.ok(started(during, "users") - started(before, "users") <= USERS);
  assert.equal(during.sum("celery_load_tasks_in_flight", { scenario: "users" }), USERS);
  const above = (metric: string, labels: Readonly<Record<string, string>>, le: string) => {
    const grown = (name: string, more = {}) =>
      after.sum(`${metric}${name}`, { ...labels, ...more }) -
      before.sum(`${metric}${name}`, { ...labels, ...more });
    return grown("_count") - grown("_bucket", { le });
  };
  for (const [le, ms] of [
    ["0.1", 100],
    ["1", 1_000],
    ["2", 2_000],
  ] as const) {
    const open = above("celery_load_task_latency_seconds", { scenario: "open" }, le);
    const measured = above("celery_load_task_latency_seconds", { scenario: "users" }, le);
    const compensated = above("celery_load_task_latency_compensated_seconds", {}, le);
    const told = `above ${le} s: measured ${measured}, compensated ${compensated}, open ${open}`;
    // Of each user the one that waited, and while the worker catches up the one after it.
    assert.ok(measured <= 3 * USERS && measured < open / 3, told);
    // The open loop's own queue, which is worked off when the worker goes on, makes some more of its tasks slow.
    const planned = ((pausedMs - ms) * USERS) / 325;
    assert.ok(compensated >= planned * 0.9 && compensated <= open * 1.1, told);
    assert.ok(open >= planned * 0.95, told);
    console.log(told);
  }
});
