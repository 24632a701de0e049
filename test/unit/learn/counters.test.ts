import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { increasesOf, knownSteps } from "../../../src/learn/counters.js";
import { chooseStep, medianGap } from "../../../src/learn/grid.js";
import { sum } from "../../../src/learn/traffic.js";

const NO = Number.NaN;
const MOST_GAP = 2;

/** Values at each point; null where the page was not read, NaN where it was, without the series. */
const cases: [what: string, values: (number | null)[], increases: number[]][] = [
  ["growth", [5, 7, 7, 10], [2, 0, 3]],
  ["a first value, which was counted before", [1_000, 1_001], [1]],
  ["a reset", [10, 12, 3, 4], [2, 3, 1]],
  ["a series that is new on a page", [NO, NO, 4, 6], [0, 4, 2]],
  ["a series that is gone and comes again from 0", [9, NO, 2], [0, 2]],
  ["a short gap, spread evenly", [10, null, null, 16], [2, 2, 2]],
  ["a reset in a short gap", [10, null, 4], [2, 2]],
  ["a long gap, left out", [10, null, null, null, 90, 91], [0, 0, 0, 0, 1]],
  ["a page that begins late", [null, 100, 103], [0, 3]],
  ["a page that ends early", [100, 103, null, null], [3, 0, 0]],
  ["nothing at all", [null, null], [0]],
  ["no point", [], []],
];
for (const [what, values, expected] of cases) {
  test(`what a counter has counted: ${what}`, () => {
    const wasRead = values.map((value) => value !== null);
    const increases = increasesOf(
      values.map((value) => value ?? NO),
      wasRead,
      MOST_GAP,
    );
    assert.deepEqual([...increases], expected);
  });
}

test("of any growth with gaps that are short all is counted, and with resets never more than there was", () => {
  const step = fc.record({
    growth: fc.integer({ min: 0, max: 1000 }),
    isReset: fc.boolean(),
    isRead: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1 }), fc.boolean(), (steps, hasResets) => {
      let value = 0;
      let all = 0;
      const values: number[] = [];
      const wasRead: boolean[] = [];
      let [first, last] = [0, 0];
      for (const { growth, isReset, isRead } of steps) {
        value = (hasResets && isReset ? 0 : value) + growth;
        all += growth;
        if (isRead && !wasRead.includes(true)) first = value;
        if (isRead) last = value;
        values.push(value);
        wasRead.push(isRead);
      }
      const increases = increasesOf(values, wasRead, steps.length);
      assert.ok(increases.every((increase) => increase >= 0));
      const counted = sum(increases);
      if (hasResets) assert.ok(counted <= all + 1e-6);
      else assert.ok(Math.abs(counted - (last - first)) < 1e-6);
    }),
  );
});

/** Pages as texts: `x` where one was read. */
const pages: [what: string, pages: string[], known: string][] = [
  ["one that is always read", ["xxxx"], "yyy"],
  ["a short gap", ["xx..x"], "yyyy"],
  ["a long gap", ["xx...xx"], "ynnnny"],
  ["a long gap of one of two", ["xxxxxxx", "xx...xx"], "ynnnny"],
  ["one that was missed at the end", ["xxxxxx", "xxxx.."], "yyynn"],
  ["one that was missed in the beginning", ["xxxxxx", ".xxxxx"], "nyyyy"],
  ["one that ended long ago", ["xxxxxx", "xx...."], "yyyyy"],
  ["one that is new", ["xxxxxx", "....xx"], "yyyyy"],
  ["one that was never read", ["xxx", "..."], "yy"],
  ["nothing", ["..."], "nn"],
];
for (const [what, given, expected] of pages) {
  test(`in which steps it is known what was counted: ${what}`, () => {
    const wasRead = given.map((page) => [...page].map((mark) => mark === "x"));
    const known = knownSteps(wasRead, given[0]!.length, MOST_GAP);
    assert.equal(known.map((isKnown) => (isKnown ? "y" : "n")).join(""), expected);
  });
}

test("the step is a multiple of the scrapes' interval, of a minute or more over days, and longer where there is much", () => {
  const HOUR_MS = 3_600_000;
  assert.equal(chooseStep(HOUR_MS, 15_000, 10), 15_000);
  assert.equal(chooseStep(168 * HOUR_MS, 15_000, 10), 60_000);
  assert.equal(chooseStep(168 * HOUR_MS, 45_000, 10), 90_000);
  assert.equal(chooseStep(168 * HOUR_MS, 120_000, 10), 120_000);
  assert.equal(chooseStep(168 * HOUR_MS, 60_000, 10_000), 1_260_000);
  fc.assert(
    fc.property(
      ...[fc.integer({ min: 10, max: 60 * 24 * 90 }), fc.integer({ min: 1, max: 300 })],
      fc.integer({ min: 1, max: 100_000 }),
      (minutes, intervalSeconds, series) => {
        const stepMs = chooseStep(minutes * 60_000, intervalSeconds * 1000, series);
        assert.equal(stepMs % (intervalSeconds * 1000), 0);
        assert.ok(stepMs > 0 && ((minutes * 60_000) / stepMs) * series <= 5_000_001);
      },
    ),
  );
});

test("the distance of samples is their median, to whole seconds", () => {
  assert.equal(medianGap([0, 15_003, 29_998, 90_000, 105_001]), 15_000);
  assert.equal(medianGap([0, 0, 0, 300]), 1000);
  assert.equal(medianGap([Number.NaN, 0, Number.NaN, 5_000]), 5_000);
  assert.equal(medianGap([7]), null);
});
