import { PHASES } from "../readings/label-values.js";
import type { LedgerView } from "../readings/ledger-view.js";

/** How long a phase of a task took, as `--json` prints it: seconds, null when it was never measured. */
export interface PhaseReport {
  readonly count: number;
  readonly meanSeconds: number | null;
  /** From the buckets of the phase's histogram, as Prometheus' `histogram_quantile` does it. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** By the names of the phases, of some entries together. */
export function phaseReports(
  ledger: LedgerView,
  entries: readonly number[],
): Record<string, PhaseReport> {
  return Object.fromEntries(
    Object.entries(PHASES).map(([phase, histogram]) => {
      const boundsMs = ledger.boundsMs(histogram);
      const counts = new Float64Array(boundsMs.length + 1);
      let sumMs = 0;
      for (const entry of entries) sumMs += ledger.addHistogram(entry, histogram, counts);
      const count = counts.reduce((sum, each) => sum + each, 0);
      const quantile = (q: number) =>
        count === 0 ? null : bucketQuantileMs(counts, boundsMs, q) / 1000;
      const report: PhaseReport = {
        count,
        meanSeconds: count === 0 ? null : sumMs / count / 1000,
        p50: quantile(0.5),
        p95: quantile(0.95),
        p99: quantile(0.99),
      };
      return [phase, report];
    }),
  );
}

/**
 * A quantile from counts by bucket (the last is +Inf), as `histogram_quantile` of Prometheus (promql/quantile.go):
 * values lie evenly in their bucket, and of those above the last bound that bound is all that is known.
 */
function bucketQuantileMs(counts: Float64Array, boundsMs: readonly number[], q: number): number {
  const rank = q * counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [bucket, boundMs] of boundsMs.entries()) {
    const count = counts[bucket]!;
    if (count > 0 && below + count >= rank) {
      const fromMs = boundsMs[bucket - 1] ?? 0;
      return fromMs + ((boundMs - fromMs) * (rank - below)) / count;
    }
    below += count;
  }
  return boundsMs.at(-1)!;
}
