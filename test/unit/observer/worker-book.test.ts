import assert from "node:assert/strict";
import { test } from "node:test";
import type { CeleryEvent } from "../../../src/celery/events/event-message.js";
import { RETAIN_MS, WorkerBook } from "../../../src/observer/worker-book.js";

const UNIX_MS = 1_700_000_000_000;
const SILENCE_MS = 25_000;

function bookOf(maxSeries = 10) {
  const book = new WorkerBook({ maxSeries, silenceMs: SILENCE_MS });
  book.hearBeats(true, 0);
  book.hearAnswers(true, 0);
  const say = (type: string, node: string, nowMs: number, fields: object = {}) =>
    book.event(eventOf(type, node, fields), nowMs, UNIX_MS + nowMs);
  const beat = (node: string, nowMs: number, fields: object = {}) =>
    say("worker-heartbeat", node, nowMs, { freq: 2, active: 1, processed: 10, ...fields });
  const up = () => Object.fromEntries(book.observed().map(({ name, up }) => [name, up]));
  return { book, say, beat, up };
}

function eventOf(type: string, hostname: string, fields: object): CeleryEvent {
  return { type, hostname, unixMs: 0, uuid: "", fields: { ...fields } };
}

test("a worker is down two of its heartbeats and two seconds after the last one", () => {
  const { book, beat, up } = bookOf();
  beat("a@h", 1_000);
  beat("slow@h", 1_000, { freq: 10 });
  book.tick(7_000);
  assert.deepEqual(up(), { "a@h": 1, "slow@h": 1 });
  book.tick(7_001);
  assert.deepEqual(up(), { "a@h": 0, "slow@h": 1 });
  beat("a@h", 8_000);
  assert.equal(up()["a@h"], 1);
});

test("a heartbeat that somebody asked for does not change when a worker counts as silent", () => {
  const { book, say, beat, up } = bookOf();
  beat("a@h", 1_000);
  say("worker-heartbeat", "a@h", 1_500, { freq: 5 });
  book.tick(7_501);
  assert.deepEqual(up(), { "a@h": 0 });
  // One that sends none by itself is not silent for want of more.
  say("worker-heartbeat", "quiet@h", 8_000, { freq: 5 });
  book.tick(8_000 + SILENCE_MS);
  assert.equal(up()["quiet@h"], 1);
});

test("a goodbye is believed at once, and one of a stranger makes no series", () => {
  const { say, beat, up } = bookOf();
  beat("a@h", 1_000);
  say("worker-offline", "a@h", 1_001);
  say("worker-offline", "stranger@h", 1_001);
  assert.deepEqual(up(), { "a@h": 0 });
});

test("a worker without heartbeats is down when it leaves questions unanswered", () => {
  const { book, up } = bookOf();
  book.stats("quiet@h", {}, 1_000);
  book.tick(1_000 + SILENCE_MS);
  assert.deepEqual(up(), { "quiet@h": 1 });
  book.tick(1_001 + SILENCE_MS);
  assert.deepEqual(up(), { "quiet@h": 0 });
});

test("while nobody can hear it, a worker is neither up nor down, and silence counts anew after", () => {
  const { book, beat, up } = bookOf();
  beat("a@h", 1_000);
  book.hearBeats(false, 2_000);
  book.hearAnswers(false, 2_000);
  book.tick(500_000);
  assert.deepEqual(up(), { "a@h": null });
  book.hearBeats(true, 500_000);
  book.tick(506_000);
  assert.deepEqual(up(), { "a@h": 1 });
  book.tick(506_001);
  assert.deepEqual(up(), { "a@h": 0 });
});

test("when only heartbeats cannot be heard, answers decide", () => {
  const { book, beat, up } = bookOf();
  beat("a@h", 1_000);
  book.hearBeats(false, 2_000);
  book.tick(20_000);
  assert.deepEqual(up(), { "a@h": 1 });
  book.tick(1_001 + SILENCE_MS);
  assert.deepEqual(up(), { "a@h": 0 });
});

test("a pause of our own is no silence of the workers", () => {
  const { book, beat, up } = bookOf();
  beat("a@h", 1_000);
  book.heldUp(60_000);
  book.tick(60_000);
  assert.deepEqual(up(), { "a@h": 1 });
});

test("what a worker says is kept until it is down; a counter of a restarted one starts anew", () => {
  const { book, say, beat } = bookOf();
  beat("a@h", 1_000, { active: 3, processed: 100, sw_ver: "5.7.0" });
  // The heartbeat that remote control asks for has neither number.
  say("worker-heartbeat", "a@h", 1_500, { freq: 5 });
  book.stats(
    "a@h",
    { pool: { "max-concurrency": 4, writes: {} }, prefetch_count: 16, total: { x: 70, y: 31 } },
    2,
  );
  book.queues("a@h", ["celery"], 3);
  book.clock("a@h", 7, 1);
  book.clock("stranger@h", 7, 1);
  assert.deepEqual(book.observed(), [
    {
      name: "a@h",
      up: 1,
      version: "5.7.0",
      pool: "prefork",
      activeTasks: 3,
      poolSize: 4,
      prefetchCount: 16,
      processed: 101,
      lastHeartbeatUnixMs: UNIX_MS + 1_500,
      clockOffsetMs: 7,
      clockUncertaintyMs: 1,
      queues: ["celery"],
    },
  ]);
  say("worker-offline", "a@h", 3_000);
  assert.deepEqual(book.observed(), [
    {
      name: "a@h",
      up: 0,
      version: "5.7.0",
      pool: "prefork",
      activeTasks: null,
      poolSize: null,
      prefetchCount: null,
      processed: null,
      lastHeartbeatUnixMs: UNIX_MS + 1_500,
      clockOffsetMs: null,
      clockUncertaintyMs: null,
      queues: [],
    },
  ]);
  beat("a@h", 4_000, { processed: 1 });
  assert.equal(book.observed()[0]?.processed, 1);
});

test("nonsense changes nothing", () => {
  const { book, beat, say } = bookOf();
  beat("a@h", 1_000, { active: 3, processed: 100 });
  const before = book.observed();
  beat("a@h", 1_000, { active: -1, processed: "many", freq: 0 });
  beat("a@h", 1_000, { active: Number.POSITIVE_INFINITY, processed: null, freq: null });
  book.stats("a@h", { pool: "none", prefetch_count: {}, total: { x: "?" } }, 1_000);
  say("worker-elect", "b@h", 1_000);
  say("worker-heartbeat", "", 1_000);
  say("worker-heartbeat", "x".repeat(256), 1_000);
  assert.deepEqual(book.observed(), before);
  assert.equal(book.malformed, 2);
});

test("the series of a worker that is gone go after half an hour", () => {
  const { book, say, beat, up } = bookOf();
  beat("a@h", 1_000);
  say("worker-offline", "a@h", 2_000);
  book.tick(2_000 + RETAIN_MS);
  assert.deepEqual(up(), { "a@h": 0 });
  book.tick(2_001 + RETAIN_MS);
  assert.deepEqual(up(), {});
});

test("workers beyond the limit add up to one that is called other, which never falls", () => {
  const { book, say, beat, up } = bookOf(2);
  for (const node of ["a@h", "b@h"]) beat(node, 1_000, { processed: 1_000 });
  for (const node of ["c@h", "d@h"]) beat(node, 1_000, { active: 2, processed: 1_000 });
  assert.equal(book.folded, 2);
  assert.deepEqual(up(), { "a@h": 1, "b@h": 1, other: 2 });
  for (const node of ["c@h", "d@h"]) beat(node, 2_000, { active: 2, processed: 1_010 });
  const other = () => book.observed().at(-1)!;
  assert.equal(other().activeTasks, 4);
  assert.equal(other().processed, 20);
  say("worker-offline", "c@h", 3_000);
  assert.deepEqual([other().up, other().activeTasks, other().processed], [1, 2, 20]);
});

test("a new worker takes the series of the one that has been gone for longest", () => {
  const { book, say, beat, up } = bookOf(2);
  for (const node of ["a@h", "b@h"]) beat(node, 1_000);
  say("worker-offline", "b@h", 2_000);
  say("worker-offline", "a@h", 3_000);
  beat("c@h", 4_000);
  assert.deepEqual(up(), { "a@h": 0, "c@h": 1 });
  assert.equal(book.folded, 0);
});

test("however many names come, few are remembered", () => {
  const { book, beat } = bookOf(3);
  for (let number = 0; number < 20_000; number++) beat(`w${number}@h`, 1_000);
  assert.equal(book.observed().length, 4);
  assert.equal(book.observed().at(-1)?.up, 5_000 - 3);
  assert.equal(book.folded, 20_000 - 3);
});

test("only workers of the queues that have lately sent a heartbeat are asked for one", () => {
  const { book, say, beat } = bookOf();
  for (const name of ["a@h", "gone@h", "old@h", "quiet@h"]) book.queues(name, ["ours"], 0);
  book.queues("elsewhere@h", ["theirs"], 0);
  const beating = (nowMs: number) => book.beating(["ours"], UNIX_MS + nowMs);
  // Asking one that has no events at all makes it log an error.
  assert.deepEqual(beating(1_000), []);
  for (const name of ["a@h", "gone@h", "old@h", "elsewhere@h"]) beat(name, 1_000);
  say("worker-offline", "gone@h", 1_001);
  assert.deepEqual(beating(2_000), ["a@h", "old@h"]);
  beat("a@h", SILENCE_MS);
  // It still answers: it was started again, without heartbeats.
  book.stats("old@h", {}, SILENCE_MS + 1_000);
  assert.deepEqual(beating(SILENCE_MS + 1_000), ["a@h"]);
});
