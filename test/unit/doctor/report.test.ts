import assert from "node:assert/strict";
import { test } from "node:test";
import { finding } from "../../../src/doctor/advice.js";
import { findingsText, isWell, reportJson } from "../../../src/doctor/report.js";
import {
  RABBITMQ,
  REDIS,
  SENT,
  START,
  WELL,
  WORKER,
  WORKERS,
  withProbe,
  withResult,
  withWorker,
} from "./facts.js";

test("a deployment where nothing is wrong is shown whole", () => {
  assert.equal(
    findingsText([WELL], []),
    `connection main
  broker   redis://broker:6379/0: Redis 7.0.15, without TLS
  backend  redis://broker:6379/0: Redis 7.0.15, without TLS
  workers  1 answered; task events on
    celery@a: Celery 5.7.0, prefork pool, concurrency 4, prefetch 16
      queues: celery
      tasks: app.add
  queues
    celery: 0 waiting, consumed by celery@a
  tasks
    add (app.add, queue celery): registered on celery@a
      succeeded
      dispatch 1 ms, publish 2 ms, queue 4 ms, run 4 ms, delivery 2 ms, latency 11 ms

Nothing is wrong.`,
  );
});

test("what is not known, not there or not sent is said as such", () => {
  const fault = { cause: "away", isConfiguration: false };
  const facts = {
    ...WELL,
    broker: { ...RABBITMQ, about: null, isTls: true },
    backend: { ...REDIS, fault },
    workers: {
      ...WORKERS,
      answered: [{ ...WORKER, version: null, pool: null, concurrency: null, prefetch: 0 }],
      silent: ["celery@b"],
    },
    queues: [
      { name: "celery", depth: null, isMissing: false, type: null },
      { name: "x", depth: null, isMissing: true, type: null },
    ],
    starts: [{ ...START, probe: { sent: false as const, why: "as asked" } }],
  };
  const text = findingsText([facts], []);
  for (const part of [
    "5672//: version unknown, with TLS",
    "6379/0: NOT USABLE",
    "1 answered; silent: celery@b",
    "Celery of unknown version, unknown pool, prefetch unlimited",
    "celery: length unknown",
    "x: does not exist",
    "not sent: as asked",
  ]) {
    assert.ok(text.includes(part), `${part}\n${text}`);
  }
  assert.match(
    findingsText([{ ...facts, broker: { ...REDIS, fault } }], []),
    /workers {2}not asked/,
  );
});

test("each end of a task has its words", () => {
  const ends = [
    [withResult({ state: "FAILURE", exception: "KeyError" }), /failed with KeyError/],
    [withResult({ state: "REVOKED" }), /revoked$/m],
    [withProbe({ result: null, missingId: "x", waitedMs: 10_000 }), /no result within 10 s/],
    [withProbe({ outcome: "unroutable", reason: "", result: null }), /not published: unroutable/],
  ] as const;
  for (const [facts, words] of ends) assert.match(findingsText([facts], []), words);
});

test("a workflow is shown with its tasks, and no phases between publish and its last result", () => {
  const [task] = WELL.tasks;
  const probe = { ...SENT, ids: [...SENT.ids, "other"] };
  const facts = {
    ...WELL,
    tasks: [task!, { ...task!, key: "b", name: "app.b" }],
    starts: [{ ...START, key: "flow", tasks: ["add", "b"], probe }],
  };
  assert.match(
    findingsText([facts], []),
    / {4}flow\n {6}add \(app\.add, .*\n {6}b \(app\.b, .*registered on none\n {6}succeeded\n {6}dispatch 1 ms, publish 2 ms, delivery 2 ms, latency 11 ms\n/,
  );
});

test("long lists are cut, and Celery's own tasks are left out", () => {
  const [task] = WORKER.tasks;
  const names = ["celery.chord", ...Array.from({ length: 15 }, (_, index) => `app.t${index}`)];
  const facts = withWorker({ tasks: names.map((name) => ({ ...task!, name })) });
  assert.match(findingsText([facts], []), /tasks: app\.t0, .*app\.t11 and 3 more$/m);
});

test("advice has its remedy below it, and only problems make it unwell", () => {
  const warning = finding("queue-deep", "main", { queue: "q", ready: 9, prefetch: 4 });
  const problem = finding("no-worker", "main", { url: "redis://a/0" });
  assert.match(
    findingsText([WELL], [problem, warning]),
    /advice\n {2}problem \(main\): No worker answers on redis:\/\/a\/0\.\n {4}→ Start a worker/,
  );
  assert.equal(isWell([warning]), true);
  assert.equal(isWell([warning, problem]), false);
});

test("the JSON has every fact and the phases", () => {
  const report = JSON.parse(reportJson([WELL], []));
  assert.equal(report.ok, true);
  assert.deepEqual(report.connections[0].starts[0].phases.at(-1), { name: "latency", ms: 11 });
  assert.deepEqual(report.connections[0].workers, WELL.workers);
});
