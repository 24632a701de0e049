import type {
  ConnectionFacts,
  Probe,
  ReceivedResult,
  SentTask,
  ServerFacts,
  StartFacts,
  TaskFacts,
  WorkerFacts,
  WorkersFacts,
} from "../../../src/doctor/facts.js";

/** A deployment where nothing is wrong; tests change what they are about. */
export const REDIS: ServerFacts = {
  kind: "redis",
  url: "redis://broker:6379/0",
  database: 0,
  isTls: false,
  fault: null,
  about: { product: "Redis", version: "7.0.15", evictionPolicy: null },
};

export const RABBITMQ: ServerFacts = {
  kind: "amqp",
  url: "amqp://guest:***@broker:5672//",
  database: null,
  isTls: false,
  fault: null,
  about: { product: "RabbitMQ", version: "3.10.8", evictionPolicy: null },
};

export const WORKER: WorkerFacts = {
  node: "celery@a",
  version: "5.7.0",
  pool: "prefork",
  concurrency: 4,
  prefetch: 16,
  timeLimits: { softSeconds: null, hardSeconds: null },
  queues: [{ name: "celery", maxPriority: null, type: null }],
  tasks: [
    {
      name: "app.add",
      queue: null,
      rateLimit: null,
      ignoresResult: false,
      acknowledgesLate: false,
      timeLimitSeconds: null,
      softTimeLimitSeconds: null,
    },
  ],
  settings: {
    resultBackend: "redis://broker:6379/0",
    acceptContent: ["json"],
    resultSerializer: "json",
    resultCompression: "",
    resultAcceptContent: ["json"],
    resultExtended: false,
    ignoresResults: false,
    routes: null,
    defaultQueue: "celery",
    timeLimitSeconds: null,
    softTimeLimitSeconds: null,
    disablesRateLimits: false,
    visibilityTimeoutSeconds: 3600,
    prioritySteps: [0, 3, 6, 9],
    sep: "\x06\x16",
    unknown: [],
  },
};

const ID = "2791f327-00fe-8000-8000-000000000000";

export const RESULT: ReceivedResult = {
  id: ID,
  state: "SUCCESS",
  exception: "",
  receivedMs: 1_010,
  receivedUnixMs: 2_000_000_010,
  doneUnixMs: 2_000_000_008,
};

export const SENT: SentTask = {
  sent: true,
  ids: [ID],
  outcome: "accepted",
  reason: "",
  plannedMs: 999,
  publishCallMs: 1_000,
  publishCallUnixMs: 2_000_000_000,
  answeredMs: 1_002,
  result: RESULT,
  missingId: null,
  waitedMs: 11,
  events: ["task-received", "task-started", "task-succeeded"].map((type, index) => ({
    type,
    hostname: "celery@a",
    unixMs: 2_000_000_003 + index,
    uuid: ID,
    fields: type === "task-succeeded" ? { runtime: 0.002 } : {},
  })),
  place: null,
};

export const TASK: TaskFacts = {
  key: "add",
  name: "app.add",
  queue: "celery",
  priority: 0,
  timeoutMs: 60_000,
  expiresMs: 60_000,
  delayMs: 0,
  ignoreResult: null,
  serializer: "json",
  peakPerSecond: 1,
};

export const START: StartFacts = { key: "add", timeoutMs: 60_000, tasks: ["add"], probe: SENT };

export const WORKERS: WorkersFacts = {
  answered: [WORKER],
  silent: [],
  heardBy: 1,
  sameNames: [],
  controlFault: null,
  eventsFault: null,
  withTaskEvents: ["celery@a"],
  malformedEvents: 0,
};

export const WELL: ConnectionFacts = {
  connection: "main",
  options: { priority_steps: [0, 3, 6, 9], sep: "\x06\x16" },
  broker: REDIS,
  backend: REDIS,
  workers: WORKERS,
  queues: [{ name: "celery", depth: { ready: 0, consumers: null }, isMissing: false, type: null }],
  queueFalls: [],
  tasks: [TASK],
  starts: [START],
  noPlace: null,
};

/** The same with other settings of the one worker. */
export function withWorker(
  change: Partial<WorkerFacts>,
  more: WorkerFacts[] = [],
): ConnectionFacts {
  const answered = [{ ...WORKER, ...change }, ...more];
  return { ...WELL, workers: { ...WORKERS, answered, heardBy: answered.length } };
}

export function withSettings(change: Partial<WorkerFacts["settings"]>): ConnectionFacts {
  return withWorker({ settings: { ...WORKER.settings, ...change } });
}

/** The same with another task, and what became of it. */
export function withTask(change: Partial<TaskFacts>, probe: Probe = SENT): ConnectionFacts {
  const task = { ...TASK, ...change };
  return { ...WELL, tasks: [task], starts: [{ ...START, timeoutMs: task.timeoutMs, probe }] };
}

export function withProbe(change: Partial<SentTask>): ConnectionFacts {
  return withTask({}, { ...SENT, ...change });
}

export function withResult(change: Partial<ReceivedResult>): ConnectionFacts {
  return withProbe({ result: { ...RESULT, ...change } });
}
