import type { ObservedConnection } from "../observer/connection-observer.js";
import type { ObservedWorker } from "../observer/worker.js";
import type { LedgerMetric, MakeMetric } from "./ledger-metric.js";
import { METRICS, type MetricSpec } from "./metrics.js";
import type { Emit } from "./snapshot-metric.js";

/** What is said of each worker: a metric, and where its value comes from. */
const OF_A_WORKER: readonly [MetricSpec, (worker: ObservedWorker) => number | null][] = [
  [METRICS.workerUp, ({ up }) => up],
  [METRICS.workerActive, ({ activeTasks }) => activeTasks],
  [METRICS.workerPool, ({ poolSize }) => poolSize],
  [METRICS.workerProcessed, ({ processed }) => processed],
  [METRICS.workerHeartbeat, ({ lastHeartbeatUnixMs }) => secondsOf(lastHeartbeatUnixMs)],
  [METRICS.workerPrefetch, ({ prefetchCount }) => prefetchCount],
  [METRICS.workerClockOffset, ({ clockOffsetMs }) => secondsOf(clockOffsetMs)],
  [METRICS.workerClockUncertainty, ({ clockUncertaintyMs }) => secondsOf(clockUncertaintyMs)],
];

/** Series of a worker of which all is known. */
export const SERIES_OF_A_WORKER = OF_A_WORKER.length;

/** The metrics of the workers' side. What is not known has no sample: 0 would be a claim. */
export function observerMetrics(
  metric: MakeMetric,
  observed: () => readonly ObservedConnection[],
): LedgerMetric[] {
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
    metric(METRICS.queueFalls, (_ledger, emit) => {
      for (const { name: connection, queues } of observed()) {
        for (const { name, falls } of queues) emit({ connection, queue: name }, falls);
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
    ...OF_A_WORKER.map(([spec, read]) =>
      metric(spec, (_ledger, emit) => {
        for (const { name: connection, workers } of observed()) {
          for (const worker of workers) {
            emitKnown(emit, { connection, worker: worker.name }, read(worker));
          }
        }
      }),
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
