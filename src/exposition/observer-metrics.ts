import type { ObservedConnection } from "../observer/connection-observer.js";
import type { ObservedWorker } from "../observer/worker.js";
import type { LedgerMetric, MakeMetric } from "./ledger-metric.js";
import { METRICS, type MetricSpec } from "./metrics.js";
import type { Emit } from "./snapshot-metric.js";

/** Series of one worker, and of one queue, at most. */
export const SERIES_OF_A_WORKER = 8;
export const SERIES_OF_A_QUEUE = 5;

/** The metrics of the workers' side. What is not known has no sample: 0 would be a claim. */
export function observerMetrics(
  metric: MakeMetric,
  observed: () => readonly ObservedConnection[],
): LedgerMetric[] {
  const ofWorkers = (spec: MetricSpec, read: (worker: ObservedWorker) => number | null) =>
    metric(spec, (_ledger, emit) => {
      for (const { name: connection, workers } of observed()) {
        for (const worker of workers) {
          emitKnown(emit, { connection, worker: worker.name }, read(worker));
        }
      }
    });
  return [
    metric(METRICS.queueLength, (_ledger, emit) => {
      for (const { name: connection, queues } of observed()) {
        for (const { name, ready } of queues) emitKnown(emit, { connection, queue: name }, ready);
      }
    }),
    metric(METRICS.eventsReceived, (_ledger, emit) => {
      for (const { name: connection, events, receivedEvents } of observed()) {
        if (events !== null) emit({ connection }, receivedEvents);
      }
    }),
    metric(METRICS.queueUnacked, (_ledger, emit) => {
      for (const { name: connection, unacked, queues } of observed()) {
        emitKnown(emit, { connection, queue: "*" }, unacked);
        for (const queue of queues) {
          emitKnown(emit, { connection, queue: queue.name }, queue.unacked);
        }
      }
    }),
    metric(METRICS.queueConsumers, (_ledger, emit) => {
      for (const { name: connection, queues } of observed()) {
        for (const { name, consumers } of queues) {
          emitKnown(emit, { connection, queue: name }, consumers);
        }
      }
    }),
    metric(METRICS.unexplained, (_ledger, emit) => {
      for (const { name: connection, unexplainedTasks } of observed()) {
        emitKnown(emit, { connection }, unexplainedTasks);
      }
    }),
    metric(METRICS.backendMemory, (_ledger, emit) => {
      for (const { name: connection, backendMemoryBytes } of observed()) {
        emitKnown(emit, { connection }, backendMemoryBytes);
      }
    }),
    ofWorkers(METRICS.workerUp, ({ up }) => up),
    ofWorkers(METRICS.workerActive, ({ activeTasks }) => activeTasks),
    ofWorkers(METRICS.workerPool, ({ poolSize }) => poolSize),
    ofWorkers(METRICS.workerProcessed, ({ processed }) => processed),
    ofWorkers(METRICS.workerHeartbeat, ({ lastHeartbeatUnixMs }) => secondsOf(lastHeartbeatUnixMs)),
    ofWorkers(METRICS.workerPrefetch, ({ prefetchCount }) => prefetchCount),
    ofWorkers(METRICS.workerClockOffset, ({ clockOffsetMs }) => secondsOf(clockOffsetMs)),
    ofWorkers(METRICS.workerClockUncertainty, ({ clockUncertaintyMs }) =>
      secondsOf(clockUncertaintyMs),
    ),
  ];
}

function secondsOf(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}

function emitKnown(
  emit: Emit,
  labels: Readonly<Record<string, string>>,
  value: number | null,
): void {
  if (value !== null) emit(labels, value);
}
