import type { SteeringReading } from "../control/steering-reading.js";
import type { LedgerMetric, MakeMetric } from "./ledger-metric.js";
import { METRICS } from "./metrics.js";

/** What was ordered, and how the state file does. */
export function steeringMetrics(
  metric: MakeMetric,
  steering: () => SteeringReading,
): LedgerMetric[] {
  return [
    metric(METRICS.orders, (_ledger, emit) => {
      for (const { kind, actor, count } of steering().orders) emit({ kind, actor }, count);
    }),
    metric(METRICS.overridesActive, (_ledger, emit) => {
      for (const { name, overrides } of steering().scenarios) emit({ scenario: name }, overrides);
    }),
    metric(METRICS.killSwitch, (_ledger, emit) => emit({}, Number(steering().isKilled))),
    metric(METRICS.stateWriteFailures, (_ledger, emit) =>
      emit({}, steering().stateFile.writeFailures),
    ),
    metric(METRICS.downtime, (_ledger, emit) => emit({}, steering().stateFile.downtimeSeconds)),
  ];
}
