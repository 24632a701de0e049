import assert from "node:assert/strict";
import { test } from "node:test";
import { phasesOf, provenOffsetMs } from "../../../src/doctor/phases.js";
import { measuredText } from "../../../src/doctor/texts.js";
import { RESULT, SENT } from "./facts.js";

const phases = (change: Partial<typeof SENT>) =>
  Object.fromEntries(phasesOf({ ...SENT, ...change }).map(({ name, ms }) => [name, ms]));

test("with events a task has all phases but work", () => {
  assert.deepEqual(phases({}), {
    dispatch: 1,
    publish: 2,
    queue: 4,
    run: 4,
    delivery: 2,
    latency: 11,
  });
});

test("without events queue and run are one phase, work", () => {
  assert.deepEqual(phases({ events: [] }), {
    dispatch: 1,
    publish: 2,
    work: 8,
    delivery: 2,
    latency: 11,
  });
});

test("without a date in the result delivery starts with the event", () => {
  const result = { ...RESULT, doneUnixMs: null };
  assert.equal(phases({ result }).delivery, 5);
  assert.equal(phases({ result }).run, 2, "the worker's own runtime");
  assert.deepEqual(Object.keys(phases({ result, events: [] })), ["dispatch", "publish", "latency"]);
});

test("a failed run without a date lasts from event to event", () => {
  const events = SENT.events.map((event) => ({ ...event, fields: {} }));
  assert.equal(phases({ events, result: { ...RESULT, doneUnixMs: null } }).run, 1);
});

test("a start that the worker hears of after the end is known by the runtime", () => {
  const doneUnixMs = SENT.events.find(({ type }) => type === "task-started")!.unixMs - 1;
  const found = phases({ result: { ...RESULT, doneUnixMs } });
  assert.equal(found.run, 2, "the worker's own runtime");
  assert.equal(found.queue, doneUnixMs - 2 - SENT.publishCallUnixMs);
});

test("what the runtime says too much is no time before the task was published", () => {
  const events = SENT.events.map((event) =>
    event.type === "task-succeeded"
      ? { ...event, fields: { ...event.fields, runtime: 10 } }
      : event,
  );
  const doneUnixMs = SENT.publishCallUnixMs + 3;
  const found = phases({ events, result: { ...RESULT, doneUnixMs } });
  assert.deepEqual([found.queue, found.run], [0, 3]);
});

test("a phase that contradicts causality is left out", () => {
  const early = { ...RESULT, doneUnixMs: SENT.publishCallUnixMs - 1 };
  assert.equal("work" in phases({ events: [], result: early }), false);
});

test("without a result there is what was seen until then", () => {
  const [, started] = SENT.events;
  assert.deepEqual(Object.keys(phases({ result: null, events: [started!] })), [
    "dispatch",
    "publish",
    "queue",
  ]);
  assert.deepEqual(phases({ result: null, events: [], outcome: "refused" }), { dispatch: 1 });
});

test("provenOffsetMs() is what causality proves, and no more", () => {
  const offset = (doneUnixMs: number | null) =>
    provenOffsetMs({ ...SENT, result: { ...RESULT, doneUnixMs } });
  assert.equal(offset(RESULT.receivedUnixMs), 0);
  assert.equal(offset(SENT.publishCallUnixMs), 0);
  assert.equal(offset(RESULT.receivedUnixMs + 3), 3);
  assert.equal(offset(SENT.publishCallUnixMs - 7), -7);
  assert.equal(offset(null), 0);
  assert.equal(provenOffsetMs({ ...SENT, result: null }), 0);
});

test("durationText() keeps three digits", () => {
  const texts = {
    0.123: "0.12 ms",
    12.34: "12.3 ms",
    999.4: "999 ms",
    999.6: "1 s",
    4210: "4.21 s",
  };
  for (const [ms, text] of Object.entries(texts)) assert.equal(measuredText(Number(ms)), text);
  assert.equal(measuredText(59_999), "60 s");
  assert.equal(measuredText(60_000), "1 m");
  assert.equal(measuredText(150_000), "2 m 30 s");
});
