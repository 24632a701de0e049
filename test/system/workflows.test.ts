import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis } from "ioredis";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { startWorker, type TestWorker } from "../support/worker.js";

const EACH = 20;
const CHORDS = ["chord", "longer", "unlucky"];

// Celery before 5.2.7 cannot send on what has an expiry (it compares the header's text with 0).
const CONFIG = (broker: string, backend: string, hasChords: boolean) => `
connections: { main: { broker: "${broker}", backend: "${backend}" } }
tasks:
  add:      { name: tests.add, args: [1, 2], expires: none }
  more:     { name: tests.add, args: ["{{ int(1, 9) }}"], queue: second, expires: none }
  alone:    { name: tests.add, args: [5, 6], expires: none }
  sum:      { name: tests.total, expires: none }
  bad:      { name: tests.fail, args: [KeyError], expires: none }
  note:     { name: tests.sleep, args: [0.01], expires: none }
  chain:    { chain: [add, more, { task: alone, immutable: true }], timeout: 30s }
  fork:     { chain: [add, { group: [more, more] }], timeout: 30s }
  group:    { group: [add, add, alone], timeout: 30s }
  broken:   { chain: [add, { task: bad, immutable: true }, more], timeout: 30s }
  partly:   { group: [add, bad], timeout: 30s }
  linked:   { name: tests.add, args: [7, 8], expires: none, link: [more, { task: note, immutable: true }] }
  guarded:  { name: tests.fail, args: [ValueError], expires: none, linkError: [{ task: note, immutable: true }] }
${
  hasChords
    ? `  chord:    { chord: { header: [add, add, add], body: sum }, timeout: 30s }
  longer:   { chain: [{ group: [add, add] }, sum, more], timeout: 30s }
  unlucky:  { chord: { header: [add, bad], body: sum }, timeout: 30s }`
    : ""
}
scenarios:
  all:
    profile: 40/s
    mix: [chain, fork, group, broken, partly, linked, guarded${hasChords ? ", chord, longer, unlucky" : ""}]
    gracefulStop: 30s
server: { linger: 2s }
`;

/** What becomes of each workflow, and of its members by the name of their task. */
const EXPECTED: Readonly<
  Record<string, { outcome: string; exception?: string; members: Record<string, number> }>
> = {
  chain: { outcome: "succeeded", members: { "tests.add succeeded": 3 } },
  fork: { outcome: "succeeded", members: { "tests.add succeeded": 3 } },
  group: { outcome: "succeeded", members: { "tests.add succeeded": 3 } },
  broken: {
    outcome: "failed",
    exception: "KeyError",
    members: { "tests.add succeeded": 1, "tests.fail failed": 1, "tests.add not_run": 1 },
  },
  partly: {
    outcome: "failed",
    exception: "KeyError",
    members: { "tests.add succeeded": 1, "tests.fail failed": 1 },
  },
  linked: {
    outcome: "succeeded",
    members: { "tests.add succeeded": 2, "tests.sleep succeeded": 1 },
  },
  chord: {
    outcome: "succeeded",
    members: { "tests.add succeeded": 3, "tests.total succeeded": 1 },
  },
  longer: {
    outcome: "succeeded",
    members: { "tests.add succeeded": 3, "tests.total succeeded": 1 },
  },
  unlucky: {
    outcome: "failed",
    exception: "KeyError",
    members: { "tests.add succeeded": 1, "tests.fail failed": 1, "tests.total failed": 1 },
  },
};

for (const python of ["current", "debian"] as const) {
  test(`workflows on Redis end as they should, Celery ${python}`, async () => {
    await using redis = await startRedis();
    await using worker = await startWorker({
      broker: redis.url(),
      python,
      queues: ["celery", "second"],
      concurrency: 8,
    });
    const guarded = await run(worker, redis.url(), redis.url(), true);
    const client = new Redis(redis.url());
    const keys = await client.keys("*");
    // Celery 5.7 keeps for minutes which worker sent a body, lest another sends it again.
    const claims = keys.filter((key) => /^celery-taskset-meta-.*\.c$/.test(key));
    for (const key of claims) assert.ok((await client.ttl(key)) > 0, `${key} never expires`);
    client.disconnect();
    const left = keys.filter((key) => !/^(_kombu|unacked|celery-task-meta-)/.test(key));
    assert.deepEqual(
      left.filter((key) => !claims.includes(key)),
      [],
      "nothing is left of chords",
    );
    // Results of callbacks on failure have ids of the worker's, and expire by themselves.
    const results = keys.filter((key) => key.startsWith("celery-task-meta-"));
    assert.equal(results.length, guarded, "the results of workflows are removed");
  });

  test(`workflows on RabbitMQ with rpc:// end as they should, Celery ${python}`, async () => {
    await using rabbitmq = await startRabbitmq();
    await using worker = await startWorker({
      broker: rabbitmq.url,
      backend: "rpc://",
      python,
      queues: ["celery", "second"],
      concurrency: 8,
    });
    await run(worker, rabbitmq.url, "rpc://", false);
  });
}

test("chords with RabbitMQ as broker and results on Redis", async () => {
  await using rabbitmq = await startRabbitmq();
  await using redis = await startRedis();
  await using worker = await startWorker({
    broker: rabbitmq.url,
    backend: redis.url(),
    queues: ["celery", "second"],
    concurrency: 8,
  });
  await run(worker, rabbitmq.url, redis.url(), true);
});

/** Returns how many callbacks on failure ran. */
async function run(
  worker: TestWorker,
  broker: string,
  backend: string,
  hasChords: boolean,
): Promise<number> {
  const kinds = 7 + (hasChords ? 3 : 0);
  await using daemon = await startDaemon({
    configText: CONFIG(broker, backend, hasChords),
    args: ["--count", String(EACH * kinds), "--json"],
  });
  const metrics = await daemon.waitFor(
    (page) => {
      assertBalanced(page);
      return (
        page.sum("celery_load_tasks_planned_total") === EACH * kinds &&
        page.sum("celery_load_tasks_in_flight") + page.sum("celery_load_tasks_publishing") === 0
      );
    },
    60_000,
    "all workflows to end",
  );
  const ledger = JSON.stringify(metrics.ledger());
  // A start that a busy machine was too late for is dropped as a whole.
  const started = (task: string) => metrics.sum("celery_load_tasks_published_total", { task });
  for (const task of Object.keys(EXPECTED)) {
    if (!hasChords && CHORDS.includes(task)) continue;
    const dropped = metrics.sum("celery_load_tasks_dropped_total", { task });
    assert.equal(started(task) + dropped, EACH, ledger);
    assert.ok(started(task) > EACH / 2, ledger);
  }
  for (const [workflow, { outcome, exception, members }] of Object.entries(EXPECTED)) {
    if (!hasChords && CHORDS.includes(workflow)) continue;
    const each = started(workflow);
    const ended = metrics.value("celery_load_task_outcomes_total", { task: workflow, outcome });
    assert.equal(ended, each, `${workflow} ${outcome}: ${ledger}`);
    if (exception !== undefined) {
      const labels = { task: workflow, exception };
      assert.equal(metrics.value("celery_load_task_errors_total", labels), each, workflow);
    }
    for (const [key, count] of Object.entries(members)) {
      const [task = "", of = ""] = key.split(" ");
      assert.equal(
        metrics.value("celery_load_workflow_member_outcomes_total", {
          workflow,
          task,
          outcome: of,
        }),
        count * each,
        `${workflow}: ${key}`,
      );
    }
    if (outcome === "succeeded") {
      const labels = { task: workflow, outcome };
      assert.equal(metrics.value("celery_load_task_latency_seconds_count", labels), each, workflow);
    }
  }
  assert.equal(metrics.sum("celery_load_workflow_members_in_flight"), 0);
  for (const name of ["late_results", "duplicate_results", "unmatched_results"]) {
    assert.equal(metrics.sum(`celery_load_${name}_total`), 0, name);
  }
  // A task that has no callback on success is a task like any other.
  const guarded = { task: "tests.fail", outcome: "failed" };
  const failed = metrics.value("celery_load_task_outcomes_total", guarded);
  assert.equal(failed, started("tests.fail"));
  assert.deepEqual(await daemon.exit, { code: 0, signal: null });

  const runs = await worker.recorded();
  const count = (name: string) => runs.filter((each) => each.name === name).length;
  const sum = (parts: Readonly<Record<string, number>>) =>
    Object.entries(parts).reduce((all, [task, times]) => all + times * started(task), 0);
  const always = { chain: 3, fork: 3, group: 3, broken: 1, partly: 1, linked: 2 };
  assert.equal(count("tests.add"), sum({ ...always, chord: 3, longer: 3, unlucky: 1 }));
  assert.equal(count("tests.fail"), sum({ broken: 1, partly: 1, "tests.fail": 1, unlucky: 1 }));
  assert.equal(count("tests.sleep"), sum({ linked: 1, "tests.fail": 1 }), "both kinds of callback");
  assert.equal(count("tests.total"), sum({ chord: 1, longer: 1 }));
  return started("tests.fail");
}
