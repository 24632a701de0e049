import { GUARD_STATES } from "../guards/guard.js";
import type { GuardStanding } from "../guards/guard-watch.js";
import type { LedgerMetric, MakeMetric } from "./ledger-metric.js";
import { METRICS } from "./metrics.js";

export function guardMetrics(
  metric: MakeMetric,
  guards: () => readonly GuardStanding[],
): LedgerMetric[] {
  return [
    metric(METRICS.guardState, (_ledger, emit) => {
      for (const { name: guard, state: current } of guards()) {
        for (const state of GUARD_STATES) emit({ guard, state }, state === current ? 1 : 0);
      }
    }),
    metric(METRICS.guardHeadroom, (_ledger, emit) => {
      for (const { name: guard, headroomRatio } of guards()) {
        if (headroomRatio !== null) emit({ guard }, headroomRatio);
      }
    }),
    metric(METRICS.guardFired, (_ledger, emit) => {
      for (const { name: guard, firedTotal } of guards()) emit({ guard }, firedTotal);
    }),
  ];
}
