import assert from "node:assert/strict";
import { test } from "node:test";
import type { AdviceCode } from "../../../src/doctor/advice.js";
import { checkPriorities } from "../../../src/doctor/checks/priorities.js";
import type { ConnectionFacts } from "../../../src/doctor/facts.js";
import { RABBITMQ, REDIS, TASK, WELL, WORKER, withWorker } from "./facts.js";

interface Deployment {
  /** By the management API; null: not known. */
  readonly type: string | null;
  /** With which the worker declares it. */
  readonly declared?: string | null;
  readonly maxPriority?: number | null;
  readonly version: string | null;
  readonly product?: string;
  readonly priority: number;
}

function factsOf(deployment: Deployment): ConnectionFacts {
  const { type, declared = null, maxPriority = null, priority } = deployment;
  const { version, product = "RabbitMQ" } = deployment;
  const about = version === null ? null : { product, version, evictionPolicy: null };
  return {
    ...withWorker({ queues: [{ name: "celery", maxPriority, type: declared }] }),
    broker: { ...RABBITMQ, about },
    queues: [{ ...WELL.queues[0]!, type }],
    tasks: [{ ...TASK, priority }],
  };
}

/** What is told of the priorities 0, 4, 5 and 9; null: nothing. */
type Told = readonly [number: 0 | 4 | 5 | 9, AdviceCode | null];
const same = (code: AdviceCode): Told[] => [
  [0, null],
  [4, code],
  [5, code],
  [9, code],
];
const NOTHING: Told[] = [0, 4, 5, 9].map((priority) => [priority as 0 | 4 | 5 | 9, null]);
const TWO_PRIORITIES: Told[] = [
  [0, null],
  [4, "priority-too-low"],
  [5, null],
  [9, null],
];

const TABLE: readonly (readonly [string, Omit<Deployment, "priority">, readonly Told[]])[] = [
  ["classic, 3.8", { type: "classic", version: "3.8.9" }, same("priority-ignored")],
  ["classic, 4.0", { type: "classic", version: "4.0.5" }, same("priority-ignored")],
  ["classic, 4.3", { type: "classic", version: "4.3.1" }, same("priority-ignored")],
  ["classic, no version", { type: "classic", version: null }, same("priority-ignored")],
  ["classic with levels", { type: "classic", maxPriority: 10, version: "4.0.5" }, NOTHING],
  ["quorum, 3.10", { type: "quorum", version: "3.10.8" }, same("priority-of-quorum")],
  ["quorum, 3.13", { type: "quorum", version: "3.13.7" }, same("priority-of-quorum")],
  ["quorum, 4.0", { type: "quorum", version: "4.0.5" }, TWO_PRIORITIES],
  ["quorum, 4.2", { type: "quorum", version: "4.2.0" }, TWO_PRIORITIES],
  ["quorum, 4.3", { type: "quorum", version: "4.3.0" }, same("priority-unclear")],
  ["quorum with levels, 4.3", { type: "quorum", maxPriority: 9, version: "4.3.0" }, NOTHING],
  ["quorum, no version", { type: "quorum", version: null }, same("priority-unclear")],
  [
    "quorum by the worker's word, 4.0",
    { type: null, declared: "quorum", version: "4.0.5" },
    TWO_PRIORITIES,
  ],
  [
    "classic by the worker's word, 4.0",
    { type: null, declared: "classic", version: "4.0.5" },
    same("priority-ignored"),
  ],
  ["stream", { type: "stream", version: "4.0.5" }, same("priority-of-stream")],
  ["a plugin's type", { type: "x-random", version: "4.0.5" }, same("priority-unclear")],
  ["unknown type, 3.13", { type: null, version: "3.13.7" }, same("priority-ignored")],
  ["unknown type, 4.0", { type: null, version: "4.0.5" }, same("priority-unclear")],
  ["unknown type, no version", { type: null, version: null }, same("priority-unclear")],
  [
    "another server",
    { type: null, product: "LavinMQ", version: "2.1.0" },
    same("priority-unclear"),
  ],
];

for (const [what, deployment, told] of TABLE) {
  for (const [priority, code] of told) {
    test(`${what}, priority ${priority}: ${code ?? "nothing"}`, () => {
      const findings = checkPriorities(factsOf({ ...deployment, priority }));
      assert.deepEqual(
        findings.map((each) => each.code),
        code === null ? [] : [code],
      );
      for (const { says, remedy } of findings) {
        assert.doesNotMatch(says + remedy, /undefined|null/);
        // Where the type is not known, how to know it; nowhere is a queue of others thrown away.
        if (code === "priority-unclear")
          assert.match(remedy, /list_queues .*connections\.main\.management/);
        assert.doesNotMatch(remedy, /(^|[.;,] |or )delete/i);
        const isNew = /max_priority/.test(remedy);
        if (isNew)
          assert.match(remedy, /new classic queue .* its deletion would lose everybody's tasks/);
      }
    });
  }
}

const asked = factsOf({ type: "classic", version: "4.0.5", priority: 9 });
const SILENT: Record<string, ConnectionFacts> = {
  "Redis has lists for priorities": { ...asked, broker: REDIS },
  "a broker that cannot be used": {
    ...asked,
    broker: { ...asked.broker, fault: { cause: "gone", isConfiguration: false } },
  },
  "a queue without a worker that answers": {
    ...asked,
    workers: { ...asked.workers, answered: [{ ...WORKER, queues: [] }] },
  },
};

for (const [what, facts] of Object.entries(SILENT)) {
  test(`nothing of ${what}`, () => assert.deepEqual(checkPriorities(facts), []));
}
