import {
  CONNECTION_CELLS,
  type ConnectionCell,
  type EntryCounter,
  type EntryHistogram,
  SCENARIO_STATES,
} from "../ledger/layout.js";
import { SIDES, type Side } from "../observer/bottleneck.js";
import type { ObservedConnection } from "../observer/connection-observer.js";
import type { WatchedDrift } from "../observer/drift.js";
import {
  driftMetrics,
  SERIES_OF_A_CONNECTIONS_DRIFT,
  SERIES_OF_A_TASKS_DRIFT,
  SERIES_OF_OUR_DRIFT,
} from "./drift-metrics.js";
import type { LedgerView } from "./ledger-view.js";
import { METRICS, type MetricSpec } from "./metrics.js";
import { observerMetrics } from "./observer-metrics.js";
import { sloMetrics, sloSeries } from "./slo-metrics.js";
import { type Emit, type EmitHistogram, SnapshotMetric } from "./snapshot-metric.js";
import type { Subject } from "./subject.js";

/** Label values that are fixed by the code: label value → counter of the ledger. */
export const DROP_REASONS = {
  in_flight: "droppedInFlight",
  backpressure: "droppedBackpressure",
  saturated: "droppedSaturated",
  not_connected: "droppedNotConnected",
} as const satisfies Record<string, EntryCounter>;

export const PUBLISH_FAILURE_KINDS = {
  rejected: "failedRejected",
  unroutable: "failedUnroutable",
  too_large: "failedTooLarge",
  invalid: "failedInvalid",
} as const satisfies Record<string, EntryCounter>;

export const OUTCOMES = {
  succeeded: "succeeded",
  failed: "failed",
  revoked: "revoked",
  timed_out: "timedOut",
  unknown: "unknown",
} as const satisfies Record<string, EntryCounter>;

const MEMBER_OUTCOMES = {
  ...OUTCOMES,
  not_run: "notRun",
} as const satisfies Record<string, EntryCounter>;

const LATENCY_OUTCOMES = {
  succeeded: "latencySucceeded",
  failed: "latencyFailed",
} as const satisfies Record<string, EntryHistogram>;

const PHASES = {
  dispatch: "dispatch",
  publish: "publish",
  work: "work",
  queue: "queue",
  run: "run",
  delivery: "delivery",
} as const satisfies Record<string, EntryHistogram>;

const UNCERTAIN_PHASES = {
  queue: "uncertainQueue",
  delivery: "uncertainDelivery",
} as const satisfies Record<string, EntryCounter>;

const DATA_LOSS_EVIDENCE = {
  restarted_empty: "restartedEmpty",
  failover: "failover",
  reply_queue_deleted: "replyQueueDeleted",
} as const satisfies Record<string, ConnectionCell>;

type Labels = Record<string, string>;

/** Entries that share their labels: tasks of one name with different arguments are one series. */
interface Group {
  readonly labels: Labels;
  readonly entries: number[];
}

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
): SnapshotMetric<LedgerView>[] {
  const scenarioOf = (entry: number) => subject.scenarios[subject.entries[entry]!.scenario]!.name;
  const entries = [...subject.entries.keys()];
  const byTask = groupRows(entries, (entry) => ({
    scenario: scenarioOf(entry),
    task: subject.entries[entry]!.task,
  }));
  const byQueue = groupRows(entries, (entry) => ({
    scenario: scenarioOf(entry),
    task: subject.entries[entry]!.task,
    queue: subject.entries[entry]!.queue,
  }));
  const byMember = groupMembers(subject);

  const metric = (
    spec: MetricSpec,
    collect: (view: LedgerView, emit: Emit, histogram: EmitHistogram) => void,
  ) => new SnapshotMetric(spec, view, collect);
  const sums = (spec: MetricSpec, groups: readonly Group[], read: EntryReader) =>
    metric(spec, (ledger, emit) => {
      for (const { labels, entries } of groups) emit(labels, sumOf(entries, ledger, read));
    });
  const split = (
    spec: MetricSpec,
    by: readonly Group[],
    label: string,
    counters: Record<string, EntryCounter>,
  ) => {
    const groups = Object.entries(counters).flatMap(([value, counter]) =>
      by.map(({ labels, entries }) => ({
        labels: { ...labels, [label]: value },
        entries,
        counter,
      })),
    );
    return metric(spec, (ledger, emit) => {
      for (const { labels, entries, counter } of groups) {
        emit(
          labels,
          sumOf(entries, ledger, (view, entry) => view.counter(entry, counter)),
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
      by.map(({ labels, entries }) => ({
        labels: { ...labels, [label]: value },
        entries,
        name,
      })),
    );
    return metric(spec, (ledger, _emit, histogram) => {
      for (const { labels, entries, name } of groups) {
        const bounds = ledger.boundsMs(name);
        const counts = new Float64Array(bounds.length + 1);
        let sum = 0;
        for (const entry of entries) sum += ledger.addHistogram(entry, name, counts);
        histogram(
          labels,
          bounds.map((ms) => ms / 1000),
          counts,
          sum / 1000,
        );
      }
    });
  };
  const counter =
    (name: EntryCounter): EntryReader =>
    (ledger, entry) =>
      ledger.counter(entry, name);

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
    histograms(METRICS.latency, byTask, "outcome", LATENCY_OUTCOMES),
    histograms(METRICS.phase, byTask, "phase", PHASES),
    split(METRICS.uncertainPhase, byTask, "phase", UNCERTAIN_PHASES),
    sums(METRICS.membersPublished, byMember, counter("published")),
    split(METRICS.memberOutcomes, byMember, "outcome", MEMBER_OUTCOMES),
    histograms(METRICS.memberLatency, byMember, "outcome", LATENCY_OUTCOMES),
    sums(METRICS.membersInFlight, byMember, (ledger, row) => ledger.inFlight(row)),
    sums(METRICS.publishing, byTask, (ledger, entry) => ledger.publishing(entry)),
    sums(METRICS.inFlight, byTask, (ledger, entry) => ledger.inFlight(entry)),
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
    metric(METRICS.eventLoop, (ledger, emit) =>
      emit({ thread: "engine" }, ledger.engine("eventLoopUtilization")),
    ),
    metric(METRICS.dispatchLag, (ledger, emit) =>
      emit({ thread: "engine" }, ledger.engine("dispatchLagMaxSeconds")),
    ),
    metric(METRICS.configInfo, (_ledger, emit) =>
      emit({ revision: "1", hash: subject.configHash }, 1),
    ),
    metric(METRICS.buildInfo, (_ledger, emit) =>
      emit({ version: subject.version, node: process.version, commit: subject.commit }, 1),
    ),
  ];
}

type EntryReader = (ledger: LedgerView, entry: number) => number;
export type MakeMetric = (
  spec: MetricSpec,
  collect: (view: LedgerView, emit: Emit) => void,
) => SnapshotMetric<LedgerView>;

function scenarioMetrics(subject: Subject, metric: MakeMetric): SnapshotMetric<LedgerView>[] {
  const { scenarios } = subject;
  const stages = scenarios.flatMap((scenario, index) =>
    scenario.stages.map((stage, number) => ({
      scenario: index,
      number,
      labels: {
        scenario: scenario.name,
        stage: `${number + 1}: ${stage.name}`,
        kind: stage.kind,
      } as Labels,
    })),
  );
  const isCurrent = (ledger: LedgerView, scenario: number, stage: number) =>
    ledger.scenario(scenario, "startedAt") > 0 && ledger.scenario(scenario, "stage") === stage;
  return [
    metric(METRICS.targetRate, (ledger, emit) => {
      for (const [index, { name }] of scenarios.entries()) {
        emit({ scenario: name }, ledger.scenario(index, "targetRate"));
      }
    }),
    metric(METRICS.scenarioState, (ledger, emit) => {
      for (const [index, { name }] of scenarios.entries()) {
        const current = ledger.scenarioState(index);
        for (const state of SCENARIO_STATES) {
          emit({ scenario: name, state }, state === current ? 1 : 0);
        }
      }
    }),
    metric(METRICS.stageInfo, (ledger, emit) => {
      for (const { scenario, number, labels } of stages) {
        emit(labels, isCurrent(ledger, scenario, number) ? 1 : 0);
      }
    }),
    metric(METRICS.stageRemaining, (ledger, emit) => {
      for (const { scenario, number, labels } of stages) {
        const remaining = ledger.scenario(scenario, "stageRemainingSeconds");
        emit(labels, isCurrent(ledger, scenario, number) ? remaining : 0);
      }
    }),
    metric(METRICS.lastChange, (ledger, emit) => {
      for (const [index, { name }] of scenarios.entries()) {
        emit({ scenario: name, kind: "start" }, ledger.scenario(index, "startedAt"));
        emit({ scenario: name, kind: "stage" }, ledger.scenario(index, "stageChangedAt"));
      }
    }),
  ];
}

function connectionMetrics(
  subject: Subject,
  metric: MakeMetric,
  observed: () => readonly ObservedConnection[],
): SnapshotMetric<LedgerView>[] {
  const roles = ["broker", "backend"] as const;
  const each =
    (suffix: "Up" | "Reconnects", ofEvents: (events: EventsLink) => number) =>
    (ledger: LedgerView, emit: Emit) => {
      for (const [index, connection] of subject.connections.entries()) {
        for (const role of roles) {
          emit({ connection, role }, ledger.connection(index, `${role}${suffix}`));
        }
      }
      for (const { name, events } of observed()) {
        if (events !== null) emit({ connection: name, role: "events" }, ofEvents(events));
      }
    };
  return [
    metric(
      METRICS.connectionUp,
      each("Up", ({ isUp }) => (isUp ? 1 : 0)),
    ),
    metric(
      METRICS.reconnects,
      each("Reconnects", ({ reconnects }) => reconnects),
    ),
    metric(METRICS.dataLoss, (ledger, emit) => {
      for (const [index, connection] of subject.connections.entries()) {
        for (const [evidence, cell] of Object.entries(DATA_LOSS_EVIDENCE)) {
          emit({ connection, evidence }, ledger.connection(index, cell));
        }
      }
    }),
    metric(METRICS.blocked, (ledger, emit) => {
      for (const [index, connection] of subject.connections.entries()) {
        emit({ connection }, ledger.connection(index, "brokerBlocked"));
      }
    }),
  ];
}

type EventsLink = NonNullable<ObservedConnection["events"]>;

function sumOver(
  connections: readonly ObservedConnection[],
  count: "malformedEvents" | "malformedReplies" | "foldedWorkers",
): number {
  return connections.reduce((sum, connection) => sum + connection[count], 0);
}

/** `other` of each task from the start, then the classes that have been seen. */
function emitErrors(
  subject: Subject,
  byTask: readonly Group[],
  ledger: LedgerView,
  emit: Emit,
): void {
  for (const { labels, entries } of byTask) {
    const other = sumOf(entries, ledger, (view, entry) => view.exceptionCount(entry));
    emit({ ...labels, exception: "other" }, other);
    const byName = new Map<string, number>();
    for (const { row, entry, name } of subject.exceptions) {
      if (!entries.includes(entry)) continue;
      byName.set(name, (byName.get(name) ?? 0) + ledger.exceptionCount(row));
    }
    for (const [exception, count] of byName) emit({ ...labels, exception }, count);
  }
}

function groupRows(rows: readonly number[], labelsOf: (row: number) => Labels): Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const labels = labelsOf(row);
    const key = JSON.stringify(labels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { labels, entries: [row] });
    else group.entries.push(row);
  }
  return [...groups.values()];
}

/** Members of one workflow that are the same task are one series. */
function groupMembers(subject: Subject): Group[] {
  const labels = new Map(
    subject.members.map(({ row, workflow, task }) => {
      const { scenario, task: name } = subject.entries[workflow]!;
      return [row, { scenario: subject.scenarios[scenario]!.name, workflow: name, task }];
    }),
  );
  return groupRows([...labels.keys()], (row) => labels.get(row)!);
}

function sumOf(entries: readonly number[], ledger: LedgerView, read: EntryReader): number {
  let sum = 0;
  for (const entry of entries) sum += read(ledger, entry);
  return sum;
}

/** Series that exist whatever happens: what `limits.series` must at least hold. */
export function fixedSeries(
  subject: Subject,
  bucketCount: number,
  phaseBucketCount: number,
): number {
  const tasks = groupRows([...subject.entries.keys()], (entry) => ({
    scenario: String(subject.entries[entry]!.scenario),
    task: subject.entries[entry]!.task,
  })).length;
  const members = groupMembers(subject).length;
  const counters =
    7 +
    Object.keys(DROP_REASONS).length +
    Object.keys(PUBLISH_FAILURE_KINDS).length +
    Object.keys(OUTCOMES).length +
    Object.keys(UNCERTAIN_PHASES).length +
    SIDES.length +
    SERIES_OF_A_TASKS_DRIFT +
    2;
  const latencies = Object.keys(LATENCY_OUTCOMES).length * (bucketCount + 3);
  const phases = Object.keys(PHASES).length * (phaseBucketCount + 3);
  const stages = subject.scenarios.reduce((sum, { stages }) => sum + stages.length, 0);
  return (
    tasks * (counters + latencies + phases) +
    members * (2 + Object.keys(MEMBER_OUTCOMES).length + latencies) +
    subject.scenarios.length * (SCENARIO_STATES.length + 3) +
    stages * 2 +
    subject.connections.length * (CONNECTION_CELLS.length + SERIES_OF_A_CONNECTIONS_DRIFT + 4) +
    SERIES_OF_OUR_DRIFT +
    sloSeries(subject)
  );
}
