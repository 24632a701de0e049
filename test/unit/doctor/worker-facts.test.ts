import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { readRedisControlReply } from "../../../src/celery/events/control-message.js";
import { readWorker, type WorkerAnswers } from "../../../src/doctor/worker-facts.js";

const FIXTURE = new URL("../../../../test/unit/celery/control.fixture.json", import.meta.url);
const captured = JSON.parse(readFileSync(FIXTURE, "utf8"));
const PLAIN = {
  queue: null,
  rateLimit: null,
  ignoresResult: false,
  acknowledgesLate: false,
  timeLimitSeconds: null,
  softTimeLimitSeconds: null,
};
/** What Celery has where nothing is set. */
const BY_DEFAULT = {
  resultBackend: null,
  acceptContent: ["json"],
  routes: null,
  defaultQueue: "celery",
  timeLimitSeconds: null,
  softTimeLimitSeconds: null,
  disablesRateLimits: false,
  visibilityTimeoutSeconds: 3600,
  prioritySteps: [0, 3, 6, 9],
  sep: "\x06\x16",
  unknown: [],
};
const NOTHING: WorkerAnswers = {
  stats: undefined,
  active_queues: undefined,
  registered: undefined,
  conf: undefined,
};

/** The captured answer to a question. */
function answerTo(version: string, method: string): unknown {
  const { reply } = captured[version].redis.find(({ request }: { request: string }) => {
    const body = Buffer.from(JSON.parse(request).body, "base64").toString();
    return JSON.parse(body).method === method;
  });
  return readRedisControlReply(reply)?.answer;
}

for (const version of ["5.2.6", "5.7"]) {
  test(`queues and tasks are read from what a worker of Celery ${version} answered`, () => {
    const worker = readWorker("w1@wire", version, {
      ...NOTHING,
      active_queues: answerTo(version, "active_queues"),
      registered: answerTo(version, "registered"),
    });
    assert.deepEqual(worker.queues, [{ name: "celery", maxPriority: null, type: null }]);
    assert.deepEqual(worker.tasks[0], {
      ...PLAIN,
      name: "wire.add",
    });
    assert.equal(worker.version, version);
  });
}

test("pool, limits and settings are read, and passwords are not kept", () => {
  const worker = readWorker("celery@a", null, {
    stats: {
      pool: {
        implementation: "celery.concurrency.prefork:TaskPool",
        "max-concurrency": 8,
        timeouts: [50, 0],
      },
      prefetch_count: 32,
      broker: { transport_options: { visibility_timeout: 60, priority_steps: [0, 5], sep: ":" } },
    },
    active_queues: [
      { name: "a", max_priority: 5 },
      { name: "b", queue_arguments: { "x-max-priority": 9, "x-queue-type": "classic" } },
      { name: "d", queue_arguments: { "x-queue-type": ["quorum"] } },
      { name: "c", queue_arguments: null },
      { noName: true },
    ],
    registered: [
      "app.a [rate_limit=10/m ignore_result=True acks_late=True queue=of two words time_limit=90]",
      "app.b",
      "app.c [v2] [soft_time_limit=0.5]",
      ...["", 7],
    ],
    conf: { result_backend: "redis://:secret@host/1", accept_content: ["json", "pickle"] },
  });
  assert.deepEqual(worker, {
    node: "celery@a",
    version: null,
    pool: "prefork",
    concurrency: 8,
    prefetch: 32,
    timeLimits: { softSeconds: 50, hardSeconds: null },
    queues: [
      { name: "a", maxPriority: 5, type: null },
      { name: "b", maxPriority: 9, type: "classic" },
      { name: "d", maxPriority: null, type: null },
      { name: "c", maxPriority: null, type: null },
    ],
    tasks: [
      {
        name: "app.a",
        queue: "of two words",
        rateLimit: "10/m",
        ignoresResult: true,
        acknowledgesLate: true,
        timeLimitSeconds: 90,
        softTimeLimitSeconds: null,
      },
      { ...PLAIN, name: "app.b" },
      { ...PLAIN, name: "app.c [v2]", softTimeLimitSeconds: 0.5 },
    ],
    settings: {
      ...BY_DEFAULT,
      resultBackend: "redis://:***@host/1",
      acceptContent: ["json", "pickle"],
      resultSerializer: "json",
      resultCompression: "",
      resultAcceptContent: ["json", "pickle"],
      resultExtended: false,
      ignoresResults: false,
      visibilityTimeoutSeconds: 60,
      prioritySteps: [0, 5],
      sep: ":",
    },
  });
});

test("the pool of Celery 5.2, which does not say its name, is known by what it has", () => {
  const poolOf = (pool: unknown) => readWorker("w", null, { ...NOTHING, stats: { pool } }).pool;
  assert.equal(poolOf({ "max-concurrency": 1, writes: {} }), "prefork");
  assert.equal(poolOf({ "max-concurrency": 4, threads: 1 }), "threads");
  assert.equal(poolOf({ implementation: "celery.concurrency.thread:TaskPool" }), "threads");
  assert.equal(poolOf({ implementation: "celery.concurrency.solo:TaskPool" }), "solo");
  assert.equal(poolOf({ "max-concurrency": 1 }), null);
  assert.equal(poolOf(null), null);
});

test("readWorker() takes whatever a worker answers", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (first, second) => {
      // An object that cannot be made a text: rare at random.
      readWorker("w", null, {
        stats: { pool: { implementation: { toString: first } } },
        active_queues: [],
        registered: [{ toString: second }],
        conf: { accept_content: [{ toString: first }] },
      });
      readWorker("w", null, {
        stats: first,
        active_queues: second,
        registered: first,
        conf: second,
      });
      readWorker("w", null, {
        stats: { pool: first, broker: second },
        active_queues: [first],
        registered: [second],
        conf: { accept_content: first, result_backend: second },
      });
    }),
  );
});
