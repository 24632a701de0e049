import type { ScriptReading } from "../readings/script-reading.js";
import type { Subject } from "../readings/subject.js";
import type { LedgerMetric, MakeMetric } from "./ledger-metric.js";
import { METRICS } from "./metrics.js";

/** What the user's code does. */
export function scriptMetrics(
  { modules }: Subject,
  metric: MakeMetric,
  reading: () => ScriptReading,
): LedgerMetric[] {
  const scripts = modules.flatMap((module) => module.scripts);
  return [
    metric(METRICS.scriptIterations, (_ledger, emit) => {
      for (const scenario of scripts) {
        const counts = reading().scenarios.get(scenario);
        emit({ scenario, outcome: "succeeded" }, counts?.succeeded ?? 0);
        emit({ scenario, outcome: "failed" }, counts?.failed ?? 0);
      }
    }),
    metric(METRICS.scriptChecks, (_ledger, emit) => {
      for (const scenario of scripts) {
        for (const [check, counts] of reading().scenarios.get(scenario)?.checks ?? []) {
          emit({ scenario, check, outcome: "passed" }, counts.passed);
          emit({ scenario, check, outcome: "failed" }, counts.failed);
        }
      }
    }),
    metric(METRICS.moduleFaults, (_ledger, emit) => {
      for (const { file } of modules) {
        emit({ module: file }, reading().modules.get(file)?.faults ?? 0);
      }
    }),
    metric(METRICS.moduleRestarts, (_ledger, emit) => {
      for (const { file } of modules) {
        emit({ module: file }, reading().modules.get(file)?.restarts ?? 0);
      }
    }),
  ];
}
