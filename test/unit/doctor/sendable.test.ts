import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionFacts } from "../../../src/doctor/facts.js";
import { whyNotSent } from "../../../src/doctor/sendable.js";
import { RABBITMQ, REDIS, WELL, WORKERS, withSettings, withTask, withWorker } from "./facts.js";

const FAULT = { cause: "away", isConfiguration: false };
const NOBODY = { ...WORKERS, answered: [], heardBy: 0 };

const cases: [string, ConnectionFacts, RegExp | null][] = [
  ["is sent where a worker takes it", WELL, null],
  ["is not sent without a broker", { ...WELL, broker: { ...REDIS, fault: FAULT } }, /broker/],
  [
    "is not sent where no result can be received",
    { ...WELL, backend: { ...REDIS, fault: FAULT } },
    /result backend/,
  ],
  [
    "is not sent to a queue that does not exist",
    { ...WELL, queues: [{ name: "celery", depth: null, isMissing: true, type: null }] },
    /no queue celery/,
  ],
  ["is not sent without any worker", { ...WELL, workers: NOBODY }, /no worker that answers/],
  [
    "is sent when RabbitMQ knows a consumer that does not answer",
    {
      ...WELL,
      broker: RABBITMQ,
      workers: { ...NOBODY, heardBy: null },
      queues: [{ name: "celery", depth: { ready: 0, consumers: 2 }, isMissing: false, type: null }],
    },
    null,
  ],
  [
    "is sent when a worker that does not answer may take it",
    { ...WELL, workers: { ...NOBODY, silent: ["celery@b"] } },
    null,
  ],
  [
    "is sent when a subscriber did not answer",
    { ...WELL, workers: { ...NOBODY, heardBy: 1 } },
    null,
  ],
  [
    "is sent when the workers could not be asked",
    { ...WELL, workers: { ...NOBODY, controlFault: "NOPERM" } },
    null,
  ],
  [
    "is not sent to workers that do not know it",
    withWorker({ tasks: [] }),
    /has registered app\.add/,
  ],
  [
    "is not sent to workers without JSON",
    withSettings({ acceptContent: ["yaml"] }),
    /accepts json/,
  ],
  ["is not sent when nobody waits for its start", withTask({ delayMs: 20_000 }), /20 s after/],
  ["is sent when it starts while it is waited for", withTask({ delayMs: 9_000 }), null],
  ["is not sent when its result is ignored", withTask({ ignoreResult: true }), /is ignored/],
  [
    "of a workflow is not sent when a worker lacks another one of it",
    { ...WELL, tasks: [...WELL.tasks, { ...WELL.tasks[0]!, key: "b", name: "app.b" }] },
    /has registered app\.b/,
  ],
];

for (const [name, facts, why] of cases) {
  test(`a task ${name}`, () => {
    const reason = whyNotSent(facts, facts.tasks, 10_000);
    if (why === null) assert.equal(reason, null);
    else assert.match(reason ?? "", why);
  });
}
