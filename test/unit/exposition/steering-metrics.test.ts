import assert from "node:assert/strict";
import { test } from "node:test";
import { KNOWN_ORDERS, unsteered } from "../../../src/control/steering-reading.js";
import { SnapshotMetric } from "../../../src/exposition/snapshot-metric.js";
import { steeringMetrics } from "../../../src/exposition/steering-metrics.js";
import { STEERED } from "./observed.js";

async function valuesOf(steering = STEERED) {
  const metrics = steeringMetrics(
    (spec, collect) => new SnapshotMetric(spec, () => null as never, collect),
    () => steering,
  );
  const read = await Promise.all(metrics.map((metric) => metric.get()));
  return read.flatMap(({ values }) => values);
}

test("every order that can come is there from the start at 0", async () => {
  const values = await valuesOf(unsteered(["steady", "other"]));
  assert.equal(values.length, KNOWN_ORDERS.length + 2 + 3);
  assert.ok(values.every(({ value }) => value === 0));
});

test("what was ordered and how the state file does", async () => {
  const values = await valuesOf({
    ...STEERED,
    isKilled: true,
    orders: [{ kind: "pause", actor: "guard", count: 3 }],
    stateFile: { writeFailures: 2, isFailing: true, downtimeSeconds: 12.5 },
  });
  assert.deepEqual(
    values.map(({ metricName, labels, value }) => [metricName, labels, value]),
    [
      ["celery_load_orders_total", { kind: "pause", actor: "guard" }, 3],
      ["celery_load_overrides_active", { scenario: "steady" }, 1],
      ["celery_load_kill_switch", {}, 1],
      ["celery_load_state_write_failures_total", {}, 2],
      ["celery_load_downtime_seconds_total", {}, 12.5],
    ],
  );
});
