import assert from "node:assert/strict";
import { test } from "node:test";
import { labelValues } from "../../../src/docs/label-values.js";
import { engineMetrics } from "../../../src/exposition/engine-metrics.js";
import { METRIC_PREFIX, METRICS, type MetricKey } from "../../../src/exposition/metrics.js";
import { createLayout } from "../../../src/ledger/layout.js";
import { ledgerBytes, openLedger } from "../../../src/ledger/snapshot.js";
import { createProfile } from "../../../src/plan/profile.js";
import { LedgerView } from "../../../src/readings/ledger-view.js";
import type { ScriptReading } from "../../../src/readings/script-reading.js";
import {
  DRIFTS,
  GUARDS,
  LEASES,
  OBSERVED,
  RELOADED,
  SIDES_OF,
  STEERED,
} from "../exposition/observed.js";

/** One check of a script has been made. */
const SCRIPTS: ScriptReading = {
  scenarios: new Map([
    ["steady", { succeeded: 0, failed: 0, checks: new Map([["a sum", { passed: 0, failed: 0 }]]) }],
  ]),
  modules: new Map(),
};

const keys = Object.keys(METRICS) as MetricKey[];

test("every label of every metric has its values or the place that they come from", () => {
  for (const key of keys) {
    for (const label of METRICS[key].labels) {
      const values = labelValues(key, label);
      assert.ok(values !== undefined && values.length > 0, `${METRICS[key].name}: ${label}`);
    }
  }
});

test("the fixed values of a label are exactly those that the daemon exposes from the start", async () => {
  const exposed = await exposedLabels();
  for (const key of keys) {
    for (const label of METRICS[key].labels) {
      const values = labelValues(key, label);
      if (typeof values !== "object") continue;
      const name = METRIC_PREFIX + METRICS[key].name;
      assert.deepEqual([...exposed(name, label)].sort(), [...values].sort(), `${name}: ${label}`);
    }
  }
});

test("the label stage is the number and the words of the stage", async () => {
  const exposed = await exposedLabels();
  assert.deepEqual(
    [...exposed("celery_load_stage_info", "stage")],
    [
      "1: 0/s to 30/s over 10s",
      "2: 30/s for 30s",
      "3: sine",
      "4: week",
      "5: replay",
      "6: backlog",
      "7: topUp",
    ],
  );
});

/** Stages of the shapes that have one of their own. */
const OTHER_STAGES = (["sine", "week", "replay", "backlog", "topUp"] as const).map((kind) => ({
  ...{ name: kind, kind, durationMs: Infinity },
}));

/** The values of a metric's label on the first page of a daemon with a ramp that ends in a hold. */
async function exposedLabels(): Promise<(name: string, label: string) => Set<string>> {
  const ramp = {
    kind: "ramp",
    fromPerSecond: 0,
    stages: [
      { toPerSecond: 30, durationMs: 10_000 },
      { toPerSecond: 30, durationMs: 30_000 },
    ],
  } as const;
  const layout = createLayout({
    entries: 2,
    scenarios: 1,
    connections: 1,
    bucketsMs: [1000],
    phaseBucketsMs: [1000],
    data: 1,
    exceptionRows: 2,
    sloRows: 1,
    userRows: 0,
    slots: 1,
  });
  const { live } = openLedger(layout, new SharedArrayBuffer(ledgerBytes(layout)));
  const metrics = engineMetrics(
    {
      scenarios: [{ name: "steady", stages: [...createProfile(ramp).stages, ...OTHER_STAGES] }],
      entries: [{ scenario: 0, task: "app.add", queue: "celery", userRow: null }],
      members: [{ row: 1, workflow: 0, task: "app.sub" }],
      connections: ["main"],
      slos: [
        {
          name: "fast",
          objectiveRatio: 0.99,
          latencyMs: 1000,
          windowMs: 1000,
          rows: [{ row: 0, entry: 0 }],
        },
      ],
      modules: [{ file: "shopper.mjs", scripts: ["steady"] }],
      data: [{ name: "rows", rows: 3, endsScenarios: [] }],
      exceptions: [],
      version: "1.2.3",
      commit: "abc",
      configHash: "feed",
    },
    {
      view: () => new LedgerView(layout, [live]),
      observed: () => [OBSERVED],
      sides: () => SIDES_OF,
      drifts: () => DRIFTS,
      scripts: () => SCRIPTS,
      leases: () => LEASES,
      guards: () => GUARDS,
      steering: () => STEERED,
      reload: () => RELOADED,
    },
  );
  const pages = new Map(
    await Promise.all(metrics.map(async (metric) => [metric.name, await metric.get()] as const)),
  );
  return (name, label) =>
    new Set(pages.get(name)?.values.map(({ labels }) => String(labels[label])) ?? []);
}
