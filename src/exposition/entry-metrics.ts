import type { EntryCounter, EntryHistogram } from "../ledger/layout.js";
import {
  type Group,
  groupByMember,
  groupByQueue,
  groupByTask,
  type RowReader,
  sumOf,
} from "../readings/entry-groups.js";
import {
  DROP_REASONS,
  LATENCY_OUTCOMES,
  LEFT_OUT_PHASES,
  MEMBER_OUTCOMES,
  OUTCOMES,
  PHASES,
  PUBLISH_FAILURE_KINDS,
  UNCERTAIN_PHASES,
} from "../readings/label-values.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import type { LedgerMetric, MakeMetric } from "./ledger-metric.js";
import { METRICS, type MetricSpec } from "./metrics.js";
import type { Emit } from "./snapshot-metric.js";

/** The books of the tasks, and of the members of those that are workflows. */
export function entryMetrics(subject: Subject, metric: MakeMetric): LedgerMetric[] {
  const byTask = groupByTask(subject);
  const byQueue = groupByQueue(subject);
  const byMember = groupByMember(subject);

  const sums = (spec: MetricSpec, groups: readonly Group[], read: RowReader) =>
    metric(spec, (ledger, emit) => {
      for (const { labels, rows } of groups) emit(labels, sumOf(rows, ledger, read));
    });
  const split = (
    spec: MetricSpec,
    by: readonly Group[],
    label: string,
    counters: Record<string, EntryCounter>,
  ) => {
    const groups = Object.entries(counters).flatMap(([value, counter]) =>
      by.map(({ labels, rows }) => ({
        labels: { ...labels, [label]: value },
        rows,
        counter,
      })),
    );
    return metric(spec, (ledger, emit) => {
      for (const { labels, rows, counter } of groups) {
        emit(
          labels,
          sumOf(rows, ledger, (view, row) => view.counter(row, counter)),
        );
      }
    });
  };
  const histograms = (
    spec: MetricSpec,
    by: readonly Group[],
    label: string,
    names: Record<string, EntryHistogram>,
  ) => {
    const groups = Object.entries(names).flatMap(([value, name]) =>
      by.map(({ labels, rows }) => ({
        labels: { ...labels, [label]: value },
        rows,
        name,
      })),
    );
    // By the number of buckets, and used again: new ones for each page took a third of the time of all its histograms.
    const countsOf = new Map<number, Float64Array>();
    return metric(spec, (ledger, _emit, histogram) => {
      for (const { labels, rows, name } of groups) {
        const bounds = ledger.boundsMs(name);
        let counts = countsOf.get(bounds.length)?.fill(0);
        if (counts === undefined) {
          counts = new Float64Array(bounds.length + 1);
          countsOf.set(bounds.length, counts);
        }
        let sum = 0;
        for (const row of rows) sum += ledger.addHistogram(row, name, counts);
        histogram(labels, bounds, counts, sum / 1000);
      }
    });
  };
  const counter =
    (name: EntryCounter): RowReader =>
    (ledger, row) =>
      ledger.counter(row, name);

  return [
    sums(METRICS.planned, byTask, counter("planned")),
    sums(METRICS.published, byQueue, counter("published")),
    split(METRICS.dropped, byTask, "reason", DROP_REASONS),
    split(METRICS.publishFailures, byTask, "kind", PUBLISH_FAILURE_KINDS),
    split(METRICS.outcomes, byTask, "outcome", OUTCOMES),
    metric(METRICS.errors, (ledger, emit) => emitErrors(subject, byTask, ledger, emit)),
    sums(METRICS.retries, byTask, counter("retries")),
    sums(METRICS.late, byTask, counter("late")),
    sums(METRICS.duplicates, byTask, counter("duplicate")),
    sums(METRICS.recovered, byTask, counter("recovered")),
    sums(METRICS.unchecked, byTask, counter("unchecked")),
    histograms(METRICS.latency, byTask, "outcome", LATENCY_OUTCOMES),
    compensated(subject, metric),
    histograms(METRICS.phase, byTask, "phase", PHASES),
    split(METRICS.uncertainPhase, byTask, "phase", UNCERTAIN_PHASES),
    split(METRICS.leftOutPhase, byTask, "phase", LEFT_OUT_PHASES),
    sums(METRICS.membersPublished, byMember, counter("published")),
    split(METRICS.memberOutcomes, byMember, "outcome", MEMBER_OUTCOMES),
    histograms(METRICS.memberLatency, byMember, "outcome", LATENCY_OUTCOMES),
    sums(METRICS.membersInFlight, byMember, (ledger, row) => ledger.inFlight(row)),
    sums(METRICS.publishing, byTask, (ledger, row) => ledger.publishing(row)),
    sums(METRICS.inFlight, byTask, (ledger, row) => ledger.inFlight(row)),
  ];
}

/** Of the tasks that users start. */
function compensated(subject: Subject, metric: MakeMetric): LedgerMetric {
  const groups = groupByTask(subject).flatMap(({ labels, rows }) => {
    const userRows = rows.flatMap((row) => subject.entries[row]!.userRow ?? []);
    return userRows.length === 0 ? [] : [{ labels, userRows }];
  });
  return metric(METRICS.compensated, (ledger, _emit, histogram) => {
    for (const { labels, userRows } of groups) {
      const bounds = ledger.boundsMs("latencySucceeded");
      const counts = new Float64Array(bounds.length + 1);
      let sum = 0;
      for (const row of userRows) sum += ledger.addCompensated(row, counts);
      histogram(labels, bounds, counts, sum / 1000);
    }
  });
}

/** `other` of each task from the start, then the classes that have been seen. */
function emitErrors(
  subject: Subject,
  byTask: readonly Group[],
  ledger: LedgerView,
  emit: Emit,
): void {
  for (const { labels, rows } of byTask) {
    const other = sumOf(rows, ledger, (view, row) => view.exceptionCount(row));
    emit({ ...labels, exception: "other" }, other);
    const byName = new Map<string, number>();
    for (const { row, entry, name } of subject.exceptions) {
      if (!rows.includes(entry)) continue;
      byName.set(name, (byName.get(name) ?? 0) + ledger.exceptionCount(row));
    }
    for (const [exception, count] of byName) emit({ ...labels, exception }, count);
  }
}
