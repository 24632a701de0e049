import assert from "node:assert/strict";
import { test } from "node:test";
import type { LedgerReport, TaskReport } from "../../../src/reports/task-report.js";
import { kindsOf } from "../../matrix/kinds.js";
import {
  differences,
  expectedRuns,
  expectedTallies,
  pageTallies,
  reportTallies,
} from "../../matrix/tally.js";
import { Metrics } from "../../support/metrics.js";

const kinds = kindsOf({ celery: "5.7", broker: "redis" });

/** tests.exhausted of a trial that went well, as /metrics says it. */
const PAGE = `
celery_load_tasks_planned_total{scenario="trial",task="tests.exhausted"} 10
celery_load_tasks_published_total{scenario="trial",task="tests.exhausted",queue="a"} 6
celery_load_tasks_published_total{scenario="trial",task="tests.exhausted",queue="b"} 4
celery_load_tasks_dropped_total{scenario="trial",task="tests.exhausted",reason="saturated"} 0
celery_load_publish_failures_total{scenario="trial",task="tests.exhausted",kind="rejected"} 0
celery_load_task_outcomes_total{scenario="trial",task="tests.exhausted",outcome="succeeded"} 0
celery_load_task_outcomes_total{scenario="trial",task="tests.exhausted",outcome="failed"} 10
celery_load_task_errors_total{scenario="trial",task="tests.exhausted",exception="Flaky"} 10
celery_load_task_errors_total{scenario="trial",task="tests.exhausted",exception="other"} 0
celery_load_task_retries_total{scenario="trial",task="tests.exhausted"} 10
celery_load_late_results_total{scenario="trial",task="tests.exhausted"} 0
celery_load_duplicate_results_total{scenario="trial",task="tests.exhausted"} 0
celery_load_results_recovered_total{scenario="trial",task="tests.exhausted"} 0
celery_load_tasks_publishing{scenario="trial",task="tests.exhausted"} 0
celery_load_tasks_in_flight{scenario="trial",task="tests.exhausted"} 0
celery_load_task_latency_seconds_count{scenario="trial",task="tests.exhausted",outcome="failed"} 10
`;
const expected = { "tests.exhausted": expectedTallies(kinds)["tests.exhausted"]! };
const pageDifferences = (text: string) => differences(pageTallies(new Metrics(text)), expected);

test("a page that says what was expected has no differences", () => {
  assert.deepEqual(pageDifferences(PAGE), []);
});

test("every count of a page that is one too many is a difference of its own", () => {
  const lines = PAGE.trim()
    .split("\n")
    .filter((line) => !line.includes("latency"));
  for (const line of lines) {
    const wrong = line.replace(/\d+$/, (count) => String(Number(count) + 1));
    assert.equal(pageDifferences(PAGE.replace(line, wrong)).length, 1, line);
  }
});

test("differences() says what is wrong, of missing and of unexpected tasks too", () => {
  const text = PAGE.replace('exception="Flaky"} 10', 'exception="Flaky"} 9');
  assert.deepEqual(pageDifferences(text), ["tests.exhausted: error Flaky is 9 instead of 10"]);
  assert.deepEqual(differences({ a: { runs: 1, late: 0 } }, { b: { runs: 2 }, c: { runs: 0 } }), [
    "a: runs is 1 instead of 0",
    "b: runs is 0 instead of 2",
  ]);
});

test("kinds of one registered name are counted together", () => {
  assert.deepEqual(expectedTallies(kinds)["tests.add"], {
    planned: 30,
    published: 30,
    succeeded: 20,
    failed: 10,
    "error TypeError": 10,
    retries: 0,
  });
  assert.deepEqual(expectedRuns(kinds)["tests.retry"], { runs: 60 });
  assert.deepEqual(expectedRuns(kinds)["tests.no_such_task"], { runs: 0 });
});

test("an end report is compared by the same counts as a page", () => {
  const task: TaskReport = {
    planned: 10,
    published: 10,
    unconfirmed: 0,
    dropped: { saturated: 0 },
    publishFailures: { unroutable: 0 },
    outcomes: { succeeded: 0, failed: 10 },
    retries: 10,
    late: 0,
    duplicate: 0,
    recovered: 0,
    errors: { Flaky: 10 },
    latencySeconds: { p50: 1, p95: 1, p99: 1, p999: 1, max: 1 },
  };
  const report = (change: Partial<TaskReport>): LedgerReport => ({
    balanced: true,
    total: task,
    tasks: { "tests.exhausted": { ...task, ...change } },
    slos: {},
  });
  const found = (change: Partial<TaskReport>) =>
    differences(reportTallies(report(change)), expected);
  assert.deepEqual(found({}), []);
  for (const change of [
    { planned: 11 },
    { published: 9 },
    { dropped: { saturated: 1 } },
    { publishFailures: { unroutable: 1 } },
    { outcomes: { failed: 9 } },
    { retries: 9 },
    { late: 1 },
    { duplicate: 1 },
    { recovered: 1 },
    { errors: { Flaky: 9 } },
  ]) {
    assert.equal(found(change).length, 1, JSON.stringify(change));
  }
});
