import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Comparison,
  judgeThreshold,
  type Measure,
  type ThresholdCounts,
} from "../../../src/slo/threshold.js";

/** As many latencies in seconds as are given, and what else is to be known. */
function counts(
  latencies: readonly number[],
  more: Partial<ThresholdCounts> = {},
): ThresholdCounts {
  const sorted = [...latencies].sort((a, b) => a - b);
  const answered = sorted.length;
  return {
    answered,
    meanSeconds: sorted.reduce((sum, each) => sum + each, 0) / answered,
    quantileSeconds: (q) => sorted[Math.max(0, Math.ceil(q * answered - 1e-9) - 1)] ?? Number.NaN,
    never: 0,
    planned: answered,
    dropped: 0,
    ended: answered,
    succeeded: answered,
    timedOut: 0,
    plannedSeconds: 10,
    seconds: 10,
    saturatedSeconds: 0,
    ...more,
  };
}
const times = (count: number, seconds: number) => Array.from({ length: count }, () => seconds);
const quantile = (q: number): Measure => ({ kind: "quantile", q });
const judge = (measure: Measure, comparison: Comparison, limit: number, of: ThresholdCounts) =>
  judgeThreshold({ measure, comparison, limit }, of);

const CASES: readonly (readonly [
  what: string,
  measure: Measure,
  comparison: Comparison,
  limit: number,
  of: ThresholdCounts,
  verdict: string,
  reason: RegExp,
])[] = [
  [
    "a percentile below its limit",
    quantile(0.95),
    "<",
    0.8,
    counts([...times(96, 0.1), ...times(4, 5)]),
    "met",
    /^100 ms of 100 tasks$/,
  ],
  [
    "a percentile above it",
    quantile(0.95),
    "<",
    0.8,
    counts([...times(94, 0.1), ...times(6, 5)]),
    "missed",
    /^5 s of 100 tasks$/,
  ],
  ["exactly the limit with <", quantile(0.5), "<", 1, counts(times(10, 1)), "missed", /1 s/],
  ["exactly the limit with <=", quantile(0.5), "<=", 1, counts(times(10, 1)), "met", /1 s/],
  [
    "those without an answer are longer than any",
    quantile(0.95),
    "<",
    60,
    counts(times(94, 0.1), { never: 6 }),
    "missed",
    /longer than any timeout of 100 tasks, 6 of them without an answer/,
  ],
  [
    "as long as they are few",
    quantile(0.95),
    "<",
    60,
    counts(times(96, 0.1), { never: 4 }),
    "met",
    /4 of them without an answer/,
  ],
  [
    "nothing has an answer",
    quantile(0.95),
    "<",
    60,
    counts([], { never: 40 }),
    "missed",
    /longer than any/,
  ],
  ["nothing at all", quantile(0.95), "<", 1, counts([]), "inconclusive", /no task has an answer/],
  [
    "a percentile that is the longest of few",
    quantile(0.95),
    "<",
    1,
    counts(times(19, 0.1)),
    "inconclusive",
    /19 tasks are too few, it needs 20/,
  ],
  [
    "few, but more could not mend it",
    quantile(0.95),
    "<",
    1,
    counts([...times(10, 0.1), ...times(5, 2)]),
    "missed",
    /2 s of 15/,
  ],
  [
    "few that are slow enough for >",
    quantile(0.95),
    ">",
    1,
    counts(times(5, 0.1)),
    "inconclusive",
    /too few/,
  ],
  ["the longest", { kind: "max" }, "<", 1, counts([0.1, 0.2, 0.9]), "met", /^900 ms of 3 tasks$/],
  [
    "one that timed out is the longest",
    { kind: "max" },
    "<",
    1,
    counts([0.1], { never: 1 }),
    "missed",
    /longer than any/,
  ],
  ["the mean", { kind: "mean" }, "<", 1, counts([0.5, 1]), "met", /^750 ms/],
  [
    "the mean of nothing",
    { kind: "mean" },
    "<",
    1,
    counts([], { never: 3 }),
    "inconclusive",
    /no task/,
  ],
  [
    "failures",
    { kind: "failed" },
    "<",
    0.01,
    counts(times(99, 1), { ended: 100 }),
    "missed",
    /^1% of 100 tasks, 1 of them$/,
  ],
  [
    "no failure may be",
    { kind: "failed" },
    "<=",
    0,
    counts(times(99, 1)),
    "met",
    /^0% of 99 tasks$/,
  ],
  [
    "no end at all",
    { kind: "failed" },
    "<",
    0.01,
    counts([], { ended: 0 }),
    "inconclusive",
    /nothing has ended/,
  ],
  [
    "time-outs",
    { kind: "timed_out" },
    "<",
    0.1,
    counts(times(9, 1), { ended: 10, timedOut: 1 }),
    "missed",
    /10%/,
  ],
  [
    "drops",
    { kind: "dropped" },
    "<",
    0.1,
    counts(times(9, 1), { planned: 20, dropped: 1 }),
    "met",
    /^5% of 20/,
  ],
  [
    "a rate",
    { kind: "rate" },
    ">=",
    9,
    counts(times(100, 1)),
    "met",
    /^10\/s of 100 tasks that succeeded in 10.0 s$/,
  ],
  [
    "a rate without the time that was ours",
    { kind: "rate" },
    ">=",
    10,
    counts(times(96, 1), { saturatedSeconds: 0.4 }),
    "met",
    /9\.6 s/,
  ],
  [
    "a rate of no time",
    { kind: "rate" },
    ">",
    1,
    counts([], { plannedSeconds: 0 }),
    "inconclusive",
    /nothing was planned yet/,
  ],
  [
    "more than 5 % of the time was ours",
    quantile(0.5),
    "<",
    1,
    counts(times(100, 9), { saturatedSeconds: 0.6 }),
    "inconclusive",
    /bottleneck for 6% of the time/,
  ],
];

for (const [what, measure, comparison, limit, of, verdict, reason] of CASES) {
  test(`threshold: ${what}: ${verdict}`, () => {
    const judged = judge(measure, comparison, limit, of);
    assert.equal(judged.verdict, verdict, judged.reason);
    assert.match(judged.reason, reason);
    assert.ok(judged.value === null || Number.isFinite(judged.value));
  });
}

test("what is inconclusive for want of tasks becomes what those that come make of it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0.1, 5), { maxLength: 19 }),
      fc.constantFrom(0.5, 0.9, 0.95),
      (latencies, q) => {
        const now = judge(quantile(q), "<", 1, counts(latencies));
        const least = Math.round(1 / (1 - q));
        const good = times(Math.max(0, least - latencies.length), 0.1);
        const later = judge(quantile(q), "<", 1, counts([...latencies, ...good]));
        // Missed before there are enough: then the best that could come does not mend it.
        if (now.verdict === "missed") assert.equal(later.verdict, "missed");
        if (latencies.length >= least) assert.notEqual(now.verdict, "inconclusive");
      },
    ),
  );
});
