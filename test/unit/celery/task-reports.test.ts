import assert from "node:assert/strict";
import { test } from "node:test";
import type { CeleryEvent } from "../../../src/celery/events/event-message.js";
import {
  REPORT,
  REPORT_KINDS,
  REPORT_SIZE,
  TaskReportWriter,
} from "../../../src/celery/events/task-reports.js";
import { taskId } from "../../../src/celery/messages/task-id.js";

const PREFIX = "00112233-4455";

function eventOf(type: string, uuid: string, fields: object = {}): CeleryEvent {
  return { type, hostname: "w@h", unixMs: 1_700_000_000_123, uuid, fields: { ...fields } };
}

test("events of our tasks become numbers; those of others are left out", () => {
  const writer = new TaskReportWriter(PREFIX);
  const id = taskId(PREFIX, 77, 123_456_789_012);
  const add = (event: CeleryEvent) => writer.add(event, () => 5, 42);
  assert.equal(add(eventOf("task-started", id)), true);
  assert.equal(add(eventOf("task-succeeded", id, { runtime: 0.25 })), true);
  assert.equal(add(eventOf("task-failed", id, { exception: "app.errors.Declined('no')" })), true);
  for (const other of [
    eventOf("task-started", taskId("ffffffff-ffff", 77, 1)),
    eventOf("task-started", PREFIX),
    eventOf("task-started", `${id}0`),
    eventOf("task-started", `${PREFIX}-8zzz-8zzz-zzzzzzzzzzzz`),
    eventOf("task-received", id),
    eventOf("task-custom", id),
  ]) {
    assert.equal(add(other), false, other.uuid);
  }
  const { numbers, exceptions } = writer.take();
  assert.equal(numbers.length, 3 * REPORT_SIZE);
  const records = [0, 1, 2].map((index) => {
    const of = (place: number) => numbers[index * REPORT_SIZE + place]!;
    assert.deepEqual(
      [of(REPORT.slot), of(REPORT.seq), of(REPORT.worker), of(REPORT.unixMs)],
      [77, 123_456_789_012, 5, 1_700_000_000_123],
    );
    assert.equal(of(REPORT.heardUnixMs), 42);
    return [REPORT_KINDS[of(REPORT.kind)], of(REPORT.runMs), exceptions[of(REPORT.exception)]];
  });
  assert.deepEqual(records, [
    ["started", Number.NaN, undefined],
    ["succeeded", 250, undefined],
    ["failed", Number.NaN, "Declined"],
  ]);
  assert.equal(writer.take().numbers.length, 0);
});

test("a collection grows as far as it must, and what was taken stays as it is", () => {
  const writer = new TaskReportWriter(PREFIX);
  for (let seq = 0; seq < 1_000; seq++) {
    writer.add(eventOf("task-started", taskId(PREFIX, 1, seq)), () => 0, 0);
  }
  const { numbers } = writer.take();
  writer.add(eventOf("task-started", taskId(PREFIX, 2, 7)), () => 0, 0);
  assert.equal(numbers.length, 1_000 * REPORT_SIZE);
  assert.equal(numbers[999 * REPORT_SIZE + REPORT.seq], 999);
  assert.equal(numbers[REPORT.slot], 1);
});

const TIME_LIMIT = `Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/billiard/pool.py", line 683, in on_hard_timeout
    raise TimeLimitExceeded(job._timeout)
billiard.exceptions.TimeLimitExceeded: TimeLimitExceeded(1,)
`;
const EXCEPTIONS: readonly [exception: string, traceback: unknown, name: string][] = [
  ["ValueError('x')", undefined, "ValueError"],
  ["app.errors.Declined('no')", TIME_LIMIT, "Declined"],
  ["ExceptionWithTraceback()", TIME_LIMIT, "TimeLimitExceeded"],
  [
    "ExceptionWithTraceback()",
    `${TIME_LIMIT}\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File "a.py", line 1, in f\nbilliard.exceptions.WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL) Job: 3.\nOther: line\n`,
    "WorkerLostError",
  ],
  ["ExceptionWithTraceback()", "Traceback (most recent call last):\n  ...\nKeyError", "KeyError"],
  ["ExceptionWithTraceback()", "", "ExceptionWithTraceback"],
  ["ExceptionWithTraceback()", null, "ExceptionWithTraceback"],
  ["<unprintable>", TIME_LIMIT, ""],
];
for (const [exception, traceback, name] of EXCEPTIONS) {
  test(`the class of ${exception} with the traceback ${JSON.stringify(traceback)} is ${name}`, () => {
    const writer = new TaskReportWriter(PREFIX);
    const id = taskId(PREFIX, 1, 1);
    writer.add(eventOf("task-failed", id, { exception, traceback }), () => 0, 0);
    assert.deepEqual(writer.take().exceptions, [name]);
  });
}

test("a runtime that nothing can last is not said", () => {
  const writer = new TaskReportWriter(PREFIX);
  for (const runtime of [-1, 1e300, Number.POSITIVE_INFINITY, "1", null]) {
    writer.add(eventOf("task-succeeded", taskId(PREFIX, 1, 1), { runtime }), () => 0, 0);
    assert.ok(Number.isNaN(writer.take().numbers[REPORT.runMs]), `${runtime}`);
  }
});
