import type { ReloadReading } from "../control/reload-port.js";
import type { SteeringReading } from "../control/steering-reading.js";
import { SIDES, type Side } from "../diagnosis/bottleneck.js";
import type { WatchedDrift } from "../diagnosis/drift.js";
import type { GuardStanding } from "../guards/guard-watch.js";
import { DATA_CELLS, type EngineCell } from "../ledger/layout.js";
import type { ObservedConnection } from "../observer/connection-observer.js";
import type { LeaseReading } from "../readings/lease-reading.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { ScriptReading } from "../readings/script-reading.js";
import type { Subject } from "../readings/subject.js";
import { connectionMetrics } from "./connection-metrics.js";
import { driftMetrics } from "./drift-metrics.js";
import { entryMetrics } from "./entry-metrics.js";
import { guardMetrics } from "./guard-metrics.js";
import { leaseMetrics } from "./lease-metrics.js";
import type { LedgerMetric, MakeMetric } from "./ledger-metric.js";
import { METRICS } from "./metrics.js";
import { observerMetrics } from "./observer-metrics.js";
import { scenarioMetrics } from "./scenario-metrics.js";
import { scriptMetrics } from "./script-metrics.js";
import { sloMetrics } from "./slo-metrics.js";
import { type Emit, SnapshotMetric } from "./snapshot-metric.js";
import { steeringMetrics } from "./steering-metrics.js";

/** Where the metrics of a page come from; what they say when it is made. */
export interface MetricSources {
  /** The snapshot of the scrape that is under way. */
  readonly view: () => LedgerView;
  /** What is known of the workers' side. */
  readonly observed: () => readonly ObservedConnection[];
  /** Which side makes each task slow. */
  readonly sides: () => ReadonlyMap<string, Side>;
  /** What changes slowly. */
  readonly drifts: () => readonly WatchedDrift[];
  /** What came of the user's code. */
  readonly scripts: () => ScriptReading;
  /** Where the leases stand. */
  readonly leases: () => readonly LeaseReading[];
  /** How the guards stand. */
  readonly guards: () => readonly GuardStanding[];
  /** What was ordered. */
  readonly steering: () => SteeringReading;
  /** How the configuration came. */
  readonly reload: () => ReloadReading;
}

/**
 * The metrics that a ledger and what is known beside it fill. All of them read the same view, so the sums of the ledger
 * hold in every page.
 */
export function engineMetrics(subject: Subject, sources: MetricSources): LedgerMetric[] {
  const { view, observed, sides, drifts, scripts, leases, guards, steering, reload } = sources;
  const metric: MakeMetric = (spec, collect) => new SnapshotMetric(spec, view, collect);
  return [
    ...entryMetrics(subject, metric),
    ...scenarioMetrics(subject, metric, steering, reload),
    ...steeringMetrics(metric, steering),
    ...connectionMetrics(subject, metric, observed),
    ...observerMetrics(metric, observed),
    metric(METRICS.bottleneck, (_ledger, emit) => {
      for (const [task, found] of sides()) {
        for (const side of SIDES) emit({ task, side }, side === found ? 1 : 0);
      }
    }),
    ...driftMetrics(metric, drifts),
    ...scriptMetrics(subject, metric, scripts),
    ...leaseMetrics(metric, leases),
    ...guardMetrics(metric, guards),
    metric(METRICS.dataRows, (ledger, emit) => {
      for (const [index, { name }] of subject.data.entries()) {
        for (const kind of DATA_CELLS) emit({ data: name, kind }, ledger.data(index, kind));
      }
    }),
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
      emit({ revision: String(reload().revision), hash: subject.configHash }, 1),
    ),
    metric(METRICS.reloadSuccessful, (_ledger, emit) => emit({}, Number(reload().isLastDone))),
    metric(METRICS.reloadTime, (_ledger, emit) => emit({}, reload().doneUnixMs / 1000)),
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
