import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { plainSuccessUnixMs } from "../../../src/celery/results/plain-success.js";
import { dateDoneUnixMs, readResult } from "../../../src/celery/results/result.js";

const ID = "6d3495c7-7f2f-41a8-9026-2445472b532c";

/** As it stands in what has arrived, with other bytes around it. */
function unixMsOf(text: string): number {
  const data = Buffer.from(`before${text}after`);
  return plainSuccessUnixMs(data, 6, data.length - 5);
}

const meta = (result: string, time: string, more = "") =>
  `{"status": "SUCCESS", "result": ${result}, "traceback": null, "children": [], "date_done": "${time}"${more}, "task_id": "${ID}"}`;

test("successes of Celery 5.7 and 5.2 are read from their bytes", () => {
  const expected = Date.parse("2026-11-24T10:15:14.010Z") + 0.878;
  for (const time of ["2026-11-24T10:15:14.010878+00:00", "2026-11-24T10:15:14.010878"]) {
    assert.ok(Math.abs(unixMsOf(meta("42", time)) - expected) < 0.001, time);
  }
});

test("everything else is left to those who read the text", () => {
  const time = "2026-11-24T10:15:14.010878+00:00";
  const others = [
    "",
    "{}",
    meta("42", time).replace("SUCCESS", "FAILURE"),
    meta("42", time).slice(0, -1),
    meta("42", "2026-11-24T10:15:14+00:00"), // no microseconds, as Python leaves out a zero
    meta("42", "2026-11-24T10:15:14.010878+01:00"),
    meta("42", "2026-11-24 10:15:14.010878+00:00"),
    meta("42", "2026-13-24T10:15:14.010878+00:00"),
    meta("42", "20x6-11-24T10:15:14.010878+00:00"),
    meta("42", time, ', "parent_id": "1e98d069-97c5-4ca5-a796-9923a50e774e"'),
    `{"status": "SUCCESS", "date_done": null, "task_id": "${ID}"}`,
    `{"status": "SUCCESS", "task_id": "${ID}"}`,
    '{"status": "SUCCESS", "task_id": "1"}',
  ];
  for (const text of others) assert.ok(Number.isNaN(unixMsOf(text)), text);
});

test("what is read from bytes is what the text says, whatever the task's own result", () => {
  const times = fc
    .date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })
    .map((date) => `${date.toISOString().slice(0, -1)}123+00:00`);
  // A result may look like a meta itself, or be text with one in it.
  const results = fc.oneof(
    fc.json(),
    times.map((time) => meta("1", time)),
    times.map((time) => JSON.stringify(meta("1", time))),
    times.map((time) => `{"a": 1, "date_done": "${time}", "task_id": "${ID}"}`),
  );
  fc.assert(
    fc.property(results, times, (result, time) => {
      const text = meta(result, time);
      assert.equal(readResult(text).state, "SUCCESS");
      const unixMs = unixMsOf(text);
      assert.ok(Math.abs(unixMs - dateDoneUnixMs(text)) < 0.001, text);
    }),
  );
});

test("no bytes whatever make it throw, and those that it takes are a success", () => {
  const mutations = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 });
  fc.assert(
    fc.property(mutations, (changes) => {
      const data = Buffer.from(meta("42", "2026-11-24T10:15:14.010878+00:00"));
      for (const [at, byte] of changes) data[at % data.length] = byte;
      const unixMs = plainSuccessUnixMs(data, 0, data.length);
      if (Number.isNaN(unixMs)) return;
      const text = data.toString("latin1");
      assert.equal(readResult(text).state, "SUCCESS");
    }),
    { numRuns: 2000 },
  );
});
