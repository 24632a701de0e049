import type { LeaseReading } from "../readings/lease-reading.js";
import type { LedgerMetric, MakeMetric } from "./ledger-metric.js";
import { METRICS } from "./metrics.js";

export function leaseMetrics(
  metric: MakeMetric,
  leases: () => readonly LeaseReading[],
): LedgerMetric[] {
  return [
    metric(METRICS.leaseHeld, (_ledger, emit) => {
      for (const { scenario, segment, phase } of leases()) {
        emit({ scenario, segment }, phase === "held" ? 1 : 0);
      }
    }),
  ];
}
