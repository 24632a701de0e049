import type { ConnectionFacts } from "../doctor/facts.js";

const SERVER: ConnectionFacts["broker"] = {
  url: "redis://127.0.0.1:6379/0",
  kind: "redis",
  database: 0,
  isTls: false,
  fault: null,
  about: { product: "Redis", version: "7.0.15", evictionPolicy: null },
};

const TASKS = [
  "demo.add",
  "demo.charge_card",
  "demo.report",
  "demo.resize_image",
  "demo.send_email",
].map((name) => ({
  name,
  queue: null,
  rateLimit: null,
  ignoresResult: false,
  acknowledgesLate: false,
  timeLimitSeconds: null,
  softTimeLimitSeconds: null,
}));

const TASK = {
  priority: 0,
  timeoutMs: 60_000,
  expiresMs: 60_000,
  delayMs: 0,
  ignoreResult: null,
  serializer: "json",
  peakPerSecond: 1,
} as const;

/**
 * What `celery-load doctor` found in a real deployment: the demo's worker without `-E`, and a configuration
 * with a wrong task name and a queue that nobody consumes.
 */
export const SAMPLE_DEPLOYMENT: ConnectionFacts = {
  connection: "main",
  options: {
    priority_steps: [0, 3, 6, 9],
    sep: "\u0006\u0016",
  },
  broker: SERVER,
  backend: SERVER,
  workers: {
    answered: [
      {
        node: "celery@shop",
        version: "5.7.0",
        pool: "prefork",
        concurrency: 4,
        prefetch: 16,
        timeLimits: { softSeconds: null, hardSeconds: null },
        queues: [
          {
            name: "celery",
            maxPriority: null,
            type: null,
          },
        ],
        tasks: TASKS,
        settings: {
          resultBackend: "redis://127.0.0.1:6379/0",
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
          sep: "\u0006\u0016",
          unknown: [],
        },
      },
    ],
    silent: [],
    heardBy: 1,
    sameNames: [],
    controlFault: null,
    eventsFault: null,
    withTaskEvents: [],
    malformedEvents: 0,
  },
  queueFalls: [],
  queues: [
    {
      name: "celery",
      depth: {
        ready: 0,
        consumers: null,
      },
      isMissing: false,
      type: null,
    },
    {
      name: "images",
      depth: {
        ready: 0,
        consumers: null,
      },
      isMissing: false,
      type: null,
    },
  ],
  tasks: [
    { ...TASK, key: "add", name: "demo.add", queue: "celery" },
    { ...TASK, key: "email", name: "demo.sendmail", queue: "celery" },
    { ...TASK, key: "resize", name: "demo.resize_image", queue: "images" },
  ],
  noPlace: null,
  starts: [
    {
      key: "add",
      timeoutMs: 60_000,
      tasks: ["add"],
      probe: {
        sent: true,
        ids: ["f50be6a1-e227-8000-8000-000000000000"],
        outcome: "accepted",
        reason: "",
        plannedMs: 2929.145584,
        publishCallMs: 2930.218373,
        publishCallUnixMs: 1795622268016.796,
        answeredMs: 2943.577007,
        missingId: null,
        result: {
          id: "f50be6a1-e227-8000-8000-000000000000",
          state: "SUCCESS",
          exception: "",
          receivedMs: 2943.725558,
          receivedUnixMs: 1795622268030.3032,
          doneUnixMs: 1795622268024.842,
        },
        waitedMs: 14.747905000000173,
        place: null,
        events: [],
      },
    },
    {
      key: "email",
      timeoutMs: 60_000,
      tasks: ["email"],
      probe: { sent: false, why: "no worker of queue celery has registered demo.sendmail" },
    },
    {
      key: "resize",
      timeoutMs: 60_000,
      tasks: ["resize"],
      probe: { sent: false, why: "no worker that answers consumes queue images" },
    },
  ],
};
