import type { WatchedDrift } from "../diagnosis/drift.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { MakeMetric } from "./ledger-metric.js";
import { METRICS, type MetricSpec } from "./metrics.js";
import type { SnapshotMetric } from "./snapshot-metric.js";

export function driftMetrics(
  metric: MakeMetric,
  drifts: () => readonly WatchedDrift[],
): SnapshotMetric<LedgerView>[] {
  const each = (spec: MetricSpec, read: (drift: WatchedDrift) => number) =>
    metric(spec, (_ledger, emit) => {
      for (const drift of drifts()) {
        // To Prometheus an empty label is none.
        const { task = "", connection = "", queue = "" } = drift.labels;
        emit({ what: drift.what, task, connection, queue }, read(drift));
      }
    });
  return [
    each(METRICS.drift, ({ perHour }) => perHour),
    each(METRICS.driftSignificant, ({ isSignificant }) => Number(isSignificant)),
  ];
}
