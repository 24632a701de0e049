import { quantileMs } from "../ledger/histogram.js";
import type { EntryCounter } from "../ledger/layout.js";
import { DROP_REASONS, OUTCOMES, PUBLISH_FAILURE_KINDS } from "../readings/label-values.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { entriesByTask, errorsOf, type Summary, summarize } from "../readings/summary.js";
import { type SloReport, sloReports } from "./slo-report.js";

/** What the ledger says at any time: of all, of each task and of each SLO. */
export interface LedgerReport {
  readonly balanced: boolean;
  readonly total: TaskReport;
  readonly tasks: Readonly<Record<string, TaskReport>>;
  readonly slos: Readonly<Record<string, SloReport>>;
}

export interface TaskReport {
  readonly planned: number;
  readonly published: number;
  /** Of those, without the broker's answer. */
  readonly unconfirmed: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly publishFailures: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly retries: number;
  readonly late: number;
  readonly duplicate: number;
  readonly recovered: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly latencySeconds: LatencyReport;
}

/** Seconds, null when there is none. */
export type LatencyReport = Readonly<Record<"p50" | "p95" | "p99" | "p999" | "max", number | null>>;

export function ledgerReport(ledger: LedgerView, subject: Subject): LedgerReport {
  const all = [...subject.entries.keys()];
  const report = (entries: readonly number[]) => reportOf(ledger, subject, entries);
  return {
    balanced: isBalanced(ledger, all),
    total: report(all),
    tasks: Object.fromEntries(
      [...entriesByTask(subject)].map(([task, entries]) => [task, report(entries)]),
    ),
    slos: sloReports(ledger, subject),
  };
}

/** Do both sums of the ledger hold for each of these entries? */
export function isBalanced(ledger: LedgerView, entries: readonly number[]): boolean {
  return entries.every((entry) => {
    const balance = ledger.balance(entry);
    return balance.planned === 0 && balance.published === 0;
  });
}

/** Of some entries together. */
export function reportOf(
  ledger: LedgerView,
  subject: Subject,
  entries: readonly number[],
): TaskReport {
  const errors = Object.fromEntries(errorsOf(ledger, subject, entries));
  return taskReport(summarize(ledger, entries), errors);
}

function taskReport(summary: Summary, errors: Record<string, number>): TaskReport {
  const { counters, latencies } = summary;
  return {
    planned: counters.planned,
    published: counters.published,
    unconfirmed: counters.unconfirmed,
    dropped: byLabel(DROP_REASONS, counters),
    publishFailures: byLabel(PUBLISH_FAILURE_KINDS, counters),
    outcomes: byLabel(OUTCOMES, counters),
    retries: counters.retries,
    late: counters.late,
    duplicate: counters.duplicate,
    recovered: counters.recovered,
    errors,
    latencySeconds: latencyReport(latencies),
  };
}

/** Of high-resolution counts. */
export function latencyReport(latencies: Float64Array): LatencyReport {
  const seconds = (q: number) => {
    const ms = quantileMs(latencies, q);
    return Number.isNaN(ms) ? null : ms / 1000;
  };
  return {
    p50: seconds(0.5),
    p95: seconds(0.95),
    p99: seconds(0.99),
    p999: seconds(0.999),
    max: seconds(1),
  };
}

/** Counts under the label values of the metrics. */
function byLabel(
  names: Readonly<Record<string, EntryCounter>>,
  counters: Summary["counters"],
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(names).map(([label, counter]) => [label, counters[counter]]),
  );
}
