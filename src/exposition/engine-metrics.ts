import { SIDES, type Side } from "../diagnosis/bottleneck.js";
import type { WatchedDrift } from "../diagnosis/drift.js";
import type { EngineCell } from "../ledger/layout.js";
import type { ObservedConnection } from "../observer/connection-observer.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { connectionMetrics } from "./connection-metrics.js";
import { driftMetrics } from "./drift-metrics.js";
import { entryMetrics } from "./entry-metrics.js";
import type { LedgerMetric, MakeMetric } from "./ledger-metric.js";
import { METRICS } from "./metrics.js";
import { observerMetrics } from "./observer-metrics.js";
import { scenarioMetrics } from "./scenario-metrics.js";
import { sloMetrics } from "./slo-metrics.js";
import { type Emit, SnapshotMetric } from "./snapshot-metric.js";

/**
 * The metrics that an engine's ledger fills. All of them read the same view, so the sums of the ledger
 * hold in every page. `view` gives the snapshot of the scrape that is under way, `observed` what is known of
 * the workers' side, `sides` which side makes each task slow, `drifts` what changes.
 */
export function engineMetrics(
  subject: Subject,
  view: () => LedgerView,
  observed: () => readonly ObservedConnection[],
  sides: () => ReadonlyMap<string, Side>,
  drifts: () => readonly WatchedDrift[],
): LedgerMetric[] {
  const metric: MakeMetric = (spec, collect) => new SnapshotMetric(spec, view, collect);
  return [
    ...entryMetrics(subject, metric),
    ...scenarioMetrics(subject, metric),
    ...connectionMetrics(subject, metric, observed),
    ...observerMetrics(metric, observed),
    metric(METRICS.bottleneck, (_ledger, emit) => {
      for (const [task, found] of sides()) {
        for (const side of SIDES) emit({ task, side }, side === found ? 1 : 0);
      }
    }),
    ...driftMetrics(metric, drifts),
    metric(METRICS.malformed, (ledger, emit) => {
      emit({ source: "result" }, ledger.engine("malformedResults"));
      emit({ source: "event" }, sumOver(observed(), "malformedEvents"));
      emit({ source: "reply" }, sumOver(observed(), "malformedReplies"));
    }),
    metric(METRICS.unmatched, (ledger, emit) => emit({}, ledger.engine("unmatchedResults"))),
    metric(METRICS.seriesFolded, (ledger, emit) => {
      emit({ label: "exception" }, ledger.engine("foldedExceptions"));
      emit({ label: "worker" }, sumOver(observed(), "foldedWorkers"));
    }),
    metric(METRICS.saturated, (ledger, emit) => {
      emit({ cause: "dispatch_lag" }, ledger.engine("saturatedDispatchLag"));
      emit({ cause: "event_loop" }, ledger.engine("saturatedEventLoop"));
    }),
    ...sloMetrics(subject, metric),
    metric(METRICS.eventLoop, (ledger, emit) => byThread(ledger, emit, "eventLoopUtilization")),
    metric(METRICS.dispatchLag, (ledger, emit) => byThread(ledger, emit, "dispatchLagMaxSeconds")),
    metric(METRICS.configInfo, (_ledger, emit) =>
      emit({ revision: "1", hash: subject.configHash }, 1),
    ),
    metric(METRICS.buildInfo, (_ledger, emit) =>
      emit({ version: subject.version, node: process.version, commit: subject.commit }, 1),
    ),
  ];
}

/** One thread is `engine`; several are `engine-1` and so on. */
function byThread(ledger: LedgerView, emit: Emit, cell: EngineCell): void {
  for (let thread = 0; thread < ledger.threadCount; thread++) {
    const name = ledger.threadCount === 1 ? "engine" : `engine-${thread + 1}`;
    emit({ thread: name }, ledger.thread(thread, cell));
  }
}

function sumOver(
  connections: readonly ObservedConnection[],
  count: "malformedEvents" | "malformedReplies" | "foldedWorkers",
): number {
  return connections.reduce((sum, connection) => sum + connection[count], 0);
}
