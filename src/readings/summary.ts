import { DROP_COUNTERS, OUTCOME_COUNTERS, PUBLISH_FAILURE_COUNTERS } from "../ledger/balance.js";
import { quantileMs } from "../ledger/histogram.js";
import { ENTRY_COUNTERS, type EntryCounter } from "../ledger/layout.js";
import type { LedgerView } from "./ledger-view.js";
import type { Subject } from "./subject.js";

/** Counts of some entries added up, with the latencies of all that finished. */
export interface Summary {
  readonly counters: Readonly<Record<EntryCounter, number>>;
  readonly dropped: number;
  readonly publishFailures: number;
  readonly publishing: number;
  readonly inFlight: number;
  /** High-resolution latency counts of succeeded and failed tasks together. */
  readonly latencies: Float64Array;
}

/** Adds up `entries` of one reading. */
export function summarize(ledger: LedgerView, entries: readonly number[]): Summary {
  const sum = (read: (entry: number) => number) =>
    entries.reduce((total, entry) => total + read(entry), 0);
  const counters = Object.fromEntries(
    ENTRY_COUNTERS.map((name) => [name, sum((entry) => ledger.counter(entry, name))]),
  ) as Record<EntryCounter, number>;
  const total = (names: readonly EntryCounter[]) =>
    names.reduce((all, name) => all + counters[name], 0);
  return {
    counters,
    dropped: total(DROP_COUNTERS),
    publishFailures: total(PUBLISH_FAILURE_COUNTERS),
    publishing: sum((entry) => ledger.publishing(entry)),
    inFlight: sum((entry) => ledger.inFlight(entry)),
    latencies: latenciesOf(ledger, entries),
  };
}

/** Tasks that ended, whatever their outcome. */
export function finished({ counters }: Summary): number {
  return OUTCOME_COUNTERS.reduce((all, name) => all + counters[name], 0);
}

/** Failed and revoked tasks by exception class, most frequent first. */
export function errorsOf(
  ledger: LedgerView,
  subject: Subject,
  entries: readonly number[],
): [exception: string, count: number][] {
  const counts = new Map<string, number>();
  const add = (name: string, count: number) => {
    if (count > 0) counts.set(name, (counts.get(name) ?? 0) + count);
  };
  for (const entry of entries) add("other", ledger.exceptionCount(entry));
  for (const { row, entry, name } of subject.exceptions) {
    if (entries.includes(entry)) add(name, ledger.exceptionCount(row));
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** Entries grouped by their task's name. */
export function entriesByTask(subject: Subject): Map<string, number[]> {
  const byTask = new Map<string, number[]>();
  for (const [index, { task }] of subject.entries.entries()) {
    const known = byTask.get(task);
    if (known === undefined) byTask.set(task, [index]);
    else known.push(index);
  }
  return byTask;
}

/** A quantile as `msText` writes it. */
export function latencyText(latencies: Float64Array, q: number): string {
  return msText(quantileMs(latencies, q));
}

/** "1.2 ms", "340 ms", "2.50 s"; "-" for NaN. */
export function msText(ms: number): string {
  if (Number.isNaN(ms)) return "-";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

function latenciesOf(ledger: LedgerView, entries: readonly number[]): Float64Array {
  const all = new Float64Array(ledger.fineCounts(0, "latencySucceeded").length);
  for (const entry of entries) {
    for (const name of ["latencySucceeded", "latencyFailed"] as const) {
      for (const [index, count] of ledger.fineCounts(entry, name).entries()) all[index]! += count;
    }
  }
  return all;
}
