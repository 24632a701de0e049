import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResultState } from "../../../src/celery/results/result.js";
import { isExpected, meaningOf } from "../../../src/engine/outcome.js";
import { FLAG, SLOT } from "../../../src/ledger/in-flight-table.js";

const rows: [string, number, number, ResultState, string][] = [
  ["the first final state settles", SLOT.published, 0, "SUCCESS", "succeeded"],
  ["a failure settles", SLOT.published, 0, "FAILURE", "failed"],
  ["a revocation settles", SLOT.started, 0, "REVOKED", "revoked"],
  ["a result before the broker's answer settles", SLOT.publishing, 0, "SUCCESS", "succeeded"],
  [
    "a result of an unconfirmed task settles it",
    SLOT.published,
    FLAG.unconfirmed,
    "FAILURE",
    "failed",
  ],
  ["a second final state is a duplicate", SLOT.done, 0, "FAILURE", "duplicate"],
  ["REVOKED after REVOKED is a duplicate", SLOT.done, 0, "REVOKED", "duplicate"],
  ["a result after the deadline is late", SLOT.timedOut, 0, "SUCCESS", "late"],
  [
    "the message of a recovered task was expected",
    SLOT.done,
    FLAG.recovered,
    "SUCCESS",
    "expected",
  ],
  ["RETRY never settles", SLOT.started, 0, "RETRY", "retry"],
  ["STARTED moves on a task in flight", SLOT.published, 0, "STARTED", "started"],
  ["STARTED of a settled task means nothing", SLOT.done, 0, "STARTED", "nothing"],
  ["a custom state means nothing", SLOT.published, 0, "CUSTOM", "nothing"],
];
for (const [name, slot, flags, result, meaning] of rows) {
  test(`meaningOf(): ${name}`, () => assert.equal(meaningOf(slot, flags, result), meaning));
}

const answers: [string, unknown, string, boolean][] = [
  ["the same number", 42, "42", true],
  ["the same number, as a float", 42, "42.0", true],
  ["another number", 42, "43", false],
  ["nothing", null, "null", true],
  ["nothing instead of something", 42, "null", false],
  ["the same mapping in another order", { a: 1, b: [2] }, '{"b": [2], "a": 1}', true],
  ["a part of the mapping", { a: 1, b: [2] }, '{"a": 1}', false],
  ["a text like the number", 42, '"42"', false],
  ["an escaped text", "ä", '"\\u00e4"', true],
  ["NaN", 42, "NaN", false],
];

for (const [what, expected, answer, isRight] of answers) {
  test(`${what} is ${isRight ? "the answer" : "a wrong answer"}`, () => {
    for (const meta of [
      `{"status": "SUCCESS", "result": ${answer}, "traceback": null, "task_id": "x"}`,
      `{"task_id": "x", "status": "SUCCESS", "result": ${answer}}`,
    ]) {
      assert.equal(isExpected({ result: expected }, meta), isRight, meta);
    }
  });
}

test("an answer that is cut off, or not there, is a wrong one", () => {
  for (const meta of ['{"status": "SUCCESS", "result": [1, 2', '{"status": "SUCCESS"}', "{"]) {
    assert.equal(isExpected({ result: null }, meta), false, meta);
  }
});
