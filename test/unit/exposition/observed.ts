import type { ReloadReading } from "../../../src/control/reload-port.js";
import { type SteeringReading, unsteered } from "../../../src/control/steering-reading.js";
import type { Side } from "../../../src/diagnosis/bottleneck.js";
import { WATCHED, type WatchedDrift } from "../../../src/diagnosis/drift.js";
import type { GuardStanding } from "../../../src/guards/guard-watch.js";
import type { ObservedConnection } from "../../../src/observer/connection-observer.js";
import type { LeaseReading } from "../../../src/readings/lease-reading.js";

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
  server: { product: "Redis", version: "8.0.2" },
  brokerMemory: { usedBytes: 1_000_000, limitBytes: 4_000_000 },
  workers: [
    {
      name: "celery@a",
      up: 1,
      version: "5.7.0",
      pool: "prefork",
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
  queues: [
    {
      name: "celery",
      ready: 7,
      consumers: 1,
      unacked: 9,
      started: { ours: 1, others: 3 },
      falls: 2,
      lastFall: null,
    },
  ],
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

/** Guards in different states; of the last one nothing is known. */
export const GUARDS: readonly GuardStanding[] = [
  guard("default-queue-length", "ok", 25_000),
  guard("deep-queue", "fired", 200_000),
  guard("blind", "pending", null),
];

function guard(name: string, state: GuardStanding["state"], value: number | null): GuardStanding {
  return {
    name,
    watch: "queueLength",
    action: "pause",
    state,
    seconds: 3,
    subject: "queue celery of main",
    value,
    limit: 100_000,
    resumeBelow: 50_000,
    headroomRatio: value === null ? null : 1 - value / 100_000,
    unknown: value === null ? "the broker does not tell how long the queue is" : null,
    firedTotal: state === "fired" ? 2 : 0,
    scenarios: state === "fired" ? ["steady"] : [],
    factor: 1,
  };
}

/** The same connection while nothing is known. */
export const UNKNOWN: ObservedConnection = {
  ...OBSERVED,
  unexplainedTasks: null,
  workers: [
    {
      name: "celery@a",
      up: null,
      version: null,
      pool: null,
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
  queues: [
    {
      name: "celery",
      ready: null,
      consumers: null,
      unacked: null,
      started: null,
      falls: 0,
      lastFall: null,
    },
  ],
  unacked: null,
  backendMemoryBytes: null,
  server: null,
  brokerMemory: null,
};

/** One that is ours. */
export const LEASES: readonly LeaseReading[] = [
  { scenario: "steady", segment: "1/2", phase: "held", holder: null, cause: null },
];

/** A run that was steered: one override in force. */
export const STEERED: SteeringReading = {
  ...unsteered([]),
  scenarios: [
    {
      name: "steady",
      overrides: 1,
      pauses: 0,
      lastOverrideUnixMs: 1_700_000_000_500,
      lastPauseUnixMs: 0,
    },
  ],
};

export const RELOADED: ReloadReading = {
  revision: 2,
  isLastDone: true,
  doneUnixMs: 1_700_000_000_500,
};
