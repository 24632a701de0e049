import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ClockReadings, type HeardReading } from "../../../src/observer/clock-readings.js";

const beatOf = (unixMs: number, clock: unknown, pid: unknown = 7, hostname = "w@h") => ({
  ...{ type: "worker-heartbeat", hostname, unixMs, uuid: "" },
  fields: { pid, clock },
});

function setUp() {
  const told: [string, HeardReading][] = [];
  const readings = new ClockReadings((worker, reading) => told.push([worker, reading]));
  return { told, readings };
}

test("a heartbeat with a higher count than the answer is a reading, whichever of them is heard first", () => {
  const expected = [["w@h", { askedMs: 100, unixMs: 9_103, heardMs: 104 }]];
  const early = setUp();
  early.readings.beat(beatOf(9_103, 12), 104);
  early.readings.answered("w@h", { pid: 7, clock: "11" }, 100);
  assert.deepEqual(early.told, expected);
  const late = setUp();
  late.readings.answered("w@h", { pid: 7, clock: "11" }, 100);
  late.readings.beat(beatOf(9_103, 12), 104);
  assert.deepEqual(late.told, expected);
});

test("a heartbeat that may have been sent before the question says nothing", () => {
  const { told, readings } = setUp();
  // Another tool has asked for it just before.
  readings.beat(beatOf(9_099, 11), 104);
  readings.answered("w@h", { pid: 7, clock: "11" }, 100);
  readings.beat(beatOf(9_098, 10), 105);
  // Of another process, of another worker, and without a count.
  readings.beat(beatOf(9_103, 12, 8), 106);
  readings.beat(beatOf(9_103, 12, 7, "other@h"), 106);
  readings.beat(beatOf(9_103, null), 106);
  readings.beat(beatOf(9_103, 2 ** 53), 106);
  // An answer without one is none.
  readings.answered("other@h", { pid: 7, clock: "x" }, 100);
  readings.answered("other@h", { pid: 7, clock: "" }, 100);
  readings.answered("other@h", { pid: 7 }, 100);
  assert.deepEqual(told, []);
});

test("a worker that was restarted with its pid counts anew: its last life says nothing of this one", () => {
  const { told, readings } = setUp();
  readings.beat(beatOf(9_000, 5_000), 1);
  readings.answered("w@h", { pid: 7, clock: "3" }, 100);
  assert.deepEqual(told, []);
  readings.beat(beatOf(9_103, 4), 104);
  assert.equal(told.length, 1);
});

test("a heartbeat is told once for each answer at most", () => {
  const { told, readings } = setUp();
  readings.beat(beatOf(9_103, 12), 104);
  readings.answered("w@h", { pid: 7, clock: "11" }, 100);
  readings.answered("w@h", { pid: 7, clock: "11" }, 100);
  assert.equal(told.length, 1);
});

/** What happens at a worker, in its order; each step takes some time, on its way and before. */
const STEP = fc.record({
  kind: fc.constantFrom("ask", "beat", "other"),
  /** Since the step before. */
  afterMs: fc.integer({ min: 0, max: 3_000 }),
  /** Of the question, which may lie in the worker's queue behind others. */
  thereMs: fc.integer({ min: 0, max: 20_000 }),
  /** Of the answer or the event. */
  backMs: fc.integer({ min: 0, max: 5_000 }),
});

test("whoever asks, and however late what comes: the clock was read between the two moments", () => {
  let readingsInAll = 0;
  fc.assert(
    fc.property(
      fc.array(STEP, { minLength: 20, maxLength: 40 }),
      fc.integer({ min: -1e7, max: 1e7 }),
      (steps, offsetMs) => {
        const readings = new ClockReadings((_, { askedMs, unixMs, heardMs }) => {
          readingsInAll++;
          assert.ok(askedMs <= unixMs - offsetMs && unixMs - offsetMs <= heardMs);
        });
        const heard: { atMs: number; hear: () => void }[] = [];
        let nowMs = 100_000;
        let count = 0;
        for (const { kind, afterMs, thereMs, backMs } of steps) {
          nowMs += afterMs;
          const [atMs, askedMs, now] = [nowMs + backMs, nowMs - thereMs, nowMs];
          if (kind !== "ask") count++; // an event, of a task perhaps
          const counted = count;
          if (kind === "ask") {
            const answer = { pid: 7, clock: String(counted) };
            heard.push({ atMs, hear: () => readings.answered("w@h", answer, askedMs) });
          }
          if (kind === "beat") {
            const beat = beatOf(now + offsetMs, counted);
            heard.push({ atMs, hear: () => readings.beat(beat, atMs) });
          }
        }
        for (const { hear } of heard.sort((a, b) => a.atMs - b.atMs)) hear();
      },
    ),
  );
  assert.ok(readingsInAll > 100, `${readingsInAll}`);
});

test("however many workers come, few are remembered, and few heartbeats of each", () => {
  const { told, readings } = setUp();
  for (let number = 0; number <= 1_000; number++) {
    for (let count = 1; count <= 100; count++) {
      readings.beat(beatOf(count, count, 7, `w${number}@h`), count);
    }
  }
  readings.answered("w0@h", { pid: 7, clock: "0" }, 0);
  assert.equal(told.length, 0);
  readings.answered("w1000@h", { pid: 7, clock: "0" }, 0);
  assert.equal(told.length, 64);
});
