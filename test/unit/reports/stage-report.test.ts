import assert from "node:assert/strict";
import { test } from "node:test";
import { FINE } from "../../../src/ledger/layout.js";
import {
  createStageLayout,
  mergeStageCells,
  STAGE_COUNTERS,
  type StageCounter,
} from "../../../src/ledger/stage-rows.js";
import { type StageSummary, withFormerStages } from "../../../src/reports/stage-report.js";

function row(scenario: string, number: number, name: string, planned: number): StageSummary {
  const none = STAGE_COUNTERS.map((counter) => [counter, 0]);
  const counters = { ...Object.fromEntries(none), planned } as Record<StageCounter, number>;
  const latencies = new Float64Array(FINE.size);
  latencies[7] = planned;
  return {
    ...{ scenario, number, name, stages: 1, kind: "hold", seconds: planned / 10 },
    ...{ counters, latencies },
  };
}

const shown = (rows: readonly StageSummary[]) =>
  rows.map(({ scenario, number, name, seconds, counters, latencies }) => [
    ...[scenario, number, name],
    ...[seconds, counters.planned, latencies[7]],
  ]);

test("stages of plans before: the same goes on in its row, all others are one row a scenario", () => {
  const first = [
    row("a", 1, "5/s for 1m", 10),
    row("a", 2, "9/s for 1m", 20),
    row("gone", 1, "1/s", 30),
  ];
  const second = [row("a", 1, "5/s for 1m", 40), row("a", 2, "7/s for 1m", 50)];
  const third = [row("a", 1, "5/s for 1m", 60), row("b", 1, "2/s", 70)];
  const former = withFormerStages(second, withFormerStages(first, []));
  assert.deepEqual(shown(withFormerStages(third, former)), [
    ["a", 1, "5/s for 1m", 11, 110, 110],
    ["b", 1, "2/s", 7, 70, 70],
    ["a", 0, "stages of plans before", 7, 70, 70],
    ["gone", 0, "stages of plans before", 3, 30, 30],
  ]);
});

test("threads add their counts, and drive the same time", () => {
  const layout = createStageLayout([2]);
  const cells = [1, 2].map((thread) => {
    const own = new Float64Array(layout.cellCount);
    own[layout.counter(layout.row(0, 1), "unknown")] = thread;
    own[layout.fineAt(layout.row(0, 1)) + FINE.size - 1] = thread;
    own[layout.lastedAt(layout.row(0, 1))] = 1_000;
    return own;
  });
  const merged = mergeStageCells(layout, cells);
  assert.equal(merged[layout.counter(layout.row(0, 1), "unknown")], 3);
  assert.equal(merged[layout.fineAt(layout.row(0, 1)) + FINE.size - 1], 3);
  assert.equal(merged[layout.lastedAt(layout.row(0, 1))], 1_000);
});
