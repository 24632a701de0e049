import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptLines } from "../../../src/reports/script-report.js";

const check = (passed: number, failed: number) => ({ passed, failed });

const REPORTS: readonly (readonly [
  report: Parameters<typeof scriptLines>[0][string],
  lines: readonly string[],
])[] = [
  [{ succeeded: 3, failed: 0, checks: {} }, ["  shop: users went through the script 3 times"]],
  [
    { succeeded: 3, failed: 2, checks: { sum: check(5, 0), sign: check(5, 0) } },
    [
      "  shop: users went through the script 3 times, and 2 times it threw; all of 10 checks have passed",
    ],
  ],
  [
    { succeeded: 3, failed: 0, checks: { sum: check(1, 2), sign: check(3, 0) } },
    [
      "  shop: users went through the script 3 times; 1 of 2 checks have failed:",
      "    sum: 2 of 3 times",
    ],
  ],
];
for (const [report, lines] of REPORTS) {
  test(`what scripts did, in words: ${lines.at(-1)}`, () => {
    assert.deepEqual(scriptLines({ shop: report }), lines);
  });
}
