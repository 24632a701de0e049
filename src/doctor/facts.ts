import type { CeleryEvent } from "../celery/events/event-message.js";
import type { ResultSettings } from "../celery/events/setting-advice.js";
import type { UnknownSetting } from "../celery/events/worker-conf.js";
import type { Serializer } from "../celery/messages/task-options.js";
import type { ResultState } from "../celery/results/result.js";
import type { ServerKind } from "../celery/urls/server-url.js";
import type { QueueDepth, ServerAbout } from "../connections/observe-ports.js";
import type { PublishOutcome } from "../connections/ports.js";
import type { QueueFall } from "../observer/queue-falls.js";

/**
 * What was found out about the deployment behind one connection: plain data, which the checks judge and
 * the report shows. What could not be found out is null, and no check guesses.
 */
export interface ConnectionFacts {
  readonly connection: string;
  readonly options: {
    readonly priority_steps: readonly number[];
    readonly sep: string;
  };
  readonly broker: ServerFacts;
  readonly backend: ServerFacts;
  readonly workers: WorkersFacts;
  readonly queues: readonly QueueFacts[];
  /** Queues that lost messages meanwhile which nobody there could take. */
  readonly queueFalls: readonly QueueFall[];
  readonly tasks: readonly TaskFacts[];
  readonly starts: readonly StartFacts[];
  /** What had no place on a server that is full; null: there was one for everything. */
  readonly noPlace: NoPlace | null;
}

export interface NoPlace {
  /** What could not be found out, in words of the report. */
  readonly parts: readonly string[];
  /** The server's words. */
  readonly cause: string;
}

export interface ServerFacts {
  readonly kind: ServerKind;
  /** Without passwords. */
  readonly url: string;
  /** Redis' database; null elsewhere. */
  readonly database: number | null;
  readonly isTls: boolean;
  /** Why it cannot be used; null when it can. */
  readonly fault: ServerFault | null;
  readonly about: ServerAbout | null;
}

export interface ServerFault {
  readonly cause: string;
  /** Nothing but another configuration helps. */
  readonly isConfiguration: boolean;
}

export interface WorkersFacts {
  /** Those that answered. */
  readonly answered: readonly WorkerFacts[];
  /** Nodes that are there, by their heartbeats, and did not answer every question. */
  readonly silent: readonly string[];
  /** Subscribers that the broker handed the question to; null when it does not say. */
  readonly heardBy: number | null;
  /** Names that more than one worker answered with. */
  readonly sameNames: readonly string[];
  /** Why they could not be asked. */
  readonly controlFault: string | null;
  /** Why their events could not be received. */
  readonly eventsFault: string | null;
  /** Nodes from which events of tasks came, anybody's tasks. */
  readonly withTaskEvents: readonly string[];
  /** Events that could not be read. */
  readonly malformedEvents: number;
}

export interface WorkerFacts {
  /** Full name of the node: `celery@host`. */
  readonly node: string;
  /** Celery's version, from its heartbeats. */
  readonly version: string | null;
  /** prefork, threads, solo, … */
  readonly pool: string | null;
  readonly concurrency: number | null;
  /** Messages that it fetches at most at a time; 0 = no limit. */
  readonly prefetch: number | null;
  /** Of its pool, from settings or its command line; null = none, or not said. */
  readonly timeLimits: {
    readonly softSeconds: number | null;
    readonly hardSeconds: number | null;
  };
  readonly queues: readonly ConsumedQueue[];
  readonly tasks: readonly RegisteredTask[];
  readonly settings: ReadSettings;
}

export interface ConsumedQueue {
  readonly name: string;
  /** `x-max-priority` that it was declared with; null = none. */
  readonly maxPriority: number | null;
  /** `x-queue-type` that it was declared with; null = none, so that the virtual host's default holds. */
  readonly type: string | null;
}

export interface RegisteredTask {
  readonly name: string;
  /** The queue that the task itself names; null = none. */
  readonly queue: string | null;
  /** As Celery writes it: `10/m`; null = none. */
  readonly rateLimit: string | null;
  readonly ignoresResult: boolean;
  readonly acknowledgesLate: boolean;
  /** Its own, or the worker's since Celery 5.3; null = none, or not said. */
  readonly timeLimitSeconds: number | null;
  readonly softTimeLimitSeconds: number | null;
}

/** Settings of a worker that matter here, as Celery resolves them, with its defaults. */
export interface ReadSettings extends ResultSettings {
  /** Without passwords; null when it is not known, which it is not when the environment says it. */
  readonly resultBackend: string | null;
  /** Null, here and below: not known. */
  readonly acceptContent: readonly string[] | null;
  /** `task_routes` as the worker told it; null = none, or not known. */
  readonly routes: unknown;
  readonly defaultQueue: string | null;
  /** Null, here as well: no limit. */
  readonly timeLimitSeconds: number | null;
  readonly softTimeLimitSeconds: number | null;
  readonly disablesRateLimits: boolean | null;
  readonly visibilityTimeoutSeconds: number | null;
  readonly prioritySteps: readonly number[] | null;
  readonly sep: string | null;
  readonly unknown: readonly UnknownSetting[];
}

export interface QueueFacts {
  readonly name: string;
  /** Null when there is no such queue, or it could not be asked. */
  readonly depth: QueueDepth | null;
  /** The broker says that there is no such queue. */
  readonly isMissing: boolean;
  /** RabbitMQ's kind of it, by the management API: classic, quorum, stream …; null: not known. */
  readonly type: string | null;
}

/** A task that workers are to run: one of a scenario's mix, or a member of a workflow in it. */
export interface TaskFacts {
  /** Its name in the configuration. */
  readonly key: string;
  /** Under which workers registered it. */
  readonly name: string;
  readonly queue: string;
  readonly priority: number;
  readonly timeoutMs: number;
  readonly expiresMs: number | null;
  /** From publishing until a worker may start it. */
  readonly delayMs: number;
  /** null: what the task itself says. */
  readonly ignoreResult: boolean | null;
  readonly serializer: Serializer;
  /** The highest rate that the plan has for it, in messages a second; null: as many as it takes. */
  readonly peakPerSecond: number | null;
}

/** What a scenario starts: a task or a workflow, and what became of the one that was sent. */
export interface StartFacts {
  readonly key: string;
  readonly timeoutMs: number;
  /** Keys of the tasks that workers run for it. */
  readonly tasks: readonly string[];
  readonly probe: Probe;
}

export type Probe = NotSent | SentTask;

export interface NotSent {
  readonly sent: false;
  readonly why: string;
}

/** One task or workflow that was sent. Times without Unix in their name are of our monotonic clock. */
export interface SentTask {
  readonly sent: true;
  /** Of the task, or of each member of the workflow. */
  readonly ids: readonly string[];
  readonly outcome: PublishOutcome;
  /** The broker's own word when it did not accept it. */
  readonly reason: string;
  readonly plannedMs: number;
  readonly publishCallMs: number;
  /** Our Unix time of the same moment. */
  readonly publishCallUnixMs: number;
  /** When the broker answered. */
  readonly answeredMs: number;
  /** The result that ended it: the last one, or the first that is no success; null when it did not end. */
  readonly result: ReceivedResult | null;
  /** Of what did not end: the first of the ids without a result; else null. */
  readonly missingId: string | null;
  /** How long a result was waited for. */
  readonly waitedMs: number;
  /** What workers said about it. */
  readonly events: readonly CeleryEvent[];
  /** Where the missing one was when the waiting ended, by the workers' own word. */
  readonly place: { readonly node: string; readonly state: string } | null;
}

export interface ReceivedResult {
  readonly id: string;
  readonly state: ResultState;
  /** Class name of the exception; "" when there is none. */
  readonly exception: string;
  readonly receivedMs: number;
  readonly receivedUnixMs: number;
  /** `date_done`, by the worker's clock; null when the meta has none. */
  readonly doneUnixMs: number | null;
}
