import type { Side } from "../../../src/diagnosis/bottleneck.js";
import { WATCHED, type WatchedDrift } from "../../../src/diagnosis/drift.js";
import type { ObservedConnection } from "../../../src/observer/connection-observer.js";

/** A connection on which everything is known. */
export const OBSERVED: ObservedConnection = {
  name: "main",
  events: { isUp: true, reconnects: 1 },
  receivedEvents: 41,
  unexplainedTasks: 12,
  malformedEvents: 2,
  malformedReplies: 3,
  foldedWorkers: 0,
  backendMemoryBytes: 1_000_000,
  workers: [
    {
      name: "celery@a",
      up: 1,
      activeTasks: 3,
      poolSize: 4,
      prefetchCount: 16,
      processed: 1000,
      lastHeartbeatUnixMs: 1_700_000_000_500,
      clockOffsetMs: -1500,
      clockUncertaintyMs: 2,
      queues: ["celery"],
    },
  ],
  queues: [{ name: "celery", ready: 7, consumers: 1, unacked: 9 }],
  unacked: 5,
};

/** A verdict. */
export const SIDES_OF: ReadonlyMap<string, Side> = new Map([["app.a", "workers_busy"]]);

/** What drifts. */
export const DRIFTS: readonly WatchedDrift[] = WATCHED.map((what, index) => ({
  what,
  labels: index < 4 ? { task: "app.a" } : {},
  perHour: index / 2,
  isSignificant: index === 1,
}));

/** The same connection while nothing is known. */
export const UNKNOWN: ObservedConnection = {
  ...OBSERVED,
  unexplainedTasks: null,
  workers: [
    {
      name: "celery@a",
      up: null,
      activeTasks: null,
      poolSize: null,
      prefetchCount: null,
      processed: null,
      lastHeartbeatUnixMs: null,
      clockOffsetMs: null,
      clockUncertaintyMs: null,
      queues: [],
    },
  ],
  queues: [{ name: "celery", ready: null, consumers: null, unacked: null }],
  unacked: null,
  backendMemoryBytes: null,
};
