import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryAnswer, Sample } from "../../../src/history/answer.js";
import { chartsOf, saturatedIn, valuesOf } from "../../../src/page/model/charts.js";
import { PageHistory } from "../../../src/page/model/history.js";
import { tableRows } from "../../../src/page/model/table-rows.js";

const SERIES = [
  { of: "all", name: "", what: "saturated" },
  { of: "all", name: "", what: "published" },
  { of: "scenario", name: "x", what: "target" },
  { of: "scenario", name: "y", what: "target" },
] as const;

function answer(tiers: readonly (readonly [stepSeconds: number, at: readonly number[]])[]) {
  return {
    ...{ layout: 1, series: SERIES, marks: [] },
    tiers: tiers.map(([stepSeconds, at]) => ({
      ...{ stepSeconds, at },
      columns: SERIES.map((_, column) => at.map((time) => time + column)),
    })),
  } satisfies HistoryAnswer;
}

const range = (from: number, to: number, step: number) =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);

function sample(at: number, values: Sample["values"] = [0, 1, 2, 3]): Sample {
  return { layout: 1, stepSeconds: 1, at, values };
}

test("what is missing is a gap, and a moment of another layout is not taken", () => {
  const history = new PageHistory(answer([[1, [100, 101, 102]]]));
  assert.equal(history.add(sample(103)), true);
  assert.equal(history.add(sample(103)), true, "twice is once");
  assert.equal(history.add(sample(110)), true);
  assert.equal(history.add({ ...sample(111), layout: 2 }), false);
  const { at, columns } = history.moments(0, 1_000);
  assert.deepEqual(at, [100, 101, 102, 103, 106.5, 110]);
  assert.deepEqual(columns[1], [101, 102, 103, 1, null, 1]);
});

test("a long time is seen coarser, its end from the finer moments; a part of it is looked at closely", () => {
  const now = 100_000;
  const history = new PageHistory(
    answer([
      [1, range(now - 599, now, 1)],
      [10, range(now - 7_195, now - 5, 10)],
      [120, range(now - 86_400, now - 65, 120)],
    ]),
  );
  const steps = (from: number, to: number) => {
    const { at } = history.moments(from, to);
    const differences = at.slice(1).map((each, index) => each - at[index]!);
    return [...new Set(differences)].sort((a, b) => a - b);
  };
  assert.deepEqual(steps(now - 600 + 1, now), [1]);
  assert.deepEqual(steps(now - 7_000, now), [1, 10], "ten seconds, and the last five");
  const { at } = history.moments(now - 80_000, now);
  assert.equal(at.at(-1), now);
  assert.ok(!history.moments(now - 80_000, now).columns[1]!.includes(null), "no gap between");
  assert.deepEqual(steps(now - 300, now - 200), [1]);
});

test("a page that stays open holds no more than a new one", () => {
  const history = new PageHistory(answer([[1, []]]));
  for (let at = 1; at <= 2_000; at++) history.add(sample(at));
  assert.equal(history.moments(0, 3_000).at.length, 600);
  assert.equal(history.oldestAt, 1_401);
  for (let number = 1; number <= 600; number++) {
    history.mark({ number, at: number, type: "stage", text: "", details: {}, effect: null });
  }
  const effect = { p95Seconds: { before: 1, after: 2 }, queued: { before: 0, after: 0 } };
  history.mark({
    ...{ number: 600, at: 600, type: "change", text: "told again", details: {} },
    effect: { ...effect, isSaturated: false },
  });
  assert.equal(history.marks.length, 500);
  assert.equal(history.marks.at(-1)!.text, "told again");
});

test("charts draw sums of what is known, and shade where this daemon was the bottleneck", () => {
  const history = new PageHistory(answer([[1, []]]));
  const values = (saturated: number, x: number | null, y: number | null) => [saturated, 5, x, y];
  const rows = [values(0, 1, 2), values(0.3, null, 2), values(1, null, null), values(0, 4, 4)];
  for (const [index, row] of rows.entries()) history.add(sample(10 + index, row));
  const moments = history.moments(0, 100);
  const [rate] = chartsOf(SERIES, null);
  const target = rate!.lines.find(({ label }) => label === "target")!;
  assert.deepEqual(valuesOf(target, moments), [3, 2, null, 8]);
  assert.deepEqual(valuesOf(target, moments, 2), [3, 2.5, null, 8], "no mean over a gap's null");
  assert.deepEqual(saturatedIn(SERIES, moments), [{ from: 10, to: 12 }]);
});

test("a table has as many rows as can be read, the newest first", () => {
  assert.deepEqual(tableRows([1, 2, 3]), [2, 1, 0]);
  const rows = tableRows(range(1, 1_000, 1));
  assert.ok(rows.length <= 60 && rows[0] === 999, `${rows.length}`);
});
