import { quantileMs } from "../../ledger/histogram.js";
import type { LedgerView } from "../../readings/ledger-view.js";
import type { GuardPlan, GuardSubject } from "../guard-plan.js";
import { EVERY_MS, MIN_SAMPLES, Recent, WINDOW_MS } from "./recent.js";
import { known, unknown, type Watcher } from "./watch.js";

interface Latencies {
  readonly counts: Float64Array;
  /** They have no latency, and took longer than any. */
  readonly timedOut: number;
}

/** A quantile of the latencies of the last minute in milliseconds; infinite where that many have timed out. */
export function watchLatency(
  { entries }: GuardSubject,
  { quantile }: Pick<GuardPlan, "quantile">,
): Watcher {
  const recent = new Recent<Latencies>(WINDOW_MS, EVERY_MS);
  return {
    look({ ledger, nowMs }) {
      const now = latenciesOf(ledger, entries);
      const { totals: first } = recent.look(nowMs, now);
      const counts = now.counts.map((count, index) => count - first.counts[index]!);
      const measured = counts.reduce((sum, count) => sum + count, 0);
      const all = measured + now.timedOut - first.timedOut;
      if (all < MIN_SAMPLES) {
        return unknown(`only ${all} latencies were measured in the last minute`, true);
      }
      const rank = quantile * all;
      return known(
        rank > measured ? Number.POSITIVE_INFINITY : quantileMs(counts, rank / measured),
      );
    },
  };
}

function latenciesOf(ledger: LedgerView, entries: readonly number[]): Latencies {
  const counts = new Float64Array(ledger.fineCounts(0, "latencySucceeded").length);
  let timedOut = 0;
  for (const entry of entries) {
    timedOut += ledger.counter(entry, "timedOut");
    for (const name of ["latencySucceeded", "latencyFailed"] as const) {
      for (const [index, count] of ledger.fineCounts(entry, name).entries())
        counts[index]! += count;
    }
  }
  return { counts, timedOut };
}
