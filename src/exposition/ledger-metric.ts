import type { LedgerView } from "../readings/ledger-view.js";
import type { MetricSpec } from "./metrics.js";
import type { Emit, EmitHistogram, SnapshotMetric } from "./snapshot-metric.js";

/** A metric that is read from the engine's ledger. */
export type LedgerMetric = SnapshotMetric<LedgerView>;

/** Makes a metric that reads the snapshot of the scrape that is under way. */
export type MakeMetric = (
  spec: MetricSpec,
  collect: (view: LedgerView, emit: Emit, histogram: EmitHistogram) => void,
) => LedgerMetric;
