import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dateDoneUnixMs, readResult, resultKeyPrefix } from "../../../src/celery/result.js";

const cases: [string, string, { state: string; exception: string }][] = [
  [
    "a success",
    '{"status": "SUCCESS", "result": 3, "traceback": null, "children": [], "date_done": "2026-11-24T10:11:22.280799+00:00"}',
    { state: "SUCCESS", exception: "" },
  ],
  [
    "a failure with its class",
    '{"status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": ["boom", 42], "exc_module": "builtins"}, "traceback": "…"}',
    { state: "FAILURE", exception: "ValueError" },
  ],
  [
    "a revoked task",
    '{"status": "REVOKED", "result": {"exc_type": "TaskRevokedError", "exc_message": ["expired"]}}',
    { state: "REVOKED", exception: "TaskRevokedError" },
  ],
  [
    "a retry",
    '{"status": "RETRY", "result": {"exc_type": "Retry", "exc_message": ["x"]}}',
    { state: "RETRY", exception: "Retry" },
  ],
  [
    "a task that was started",
    '{"status": "STARTED", "result": {"pid": 1}}',
    { state: "STARTED", exception: "" },
  ],
  [
    "a custom state",
    '{"status": "PROGRESS", "result": {"done": 5}}',
    { state: "CUSTOM", exception: "" },
  ],
  [
    "another order of keys",
    '{"result": 1, "status": "SUCCESS"}',
    { state: "SUCCESS", exception: "" },
  ],
  [
    "NaN, which is Python and not JSON",
    '{"status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": [NaN]}}',
    { state: "FAILURE", exception: "ValueError" },
  ],
  [
    "Infinity in a success of another encoder",
    '{"status":"SUCCESS","result":Infinity}',
    { state: "SUCCESS", exception: "" },
  ],
  ["text that is no JSON", "pong", { state: "MALFORMED", exception: "" }],
  ["no status", '{"result": 1}', { state: "MALFORMED", exception: "" }],
  ["a status that is no text", '{"status": 5}', { state: "MALFORMED", exception: "" }],
  ["an array", "[1]", { state: "MALFORMED", exception: "" }],
  ["null", "null", { state: "MALFORMED", exception: "" }],
  [
    "a class name that is an object",
    '{"status": "FAILURE", "result": {"exc_type": {}}}',
    { state: "FAILURE", exception: "" },
  ],
  [
    "__proto__ as a key",
    '{"__proto__": {"status": "SUCCESS"}, "status": "FAILURE", "result": {"__proto__": 1}}',
    { state: "FAILURE", exception: "" },
  ],
];
for (const [name, text, expected] of cases) {
  test(`readResult() reads ${name}`, () => assert.deepEqual(readResult(text), expected));
}

test("readResult() reads the status of a result too large to parse", () => {
  const text = `{"status": "FAILURE", "result": {"exc_type": "Huge", "exc_message": ["${"x".repeat(2 * 1024 * 1024)}"]}}`;
  assert.deepEqual(readResult(text), { state: "FAILURE", exception: "Huge" });
});

test("readResult() makes a class name fit for a label", () => {
  const name = `A\nB${"x".repeat(500)}`;
  const { exception } = readResult(
    JSON.stringify({ status: "FAILURE", result: { exc_type: name } }),
  );
  assert.equal(exception.length, 200);
  assert.ok(exception.startsWith("A Bx"));
});

test("readResult() never throws, whatever the text", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((text) => text.slice(1)),
      ),
      (text) => {
        assert.equal(typeof readResult(text).state, "string");
      },
    ),
  );
  assert.equal(readResult("[".repeat(100_000)).state, "MALFORMED");
});

test("dateDoneUnixMs() reads Celery's times; without an offset they are UTC", () => {
  const meta = (time: string) =>
    `{"status": "SUCCESS", "result": 1, "date_done": "${time}", "task_id": "x"}`;
  const expected = Date.UTC(2026, 10, 24, 10, 11, 22, 280) + 0.799;
  for (const time of [
    "2026-11-24T10:11:22.280799",
    "2026-11-24T10:11:22.280799+00:00",
    "2026-11-24T10:11:22.280799Z",
    "2026-11-24T12:41:22.280799+02:30",
    "2026-11-24T05:11:22.280799-0500",
  ]) {
    assert.ok(Math.abs(dateDoneUnixMs(meta(time)) - expected) < 0.01, time);
  }
  assert.equal(dateDoneUnixMs(meta("2026-11-24T10:11:22")), Date.UTC(2026, 10, 24, 10, 11, 22));
});

test("dateDoneUnixMs() takes the meta's own field and not one in the task's result", () => {
  const text =
    '{"status": "SUCCESS", "result": {"date_done": "2001-01-01T00:00:00"}, "date_done": "2026-11-24T00:00:00"}';
  assert.equal(dateDoneUnixMs(text), Date.UTC(2026, 10, 24));
});

test("dateDoneUnixMs() gives NaN where there is no time", () => {
  for (const text of [
    "",
    '{"date_done": null}',
    '{"date_done": "soon"}',
    '{"date_done": "2026-11-24T10:11:22+ab"}',
    '{"date_done": "',
  ]) {
    assert.ok(Number.isNaN(dateDoneUnixMs(text)), text);
  }
});

test("resultKeyPrefix() parts a prefix by an underscore unless it does so itself", () => {
  const prefixes = ["", "shop", "shop_", "shop:", "shop-", "shop.", ":shop"];
  assert.deepEqual(
    prefixes.map(resultKeyPrefix),
    ["", "shop_", "shop_", "shop:", "shop-", "shop.", ":shop_"].map(
      (start) => `${start}celery-task-meta-`,
    ),
  );
});
