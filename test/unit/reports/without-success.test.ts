import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DROP_REASONS,
  OUTCOMES,
  PUBLISH_FAILURE_KINDS,
} from "../../../src/readings/label-values.js";
import type { Subject } from "../../../src/readings/subject.js";
import type { TaskReport } from "../../../src/reports/task-report.js";
import {
  type NotSentReasons,
  refusalKey,
  withoutSuccess,
} from "../../../src/reports/without-success.js";

const zeros = (names: object) => Object.fromEntries(Object.keys(names).map((name) => [name, 0]));

/** What 30 starts came to; what is not named is 0. */
function taskReport(change: {
  outcomes?: Record<string, number>;
  errors?: Record<string, number>;
  dropped?: Record<string, number>;
  publishFailures?: Record<string, number>;
}): TaskReport {
  return {
    planned: 30,
    published: 30,
    unconfirmed: 0,
    retries: 0,
    late: 0,
    duplicate: 0,
    recovered: 0,
    latencySeconds: { p50: null, p95: null, p99: null, p999: null, max: null },
    dropped: { ...zeros(DROP_REASONS), ...change.dropped },
    publishFailures: { ...zeros(PUBLISH_FAILURE_KINDS), ...change.publishFailures },
    outcomes: { ...zeros(OUTCOMES), ...change.outcomes },
    errors: change.errors ?? {},
  };
}

const SUBJECT = {
  entries: [
    { scenario: 0, task: "shop.pay", queue: "payments" },
    { scenario: 0, task: "shop.mail", queue: "mail" },
  ],
} as unknown as Subject;
const REASONS: NotSentReasons = { refused: new Map(), invalid: null, notConnected: null };

const said = (
  tasks: Record<string, TaskReport>,
  total: TaskReport,
  { reasons = REASONS, stoppedBySignal = false } = {},
) => withoutSuccess({ tasks, total }, SUBJECT, reasons, stoppedBySignal);

const FAILED = { outcomes: { failed: 30 } };
const ROWS: readonly {
  readonly why: string;
  readonly ends: Parameters<typeof taskReport>[0];
  readonly reasons?: Partial<NotSentReasons>;
  readonly stoppedBySignal?: boolean;
  readonly text: RegExp;
}[] = [
  {
    why: "no worker knows the task",
    ends: { ...FAILED, errors: { NotRegistered: 30 } },
    text: /^Nothing succeeded: of 30 starts 30 failed with NotRegistered\. The workers of queue payments do not know shop\.pay: correct the task's name or its queue/,
  },
  {
    why: "the task raises",
    ends: { ...FAILED, errors: { ValueError: 30 } },
    text: /of 30 starts 30 failed with ValueError\. The workers' log has its traceback\.$/,
  },
  {
    why: "more than one exception, the most frequent decides",
    ends: { ...FAILED, errors: { ValueError: 9, NotRegistered: 21 } },
    text: /30 starts 21 failed with NotRegistered, 9 failed with ValueError\. The workers of queue/,
  },
  {
    why: "another answer than expected",
    ends: { ...FAILED, errors: { check: 30 } },
    text: /failed with check\. They returned something else than the task's expect says/,
  },
  {
    why: "failed without a name of why",
    ends: FAILED,
    text: /30 failed\. The workers' log says why\.$/,
  },
  {
    why: "revoked or expired",
    ends: { outcomes: { revoked: 30 }, errors: { TaskRevokedError: 30 } },
    text: /30 revoked\. They expired before a worker took them/,
  },
  {
    why: "nobody consumes the queue",
    ends: { outcomes: { timed_out: 30 } },
    text: /30 without a result in time\. See that a worker consumes queue payments/,
  },
  {
    why: "stopped too soon",
    ends: { outcomes: { unknown: 30 } },
    stoppedBySignal: true,
    text: /30 unknown\. The run was stopped before their results came/,
  },
  {
    why: "never confirmed",
    ends: { outcomes: { unknown: 30 } },
    text: /30 unknown\. The connection was lost/,
  },
  {
    why: "no broker",
    ends: { dropped: { not_connected: 30 } },
    reasons: { notConnected: "connect ECONNREFUSED" },
    text: /30 dropped without a connection to the broker: connect ECONNREFUSED\. Start the broker/,
  },
  {
    why: "the broker says no",
    ends: { publishFailures: { rejected: 30 } },
    reasons: { refused: new Map([[refusalKey("shop.pay", "refused"), "OOM command not allowed"]]) },
    text: /30 refused by the broker: OOM command not allowed\. Mend/,
  },
  {
    why: "the broker says no, and what to do about it is known",
    ends: { publishFailures: { rejected: 30 } },
    reasons: {
      refused: new Map([
        [refusalKey("shop.pay", "refused"), "NOPERM no key\nGive it."],
        [refusalKey("shop.mail", "refused"), "another"],
      ]),
    },
    text: /30 refused by the broker: NOPERM no key\. Give it\.$/,
  },
  {
    why: "no queue",
    ends: { publishFailures: { unroutable: 30 } },
    text: /30 without a queue to go to\. Start a worker for queue payments/,
  },
  {
    why: "too large",
    ends: { publishFailures: { too_large: 30 } },
    text: /30 larger than the broker takes\. Send smaller/,
  },
  {
    why: "no message",
    ends: { publishFailures: { invalid: 30 } },
    reasons: { invalid: "no such word" },
    text: /30 not to be made into a message: no such word\. Correct the task's arguments/,
  },
  {
    why: "the window is full",
    ends: { dropped: { in_flight: 20 }, outcomes: { timed_out: 10 } },
    text: /20 dropped as maxInFlight tasks were in flight, 10 without a result in time\. No result/,
  },
  {
    why: "a blocked broker",
    ends: { dropped: { backpressure: 30 } },
    text: /30 dropped as the broker took no more\. The broker is blocked/,
  },
  {
    why: "a slow machine",
    ends: { dropped: { saturated: 30 } },
    text: /30 dropped as this machine was too slow\. Lower the rate/,
  },
];

for (const { why, ends, reasons, stoppedBySignal, text } of ROWS) {
  test(`the last line says why nothing succeeded: ${why}`, () => {
    const report = taskReport(ends);
    const more = {
      reasons: { ...REASONS, ...reasons },
      ...(stoppedBySignal ? { stoppedBySignal } : {}),
    };
    const [sentence, ...others] = said({ "shop.pay": report }, report, more);
    assert.match(sentence!, text);
    assert.deepEqual(others, []);
  });
}

test("with other tasks that succeed it is said of the one of which nothing has", () => {
  const bad = taskReport({ ...FAILED, errors: { NotRegistered: 30 } });
  const good = taskReport({ outcomes: { succeeded: 30 } });
  const both = taskReport({
    outcomes: { succeeded: 30, failed: 30 },
    errors: { NotRegistered: 30 },
  });
  const sentences = said({ "shop.pay": bad, "shop.mail": good }, both);
  assert.equal(sentences.length, 1);
  assert.match(sentences[0]!, /^Nothing of shop\.pay succeeded: /);
});

test("of what nothing was planned, or something has succeeded, nothing is said", () => {
  const none = { ...taskReport({}), planned: 0, published: 0 };
  const some = taskReport({ outcomes: { succeeded: 1, failed: 29 }, errors: { ValueError: 29 } });
  assert.deepEqual(said({ "shop.pay": none }, none), []);
  assert.deepEqual(said({ "shop.pay": some, "shop.mail": none }, some), []);
});
