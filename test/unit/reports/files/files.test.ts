import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { GuardStanding } from "../../../../src/guards/guard-watch.js";
import { junitText } from "../../../../src/reports/files/junit.js";
import { reportJsonSchema, runReport } from "../../../../src/reports/files/report-schema.js";
import { summaryMarkdown } from "../../../../src/reports/files/summary-markdown.js";
import { xmlAttributes, xmlText } from "../../../../src/reports/files/xml.js";
import { repositoryText } from "../../dashboards/classic-board.js";
import { reportOf, threshold } from "./report-of.js";

const MISSED = threshold("failed(all) < 1%", {
  ...{ verdict: "missed", reason: "2% of 100 tasks, 2 of them", value: 0.02, n: 100 },
});
const DOUBTFUL = threshold("p99(all) < 1s", {
  ...{ verdict: "inconclusive", reason: "99 tasks are too few, it needs 100", value: null, n: 99 },
});
const GUARD: GuardStanding = {
  ...{ name: "deep-queue", watch: "queueLength", action: "pause", state: "ok", seconds: 3 },
  ...{ subject: "queue celery of main", value: 7, limit: 5, resumeBelow: 1, headroomRatio: 0 },
  ...{ unknown: null, firedTotal: 2, scenarios: [], factor: 1 },
};

/** By each verdict, the words that JUnit has for it. */
const RUNS = [
  ["met", reportOf(), /tests="2" failures="0" errors="0" skipped="0"/],
  [
    "missed",
    reportOf(["app.a"], { thresholds: [MISSED, DOUBTFUL] }),
    /failures="1" errors="0" skipped="1"/,
  ],
  [
    "inconclusive",
    reportOf(["app.a"], { thresholds: [DOUBTFUL] }),
    /failures="0" errors="0" skipped="1"/,
  ],
  [
    "inconclusive",
    reportOf(["app.a"], { stoppedBySignal: true }),
    /failures="0" errors="0" skipped="0"/,
  ],
  ["inconclusive", reportOf(["app.a"], { guards: [GUARD] }), /failures="0" errors="0" skipped="1"/],
  [
    "missed",
    reportOf(["app.a"], {
      checks: { sum: { passed: 9, failed: 1 }, sign: { passed: 4, failed: 0 } },
    }),
    /tests="4" failures="1" errors="0" skipped="0"/,
  ],
  ["met", reportOf(["app.a"], { guards: [{ ...GUARD, action: "warn" }] }), /skipped="0"/],
] as const;

for (const [index, [verdict, report, counts]] of RUNS.entries()) {
  test(`report ${index + 1}: a run that is ${verdict} says so first, everywhere`, () => {
    assert.equal(report.verdict.verdict, verdict);
    assert.match(summaryMarkdown(report), new RegExp(`^## \\S+ ${verdict}`, "i"));
    assert.match(junitText(report, { isStrict: false }), counts);
    // What was written is what the schema wants.
    assert.deepEqual(runReport.parse(JSON.parse(JSON.stringify(report))), report);
  });
}

test("with --strict what is inconclusive is an error", () => {
  const report = reportOf(["app.a"], { thresholds: [DOUBTFUL] });
  const junit = junitText(report, { isStrict: true });
  assert.match(junit, /failures="0" errors="1" skipped="0"/);
  assert.match(junit, /<error type="inconclusive" message="99 tasks are too few, it needs 100">/);
  assert.doesNotMatch(junit, /<skipped/);
});

test("a case has its scenario, its time, and in its body value, limit, n and what speaks for it", () => {
  const junit = junitText(reportOf(["app.a"], { thresholds: [MISSED] }), { isStrict: false });
  assert.match(junit, /<testsuite name="scenario-0" /);
  const [body] = /<testcase name="threshold failed.*?<\/testcase>/s.exec(junit)!;
  assert.equal(
    body,
    `<testcase name="threshold failed(all) &lt; 1%" classname="scenario-0" time="10.000"><failure type="missed" message="2% of 100 tasks, 2 of them">missed: 2% of 100 tasks, 2 of them
value: 2%
limit: 1%
n: 100
slow side of app.a: code for 4 s</failure></testcase>`,
  );
});

test("of many tasks the summary names the three that did worst", () => {
  const summary = summaryMarkdown(reportOf(["app.a", "app.b", "app.c", "app.d"]));
  assert.match(summary, /The 3 worst of 4 tasks:\n- app\.d: .*\n- app\.c: .*\n- app\.b: .*\n\n/);
  assert.match(
    summary,
    /app\.d: 100 of 100 succeeded, p50 40\.\d ms, .*most of it in run \(p95 2\d/,
  );
});

test("names that mean something in Markdown stay names, and a cell stays a cell", () => {
  const summary = summaryMarkdown(reportOf(["a|b_*<script>\n# x"], { thresholds: [MISSED] }));
  assert.match(summary, /- a\\\|b\\_\\\*&lt;script&gt; \\# x: 100 of 100/);
  const rows = summary.split("\n").filter((line) => line.startsWith("|"));
  assert.ok(
    rows.every((row) => row.match(/(?<!\\)\|/g)!.length === 6),
    rows.join("\n"),
  );
});

test("no text breaks the XML: what it cannot hold is replaced", () => {
  assert.equal(xmlText("a\u0000b\u000bc\ud800d\uffffe <&>"), "a�b�c�d�e &lt;&amp;&gt;");
  assert.equal(xmlText("]]> 😀"), "]]&gt; 😀");
  assert.equal(xmlAttributes({ a: 'x"\n\t<' }), ' a="x&quot;&#10;&#9;&lt;"');
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const xml = xmlText(text);
      assert.doesNotMatch(xml, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff<]/);
      // Half of a surrogate pair would come back as another character.
      assert.equal(Buffer.from(xml).toString(), xml);
    }),
  );
});

test("a histogram of the report has cells by pairs, and all of them", () => {
  const { histograms, blocks, ledger } = reportOf(["app.a", "app.b"]);
  const { count, sumSeconds, cells } = histograms.tasks["app.b"]!.latency.succeeded;
  assert.deepEqual([count, sumSeconds, cells.length, cells[1]], [100, 2, 2, 100]);
  assert.deepEqual(blocks.tasks["app.b"]!.latency.succeeded, [{ count, sumSeconds, cells }]);
  assert.equal(blocks.tasks["app.b"]!.counts.planned![0], 100);
  // A phase's percentiles are those of its fine table.
  assert.ok(Math.abs(ledger.tasks["app.b"]!.phases.run!.p95! / 0.01 - 1) < 0.01);
});

test("docs/report.schema.json is what the writer has its type from", () => {
  const text = `${JSON.stringify(reportJsonSchema(), null, 2)}\n`;
  assert.equal(repositoryText("docs/report.schema.json"), text, "run npm run generate");
});
