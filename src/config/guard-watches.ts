/** What a guard can watch, as it is written: its unit, what it can be narrowed to, and what is left out by most. */
export interface WatchForm {
  /** What one value is about, and so which keys narrow it down: a queue, a connection, some tasks, or the daemon. */
  readonly subject: "queue" | "connection" | "tasks" | "daemon";
  /** The unit of `above` and `resumeBelow`; null: there is nothing to write, it is so or it is not. */
  readonly unit: "messages" | "percentage" | "duration" | null;
  /** What `above` is when it is left out; null: it must be written. */
  readonly above: string | null;
  /** `resumeBelow` as a share of `above` when it is left out. */
  readonly resumeAt: number;
  readonly forMs: number;
  readonly action: "pause" | "throttle";
  /** What is watched, for the page on the configuration. */
  readonly words: string;
}

/** A new watch is a row here, a file in `guards/watches/` and a row of the table there. */
export const WATCH_FORMS = {
  queueLength: {
    subject: "queue",
    unit: "messages",
    above: null,
    resumeAt: 0.5,
    forMs: 10_000,
    action: "pause",
    words: "messages in a queue that no worker has fetched, anybody's",
  },
  brokerMemory: {
    subject: "connection",
    unit: "percentage",
    above: "90%",
    resumeAt: 0.9,
    forMs: 10_000,
    action: "pause",
    words: "memory of the broker as a share of its limit",
  },
  brokerBlocked: {
    subject: "connection",
    unit: null,
    above: null,
    resumeAt: 1,
    forMs: 5_000,
    action: "pause",
    words: "whether the broker is connected and accepts nothing (RabbitMQ's alarms)",
  },
  backlogSlope: {
    subject: "tasks",
    unit: "percentage",
    above: "2%",
    resumeAt: 0.5,
    forMs: 30_000,
    action: "pause",
    words:
      "the share of the tasks that are sent by which those in flight grow, where that is more than chance",
  },
  failedShare: {
    subject: "tasks",
    unit: "percentage",
    above: null,
    resumeAt: 0.5,
    forMs: 30_000,
    action: "pause",
    words: "share of the tasks that ended in the last minute and failed or timed out",
  },
  latency: {
    subject: "tasks",
    unit: "duration",
    above: null,
    resumeAt: 0.8,
    forMs: 30_000,
    action: "pause",
    words: "a quantile of the latency of the last minute",
  },
  share: {
    subject: "queue",
    unit: "percentage",
    above: null,
    resumeAt: 0.9,
    forMs: 0,
    action: "throttle",
    words: "our part of the tasks that the workers of a queue begin",
  },
  scrapeAge: {
    subject: "daemon",
    unit: "duration",
    above: null,
    resumeAt: 0.5,
    forMs: 0,
    action: "pause",
    words: "how long nobody has asked for /metrics",
  },
} as const satisfies Record<string, WatchForm>;

export type Watch = keyof typeof WATCH_FORMS;
export const WATCHES = Object.keys(WATCH_FORMS) as Watch[];
