import assert from "node:assert/strict";
import { test } from "node:test";
import { type ThresholdPlan, ThresholdWatch } from "../../../src/diagnosis/threshold-watch.js";
import { Run } from "../history/run.js";

const PLAN: ThresholdPlan = {
  ...{ text: "p50(all) < 100ms", measure: { kind: "quantile", q: 0.5 }, comparison: "<" },
  ...{ limit: 0.1, abort: false, afterMs: 0, entries: [0, 1], scenarios: [0] },
};
const FAILED: ThresholdPlan = {
  ...{ ...PLAN, text: "failed(all) < 1%", measure: { kind: "failed" }, limit: 0.01 },
};

function setUp(plans: readonly ThresholdPlan[] = [PLAN, FAILED]) {
  const run = new Run(["app.a", "app.b"]);
  const watch = new ThresholdWatch(plans);
  const look = (on = watch) => on.look(run.ledger);
  const judge = (seconds = 100, on = watch) =>
    on
      .judge({ seconds, plannedSeconds: () => [10] })
      .map(({ verdict, reason }) => [verdict, reason]);
  return { run, watch, look, judge };
}

test("latencies of all that is meant are judged together, failed ones too", () => {
  const { run, look, judge } = setUp();
  run.end(0, 60, 50);
  look();
  run.end(1, 30, 500, "failed");
  look();
  assert.deepEqual(judge(), [
    ["met", "50.3 ms of 90 tasks"],
    ["missed", "33.3% of 90 tasks, 30 of them"],
  ]);
});

test("what ends in a second in which this daemon was the bottleneck is left out", () => {
  const { run, look, judge } = setUp();
  run.end(0, 20, 50);
  look();
  run.saturate(0.5);
  run.end(0, 100, 5_000, "failed");
  look();
  run.end(0, 20, 60);
  look();
  assert.deepEqual(judge(), [
    ["met", "50.3 ms of 40 tasks"],
    ["met", "0% of 40 tasks"],
  ]);
  // Half a second of five is too much of it.
  assert.match(judge(5)[0]!.join(" "), /^inconclusive this daemon was the bottleneck for 10%/);
});

test("timed out, revoked, refused and dropped ones are longer than any; drops of ours count for nothing", () => {
  for (const [counter, verdict] of [
    ["timedOut", "missed"],
    ["revoked", "missed"],
    ["unknown", "missed"],
    ["droppedInFlight", "missed"],
    ["failedRejected", "missed"],
    ["droppedSaturated", "met"],
    ["droppedCeiling", "met"],
    ["failedInvalid", "met"],
  ] as const) {
    const { run, look, judge } = setUp([PLAN]);
    run.end(0, 40, 50);
    run.count(0, counter, 60);
    look();
    assert.equal(judge()[0]![0], verdict, counter);
  }
});

test("what a stop by hand cut off is nobody's fault", () => {
  const { run, watch, look, judge } = setUp([PLAN]);
  run.end(0, 40, 50);
  look();
  run.count(0, "unknown", 200);
  watch.look(run.ledger, true);
  assert.deepEqual(judge(), [["met", "50.3 ms of 40 tasks"]]);
});

test("a plan that takes over goes on with what was counted, and with the time that was ours", () => {
  const { run, watch, look, judge } = setUp([FAILED]);
  run.end(0, 50, 50);
  run.saturate(1);
  look();
  run.end(0, 99, 50);
  run.end(0, 1, 50, "failed");
  look();
  // The new ledger has the counts of the old one; its clock of saturation begins anew.
  const next = new ThresholdWatch([FAILED, PLAN], watch);
  run.saturate(-1);
  look(next);
  assert.deepEqual(judge(100, next)[0], ["missed", "1% of 100 tasks, 1 of them"]);
  assert.equal(next.saturatedSeconds, 1);
});
