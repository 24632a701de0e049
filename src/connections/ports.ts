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
  /** Written, or perhaps written, and no answer will come: a worker may or may not have it. */
  | "unknown"
  /** Provably never written. */
  | "notWritten";

export interface Publisher {
  /** True when a batch can be handed over now. */
  readonly ready: boolean;
  /**
   * Sends messages to one list or routing key, in order, as one request. `done` is called exactly once,
   * later; all messages share its outcome. `reason` is the broker's own word for a refusal.
   */
  publish(
    key: string,
    messages: string[],
    done: (outcome: PublishOutcome, reason: string) => void,
  ): void;
}

/** Receives a result: `text` is the stored meta; the id is `channel` from `idAt` on. */
export type ResultHandler = (channel: string, idAt: number, text: string) => void;

export interface ResultStream {
  /** True when results of tasks published now will arrive. */
  readonly ready: boolean;
  /**
   * Asks the backend for results that were stored while the stream was away, in chunks.
   * `found` is called for those ids that have one.
   * @throws when the backend cannot be asked; what was found until then stays found.
   */
  lookUp(ids: readonly string[], found: (id: string, text: string) => void): Promise<void>;
}

export type ConnectionRole = "broker" | "backend";

/** What a connection tells of itself. */
export interface ConnectionEvents {
  /** Usable. `downMs` is how long it was not; 0 at the first time. */
  up(role: ConnectionRole, downMs: number): void;
  /** Lost, or an attempt failed. `isConfiguration`: trying again cannot help (wrong password …). */
  down(role: ConnectionRole, cause: string, isConfiguration: boolean): void;
  /** The broker came back without what it held. */
  restartedEmpty(): void;
  /** The stream is up (again); what came before may have been missed: look the tasks in flight up. */
  resultsMissed(): void;
  result: ResultHandler;
}

export interface Connection {
  readonly publisher: Publisher;
  readonly results: ResultStream;
  /**
   * Once a second: looks for connections that are open and dead. `isLate` = this thread itself was
   * held up since the last call, so that silence proves nothing.
   */
  checkLiveness(isLate: boolean): void;
  close(): Promise<void>;
}
