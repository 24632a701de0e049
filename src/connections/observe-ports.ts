import type { ControlReply } from "../celery/events/control-message.js";
import type { EventBatch } from "../celery/events/event-message.js";
import type { BrokerTransport, OptionalPart } from "./ports.js";

/**
 * What it takes to look at a deployment through its broker, beside publishing to it. One implementation
 * a broker, listed in `open.ts`. Nothing here changes the deployment: what is declared is ours alone and
 * goes when it is closed.
 */

/** How a connection is told of; as in `ConnectionEvents`, it is made anew for ever. */
export interface LinkReport {
  up(): void;
  /** Lost, or an attempt failed. `isConfiguration`: trying again cannot help (wrong password …). */
  down(cause: string, isConfiguration: boolean): void;
}

export interface ObserveOptions {
  readonly url: string;
  /** How our connections are named in the broker's own lists. */
  readonly clientName: string;
  readonly transport: BrokerTransport;
  readonly report: LinkReport;
  /** URL of RabbitMQ's management API; without it what only that tells is not known. */
  readonly management?: string | null;
}

/** What all of them have. */
interface ObservePart extends Pick<OptionalPart, "stepAside"> {
  /**
   * About once a second, where a connection is to last: looks whether it is open and dead. `isLate` = this
   * thread itself was held up since the last call, so that silence proves nothing.
   */
  checkLiveness(isLate: boolean): void;
  /** Leaves nothing behind in the broker. */
  close(): Promise<void>;
}

export interface ControlOptions extends ObserveOptions {
  /** An answer could not be read. */
  readonly malformed?: () => void;
}

/** A question to workers (`celery/worker/control.py`). */
export interface Question {
  /** Such as `ping`, `stats`, `active_queues`. */
  readonly method: string;
  readonly args?: Readonly<Record<string, unknown>>;
  /** Full names of the nodes that are asked; without it every worker is. */
  readonly destination?: readonly string[];
  /** How long to wait for answers in all. */
  readonly timeoutMs: number;
  /** Stop waiting after so many answers; 0 = none is asked for. Default: as many as were asked, when that is known. */
  readonly expected?: number;
}

export interface Answers {
  /** In the order in which they came; two with one name are two workers with that name. */
  readonly replies: readonly ControlReply[];
  /** Subscribers that the broker handed the question to; null when it does not say. */
  readonly heardBy: number | null;
}

/** Remote control of the workers. */
export interface RemoteControl extends ObservePart {
  /**
   * Silence is no error: workers may be away, busy (a solo pool answers between tasks) or have remote
   * control switched off. Questions that are asked at the same time reach each worker in their order.
   * @throws when the question could not be sent, or the connection was lost before the answers came
   */
  ask(question: Question): Promise<Answers>;
}

export interface EventStreamOptions extends ObserveOptions {
  readonly received: (batch: EventBatch) => void;
}

/** Every event of workers and tasks, from the moment it is up; what came before is lost. */
export type EventStream = ObservePart;

/** What a server says of itself. */
export interface ServerAbout {
  /** Redis, RabbitMQ, … */
  readonly product: string;
  readonly version: string;
  /** Redis' `maxmemory-policy`, when there is a limit on its memory; else null. */
  readonly evictionPolicy: string | null;
}

export interface QueueDepth {
  /** Messages that no worker has fetched yet. */
  readonly ready: number;
  /** Null when the broker does not know. */
  readonly consumers: number | null;
}

/** Memory of a server, in bytes. */
export interface Memory {
  /** What its data takes (`used_memory`); of RabbitMQ what the node takes that is nearest to its limit. */
  readonly usedBytes: number;
  /** Redis' `maxmemory`, RabbitMQ's high watermark; null: none is set. */
  readonly limitBytes: number | null;
}

/** A look at a server. */
export interface ServerLook extends ObservePart {
  /** Null when it may not be asked. */
  about(): Promise<ServerAbout | null>;
  /** Null when there is no such queue. */
  depth(queue: string): Promise<QueueDepth | null>;
  /**
   * Messages that workers have fetched and not acknowledged, those that wait for their `eta` among them: of
   * every queue of the database, as Redis keeps them together. Null when the broker does not tell.
   */
  unacked(): Promise<number | null>;
  /**
   * The same of one queue, by RabbitMQ's management API; null where there is none, or no such queue.
   * @throws {Error} when the API does not answer as it should
   */
  unackedOf(queue: string): Promise<number | null>;
  /**
   * RabbitMQ's word for the kind of a queue (classic, quorum, stream), by its management API; null where there is
   * none, or no such queue.
   * @throws {Error} when the API does not answer as it should
   */
  typeOf(queue: string): Promise<string | null>;
  /** Null when it does not tell, or may not be asked. */
  memory(): Promise<Memory | null>;
}
