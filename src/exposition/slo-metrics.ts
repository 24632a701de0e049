import type { SloCounter } from "../ledger/layout.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import type { LedgerMetric, MakeMetric } from "./ledger-metric.js";
import { METRICS, type MetricSpec } from "./metrics.js";

/** Why an event does not count: label value → counter of the ledger. */
export const SLO_EXCLUSIONS = {
  warmup: "excludedWarmup",
  saturated: "excludedSaturated",
  stopped: "excludedStopped",
  invalid: "excludedInvalid",
} as const satisfies Record<string, SloCounter>;

/** An SLO in one scenario for one task, and the rows of the ledger that count for it. */
export interface SloPart {
  readonly slo: Subject["slos"][number];
  readonly labels: { readonly slo: string; readonly scenario: string; readonly task: string };
  readonly rows: number[];
}

export function sloMetrics(subject: Subject, metric: MakeMetric): LedgerMetric[] {
  const parts = sloParts(subject);
  const gauge = (spec: MetricSpec, read: (slo: SloPart["slo"]) => number | null) =>
    metric(spec, (_ledger, emit) => {
      for (const { slo, labels } of parts) {
        const value = read(slo);
        if (value !== null) emit(labels, value);
      }
    });
  const counter = (spec: MetricSpec, name: SloCounter) =>
    metric(spec, (ledger, emit) => {
      for (const { labels, rows } of parts) emit(labels, sloCount(ledger, rows, name));
    });
  return [
    gauge(METRICS.sloObjective, ({ objectiveRatio }) => objectiveRatio),
    gauge(METRICS.sloLatencyThreshold, ({ latencyMs }) =>
      latencyMs === null ? null : latencyMs / 1000,
    ),
    gauge(METRICS.sloWindow, ({ windowMs }) => windowMs / 1000),
    counter(METRICS.sloEvents, "events"),
    counter(METRICS.sloBadEvents, "bad"),
    metric(METRICS.sloExcluded, (ledger, emit) => {
      for (const { name, rows } of subject.slos) {
        const all = rows.map(({ row }) => row);
        for (const [reason, of] of Object.entries(SLO_EXCLUSIONS)) {
          emit({ slo: name, reason }, sloCount(ledger, all, of));
        }
      }
    }),
  ];
}

/** Sum of a counter over rows of the ledger. */
export function sloCount(ledger: LedgerView, rows: readonly number[], name: SloCounter): number {
  return rows.reduce((sum, row) => sum + ledger.slo(row, name), 0);
}

/** Tasks of one name in a scenario are one series, whatever their arguments. */
export function sloParts(subject: Subject): SloPart[] {
  const parts = new Map<string, SloPart>();
  for (const slo of subject.slos) {
    for (const { row, entry } of slo.rows) {
      const { scenario, task } = subject.entries[entry]!;
      const labels = { slo: slo.name, scenario: subject.scenarios[scenario]!.name, task };
      const key = JSON.stringify(labels);
      const known = parts.get(key);
      if (known === undefined) parts.set(key, { slo, labels, rows: [row] });
      else known.rows.push(row);
    }
  }
  return [...parts.values()];
}
