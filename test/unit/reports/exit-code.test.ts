import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndReport } from "../../../src/reports/end-report.js";
import { exitCodeOf } from "../../../src/reports/exit-code.js";
import type { Verdict } from "../../../src/slo/verdict.js";

function codeOf(
  verdicts: readonly Verdict[],
  {
    isBounded = true,
    exitOnSlo = true,
    stoppedBySignal = false,
    published = 5,
    unconfirmed = 0,
    succeeded = 0,
    thresholds = [] as readonly Verdict[],
  } = {},
): number {
  const slos = Object.fromEntries(verdicts.map((verdict, index) => [`slo-${index}`, { verdict }]));
  const report = {
    stoppedBySignal,
    total: { planned: 5, published, unconfirmed, outcomes: { succeeded } },
    slos,
    thresholds: thresholds.map((verdict) => ({ verdict })),
  };
  return exitCodeOf(report as unknown as EndReport, { isBounded, exitOnSlo });
}

test("with --exit-on-slo an SLO that is missed ends with 99, one that is inconclusive with 98", () => {
  assert.equal(codeOf(["met", "met"]), 0);
  assert.equal(codeOf(["met", "inconclusive"]), 98);
  assert.equal(codeOf(["inconclusive", "missed", "met"]), 99);
  assert.equal(codeOf(["missed"], { isBounded: false, stoppedBySignal: true }), 99);
  assert.equal(codeOf(["missed"], { published: 0 }), 99);
});

test("without --exit-on-slo the SLOs decide nothing", () => {
  assert.equal(codeOf(["missed"], { exitOnSlo: false }), 0);
});

test("thresholds decide by themselves, as in k6", () => {
  const code = (thresholds: readonly Verdict[], more = {}) =>
    codeOf([], { exitOnSlo: false, thresholds, ...more });
  assert.equal(code(["met", "met"]), 0);
  assert.equal(code(["met", "inconclusive"]), 98);
  assert.equal(code(["inconclusive", "missed"]), 99);
  assert.equal(code(["missed"], { isBounded: false, stoppedBySignal: true }), 99);
  assert.equal(code(["missed"], { stoppedBySignal: true }), 105);
  assert.equal(codeOf(["missed"], { exitOnSlo: false, thresholds: ["inconclusive"] }), 98);
});

test("a run that was stopped before its end ends with 105, one of which nothing was taken with 1", () => {
  assert.equal(codeOf(["missed"], { stoppedBySignal: true }), 105);
  assert.equal(codeOf(["inconclusive"], { published: 0 }), 1);
  assert.equal(codeOf([], { published: 0, isBounded: false }), 0);
  assert.equal(codeOf([], { unconfirmed: 5 }), 1);
  assert.equal(codeOf([], { unconfirmed: 4 }), 0);
  assert.equal(codeOf([], { unconfirmed: 5, succeeded: 1 }), 0);
  assert.equal(codeOf([], { stoppedBySignal: true, isBounded: false }), 0);
});
