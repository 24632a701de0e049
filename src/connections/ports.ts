import type { MessageFill, TaskMessageSpec } from "../celery/messages/message.js";
import type { BackendTransport, BrokerTransport } from "../celery/urls/transport.js";

export type { BackendTransport, BrokerTransport } from "../celery/urls/transport.js";

/**
 * What the engine needs of a broker and a result backend. One implementation a broker, listed in
 * `open.ts`; the engine knows only these.
 */

/** What became of a batch that was handed to a publisher; decides where its tasks go in the ledger. */
export type PublishOutcome =
  /** The broker answered yes. */
  | "accepted"
  /** The broker answered no: nothing of it is queued. */
  | "refused"
  /** The broker had no queue for it and dropped it. */
  | "unroutable"
  /** The broker takes no message of that size. */
  | "tooLarge"
  /** Written, or perhaps written, and no answer will come: a worker may or may not have it. */
  | "unknown"
  /** Provably never written, as there was no connection. */
  | "notWritten"
  /** Provably never written, as it cannot be encoded. */
  | "invalid";

/** The broker's no to a message. */
export type RefusedOutcome = Extract<PublishOutcome, "refused" | "unroutable" | "tooLarge">;

/** One message as its publisher wants it; nothing else looks inside. */
export type Message = unknown;

/** Makes the messages of one task. */
export interface MessageTemplate {
  /** Where they go: messages with the same destination can share a request. */
  readonly destination: string;
  render(fill: Readonly<MessageFill>): Message;
  /** Bytes that a message takes on its way, about. */
  sizeOf(message: Message): number;
}

/** Called for every message of a batch once, for ranges `from` to `to` (exclusive) of its indices. */
export type PublishAnswer = (
  from: number,
  to: number,
  outcome: PublishOutcome,
  /** The broker's own words for a refusal; what to do about it in a second line, where that is known. */
  reason: string,
) => void;

export interface Publisher {
  /** True when a batch can be handed over now. */
  readonly ready: boolean;
  /** True while the broker is connected and accepts nothing (RabbitMQ's memory and disk alarms). */
  readonly isBlocked: boolean;
  /** `fixedBody` is the JSON text of the body, or null when each message has its own. */
  template(spec: TaskMessageSpec, fixedBody: string | null): MessageTemplate;
  /** Sends messages to one destination, in order. */
  publish(destination: string, messages: readonly Message[], answer: PublishAnswer): void;
}

/**
 * Receives a result: `text` is the stored meta; the id is `channel` from `idAt` on. `isRepeat`: the same message may
 * have been received before, as the server could not know whether it had arrived.
 */
export type ResultHandler = (
  channel: string,
  idAt: number,
  text: string,
  isRepeat?: boolean,
) => void;

export interface ResultStream {
  /** True when results of tasks published now will arrive. */
  readonly ready: boolean;
  /**
   * Asks the backend for results that were stored while the stream was away, in chunks.
   * `found` is called for those ids that have one.
   * @throws when the backend cannot be asked; what was found until then stays found.
   */
  lookUp(ids: readonly string[], found: (id: string, text: string) => void): Promise<void>;
  /**
   * Removes the stored results of tasks that have ended, as `AsyncResult.forget()` does, and what is
   * kept of chords, by the ids of their groups.
   * @throws when the backend cannot be asked; they then expire by themselves.
   */
  forget(ids: readonly string[], chords: readonly string[]): Promise<void>;
  /**
   * Stores the sizes of chords that are about to be published: without it no body would ever run.
   * @throws when they could not be stored, or the backend has no chords.
   */
  startChords(chords: readonly ChordSize[]): Promise<void>;
}

/** A chord: the id of its group, and how many tasks must end before its body runs. */
export interface ChordSize {
  readonly group: string;
  readonly size: number;
}

export type ConnectionRole = "broker" | "backend";

/**
 * How it is known that a broker has lost tasks: it restarted with nothing, its successor lacks writes, or somebody
 * emptied it.
 */
export type BrokerLoss = "restartedEmpty" | "failover" | "purged";

/** What a connection tells of itself. */
export interface ConnectionEvents {
  /** Usable. `downMs` is how long it was not; 0 at the first time. */
  up(role: ConnectionRole, downMs: number): void;
  /** Lost, or an attempt failed. `isConfiguration`: trying again cannot help (wrong password …). */
  down(role: ConnectionRole, cause: string, isConfiguration: boolean): void;
  /** The broker accepts nothing for now, or does again. */
  blocked(isBlocked: boolean): void;
  /** The broker is back without what it held, or a part of that. */
  dataLost(evidence: BrokerLoss): void;
  /** Our reply queue was deleted: replies of the time without it are lost. */
  repliesLost(): void;
  /** The stream is up (again); what came before may have been missed: look the tasks in flight up. */
  resultsMissed(): void;
  /** The events about our own tasks that were asked for go nowhere for now. */
  sentEventsLost(cause: string): void;
  result: ResultHandler;
  /**
   * Instead of `result`, a success that was read from its bytes: the slot and the number in the task's id,
   * and the Unix time in milliseconds of its `date_done`. For who need not see the texts.
   */
  success?(slot: number, seq: number, doneUnixMs: number): void;
}

/** One of the two halves of a connection. */
interface Part {
  /**
   * Once a second: looks for connections that are open and dead. `isLate` = this thread itself was
   * held up since the last call, so that silence proves nothing.
   */
  checkLiveness(isLate: boolean): void;
  /** `isOwed`: results of tasks that were given up of late may still come. */
  close(isOwed: boolean): Promise<void>;
}

export interface BrokerPart extends Part {
  readonly publisher: Publisher;
}

export interface ResultsPart extends Part {
  readonly results: ResultStream;
  /** What it does over a connection of its own and can do without; null: nothing. */
  readonly optional: OptionalPart | null;
}

/** A connection that the load goes on without. */
export interface OptionalPart {
  /** Starts connecting; returns at once. Not before what the load needs has its places on the server. */
  open(): void;
  /** Gives its place on a full server up for a connection that the load needs; comes back in half a minute or later. */
  stepAside(): void;
}

/** A broker with its result backend. */
export interface Connection
  extends Part,
    Pick<BrokerPart, "publisher">,
    Pick<ResultsPart, "results"> {
  /** All that the load goes on without; what it needs is opened at once. */
  readonly optional: OptionalPart;
}

/** Past the client library once that has connected, or by the library alone. */
export type Client = "direct" | "library";

/** What both halves need to know. */
interface CommonOptions {
  /** The start that all our task ids share. */
  readonly idPrefix: string;
  /** Our `reply_to` on every task (Celery's oid), and the name of the reply queue of `rpc://`. */
  readonly replyTo: string;
  readonly events: ConnectionEvents;
  /** How the servers are spoken to on the hot path. */
  readonly client: Client;
  /** The broker's, which `rpc://` follows as well. */
  readonly transport: BrokerTransport;
}

export interface ConnectionOptions extends CommonOptions {
  readonly broker: string;
  readonly backend: string;
  readonly backendTransport: BackendTransport;
  /** Publish an event for each task that the broker has accepted. */
  readonly sendTaskSentEvents: boolean;
}

export interface BrokerOptions extends CommonOptions {
  readonly url: string;
  /** How our connections are named in the broker's own lists. */
  readonly clientName: string;
}

export interface ResultsOptions extends CommonOptions {
  readonly url: string;
  readonly backendTransport: BackendTransport;
  readonly clientName: string;
}
