import assert from "node:assert/strict";
import { test } from "node:test";
import { dateDoneUnixMs, readResult, resultKeyPrefix } from "../../../src/celery/results/result.js";

const ID = "a0b1c2d3-e4f5-8a6b-8c7d-0123456789ab";
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
  [
    "a success of rpc:// before Celery 5.7, which has the id first, with NaN in it",
    `{"task_id": "${ID}", "status": "SUCCESS", "result": NaN, "traceback": null, "children": []}`,
    { state: "SUCCESS", exception: "" },
  ],
  [
    "a failure of rpc:// before Celery 5.7 with NaN in it",
    `{"task_id": "${ID}", "status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": [NaN]}}`,
    { state: "FAILURE", exception: "ValueError" },
  ],
  [
    "a start that says SUCCESS where a success of rpc:// has its status",
    '{"status": "STARTED", "result": {"pid": 1234, "x": {"status": "SUCCESS"}}}',
    { state: "STARTED", exception: "" },
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
  [
    "a reply of Celery 5.2, which begins with the id, with Python's Infinity",
    '{"task_id": "dad25337-a0de-4cf8-b5a2-3031ec12b576", "status": "FAILURE", "result": {"exc_type": "E", "exc_message": [-Infinity]}}',
    { state: "FAILURE", exception: "E" },
  ],
  [
    "an integer beyond 2^53",
    '{"status": "FAILURE", "result": {"exc_message": [123456789012345678901234567890], "exc_type": "E"}}',
    { state: "FAILURE", exception: "E" },
  ],
  [
    "a status inside of other fields before the real one",
    '{"args": [{"status": "SUCCESS"}], "result": {"status": "SUCCESS", "exc_type": "E"}, "status": "FAILURE"}',
    { state: "FAILURE", exception: "E" },
  ],
  [
    "a status inside of text before the real one",
    '{"traceback": "\\", \\"status\\": \\"SUCCESS\\"}\\\\", "status": "FAILURE"}',
    { state: "FAILURE", exception: "" },
  ],
  [
    "the first of two statuses",
    '{"status": "FAILURE", "result": {"exc_type": "A", "exc_type": "B"}, "status": "SUCCESS"}',
    { state: "FAILURE", exception: "A" },
  ],
  [
    "a class name with signs of other languages",
    '{"status": "FAILURE", "result": {"exc_type": "\\u00dcberlauf\\ud83d\\ude80"}}',
    { state: "FAILURE", exception: "Überlauf🚀" },
  ],
  [
    "a class name with half a character",
    '{"status": "FAILURE", "result": {"exc_type": "A\\ud83d"}}',
    { state: "FAILURE", exception: "A\ufffd" },
  ],
  ["an empty status", '{"status": ""}', { state: "MALFORMED", exception: "" }],
  ["a status without an end", '{"status": "SUC', { state: "MALFORMED", exception: "" }],
  ["nothing", "", { state: "MALFORMED", exception: "" }],
];
for (const [name, text, expected] of cases) {
  test(`readResult() reads ${name}`, () => assert.deepEqual(readResult(text), expected));
}

for (const [version, start] of [
  ["5.7", "{"],
  ["5.2", '{"task_id": "dad25337-a0de-4cf8-b5a2-3031ec12b576", '],
]) {
  test(`a failure of megabytes is read, and one that is cut off, as Celery ${version} replies`, () => {
    const text = `${start}"status": "FAILURE", "result": {"exc_type": "Huge", "exc_message": ["${"x".repeat(4 * 1024 * 1024)}", NaN]}, "a": 1, "date_done": "2026-11-24T00:00:00"}`;
    assert.deepEqual(readResult(text), { state: "FAILURE", exception: "Huge" });
    assert.equal(dateDoneUnixMs(text), Date.UTC(2026, 10, 24));
    assert.deepEqual(readResult(text.slice(0, 1024 * 1024)), {
      state: "FAILURE",
      exception: "Huge",
    });
  });
}

test("readResult() reads the status of a result too large to parse, before and after the id", () => {
  const large = "x".repeat(2 * 1024 * 1024);
  const failure = `"status": "FAILURE", "result": {"exc_type": "Huge", "exc_message": ["${large}"]}}`;
  const expected = { state: "FAILURE", exception: "Huge" };
  assert.deepEqual(readResult(`{${failure}`), expected);
  assert.deepEqual(readResult(`{"task_id": "${ID}", ${failure}`), expected);
});

test("readResult() makes a class name fit for a label", () => {
  const name = `A\nB${"x".repeat(500)}`;
  const { exception } = readResult(
    JSON.stringify({ status: "FAILURE", result: { exc_type: name } }),
  );
  assert.equal(exception.length, 200);
  assert.ok(exception.startsWith("A Bx"));
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

test("dateDoneUnixMs() takes the meta's own field and none of the task's result or arguments", () => {
  const own = ', "date_done": "2026-11-24T00:00:00"';
  const other = '{"a": 1, "date_done": "2001-01-01T00:00:00"}';
  for (const text of [
    `{"status": "SUCCESS", "result": ${other}${own}}`,
    `{"status": "SUCCESS", "result": ${other}${own}, "task_id": "x"}`,
    `{"status": "SUCCESS", "result": 1${own}, "args": [${other}], "kwargs": ${other}}`,
    `{"status": "SUCCESS", "result": "}"${own}, "kwargs": {}, "worker": "}"}`,
  ]) {
    assert.equal(dateDoneUnixMs(text), Date.UTC(2026, 10, 24), text);
  }
  // As Celery 5.2 replies: without the field.
  assert.ok(Number.isNaN(dateDoneUnixMs(`{"status": "SUCCESS", "result": ${other}, "a": 1}`)));
  assert.ok(Number.isNaN(dateDoneUnixMs(`{"status": "SUCCESS", "result": ${other}}`)));
});

test("dateDoneUnixMs() gives NaN where there is no time", () => {
  for (const text of [
    "",
    '{"a": 1, "date_done": null}',
    '{"a": 1, "date_done": "soon"}',
    '{"a": 1, "date_done": "2026-11-24T10:11:22+ab"}',
    '{"a": 1, "date_done": "2026-11-24 10:11:22"}',
    '{"a": 1, "date_done": "2026-11-24T10:1x:22"}',
    '{"a": 1, "date_done": "2026-13-24T10:11:22"}',
    '{"a": 1, "date_done": "2026-11-24T10:11:22',
    '{"a": 1, "date_done": "',
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
