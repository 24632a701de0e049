import assert from "node:assert/strict";
import { test } from "node:test";
import { thresholdLines, thresholdReports } from "../../../src/reports/threshold-report.js";
import { Run } from "../history/run.js";
import { threshold } from "./files/report-of.js";

test("a threshold is a line of the report, and has its unit and scenarios for programs", () => {
  const missed = { verdict: "missed", reason: "2% of 100 tasks, 2 of them", value: 0.02 } as const;
  const judged = threshold("failed(all) < 1%", { ...missed, n: 100 });
  const reports = thresholdReports([judged], new Run(["app.a"]).subject);
  assert.deepEqual(thresholdLines(reports), [
    "  failed(all) < 1%: missed, 2% of 100 tasks, 2 of them",
  ]);
  assert.deepEqual(reports, [
    {
      ...{ threshold: "failed(all) < 1%", ...missed, limit: 0.01, unit: "ratio", n: 100 },
      ...{ scenarios: ["scenario-0"], abort: false },
    },
  ]);
});
