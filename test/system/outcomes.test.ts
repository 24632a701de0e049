// Also on today's brokers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

const CONFIG = (broker: string) => `
connections: { main: { broker: ${broker} } }
tasks:
  good:         { name: tests.add, args: [1, "{{ int(1, 9) }}"], kwargs: {} }
  failing:      { name: tests.fail, args: [KeyError], kwargs: {} }
  own:          { name: tests.fail, args: [PaymentDeclined], kwargs: {}, queue: second }
  # Celery before 5.2.7 cannot retry a task that has an expiry (it compares the header's text with 0).
  retrying:     { name: tests.retry, args: [2], kwargs: {}, expires: none }
  # Without an expiry, by which a busy worker would revoke some.
  never:        { name: tests.never, args: [], kwargs: {}, timeout: 3s, expires: none }
  unregistered: { name: tests.no_such_task, args: [], kwargs: {} }
  wrong:        { name: tests.add, args: [1], kwargs: {}, priority: 6 }
  right:        { name: tests.total, args: [[1, 2]], kwargs: {}, expect: { result: 3 } }
  misjudged:    { name: tests.total, args: [[1, 2]], kwargs: {}, expect: { result: [3] } }
  expired:      { name: tests.sleep, args: [0], kwargs: {}, queue: later, expires: 1s, timeout: 20s }
scenarios:
  mixed:
    # All at once: at a rate, a busy machine would be late for some and drop them.
    profile: max
    maxInFlight: 200
    mix: [good, failing, own, retrying, never, unregistered, wrong, right, misjudged, expired]
    gracefulStop: 25s
server: { linger: 2s }
`;

for (const python of ["current", "debian"] as const) {
  test(`each kind of task ends in its outcome, with its exception's class, Celery ${python}`, async () => {
    await using redis = await startRedis();
    await using _worker = await startWorker({
      broker: redis.url(),
      python,
      queues: ["celery", "second"],
    });
    await using daemon = await startDaemon({
      configText: CONFIG(redis.url()),
      args: ["--count", "200", "--json"],
    });
    await daemon.waitFor(
      (metrics) => metrics.value("celery_load_scenario_state", { state: "draining" }) === 1,
      30_000,
      "the scenario to drain",
    );
    // Nobody listened to queue `later`; by now the messages in it are older than their `expires`.
    await using _late = await startWorker({ broker: redis.url(), python, queues: ["later"] });
    const metrics = await daemon.waitFor(
      (page) => {
        assertBalanced(page);
        return page.sum("celery_load_tasks_in_flight") === 0;
      },
      30_000,
      "all tasks to end",
    );
    assert.deepEqual(await daemon.exit, { code: 0, signal: null });

    const outcome = (task: string, name: string) =>
      metrics.value("celery_load_task_outcomes_total", { task: `tests.${task}`, outcome: name });
    const errors = (task: string, exception: string) =>
      metrics.sum("celery_load_task_errors_total", { task: `tests.${task}`, exception });
    const each = 200 / 10;
    // Two tasks share the name tests.add, and two share tests.fail: one series each.
    assert.deepEqual([outcome("add", "succeeded"), outcome("add", "failed")], [each, each]);
    assert.equal(errors("add", "TypeError"), each);
    assert.equal(outcome("fail", "failed"), 2 * each, JSON.stringify(metrics.ledger()));
    assert.deepEqual([errors("fail", "KeyError"), errors("fail", "PaymentDeclined")], [each, each]);
    assert.deepEqual([outcome("total", "succeeded"), outcome("total", "failed")], [each, each]);
    assert.equal(errors("total", "check"), each);
    assert.equal(outcome("retry", "succeeded"), each);
    // A worker sends the next attempt before it stores RETRY, and does not store it over a SUCCESS that
    // another thread was faster with: a few reports may be missing.
    const retries = metrics.value("celery_load_task_retries_total", { task: "tests.retry" });
    assert.ok(retries > 1.5 * each && retries <= 2 * each, `${retries} retries`);
    assert.equal(outcome("never", "timed_out"), each, JSON.stringify(metrics.ledger()));
    assert.equal(outcome("no_such_task", "failed"), each, JSON.stringify(metrics.ledger()));
    assert.equal(errors("no_such_task", "NotRegistered"), each);
    assert.equal(outcome("sleep", "revoked"), each);
    assert.equal(errors("sleep", "TaskRevokedError"), each);
    assert.equal(metrics.sum("celery_load_malformed_messages_total"), 0);
    const priority = metrics.select("celery_load_tasks_published_total", { queue: "second" });
    assert.equal(priority[0]?.value, each);
  });
}

test("tasks that are revoked before they run end as revoked", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url(), concurrency: 1 });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: ${redis.url()} } }
tasks: { slow: { name: tests.sleep, args: [0.2], kwargs: {} } }
scenarios: { burst: { profile: 20/s, duration: 1s, gracefulStop: 30s } }
server: { linger: 2s }
`,
    args: ["--for", "1s", "--json"],
  });
  await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") === 20);
  // What `app.control.revoke(ids)` broadcasts, for all that wait in the queue or in the worker.
  const cli = redis.cli();
  const queued = (await cli.lrange("celery", 0, -1)).map((text) => JSON.parse(text).headers.id);
  assert.ok(queued.length > 0, "the queue is empty already");
  const body = { method: "revoke", arguments: { task_id: queued }, destination: null };
  const envelope = {
    body: Buffer.from(JSON.stringify(body)).toString("base64"),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    headers: { clock: 1, expires: 0 },
    properties: {
      delivery_mode: 2,
      delivery_info: { exchange: "celery.pidbox", routing_key: "" },
      priority: 0,
      body_encoding: "base64",
      delivery_tag: "00000000-0000-4000-8000-000000000001",
    },
  };
  await cli.publish("/0.celery.pidbox", JSON.stringify(envelope));
  const metrics = await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") === 0);
  assertBalanced(metrics);
  const outcome = (name: string) =>
    metrics.value("celery_load_task_outcomes_total", { outcome: name });
  assert.equal(outcome("revoked"), queued.length, worker.log());
  assert.equal(outcome("succeeded"), 20 - queued.length);
  assert.equal(
    metrics.value("celery_load_task_errors_total", { exception: "TaskRevokedError" }),
    queued.length,
  );
});
