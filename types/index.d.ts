/**
 * Types of the code that a configuration of celery-load can name (`script` of a scenario with users, `payload` of a task).
 * In JavaScript:
 *
 *     // @type {import("celery-load-exporter").Script}, in a comment of JSDoc
 *     export default async function ({ send, sleep, check }) { … }
 */

/** What each user of a scenario does, again and again: it waits (`wait` of its profile) when this has ended. */
export type Script<Row = unknown> = (context: ScriptContext<Row>) => unknown;

export interface ScriptContext<Row = unknown> {
  /** Number of the user, from 0, within this thread of the daemon; no two run at the same time with the same. */
  readonly user: number;
  /** The next row of the scenario's `data`: a value by column, or the only value; null without data. */
  readonly row: Row;
  /** A number from 0 up to 1, of a series of its own for each user that `seed` decides. */
  readonly random: () => number;
  /**
   * Starts a task of the scenario's mix, by its key, and waits for its end.
   *
   * @returns what the task returned; a bigint where no number would be exact; undefined when it stores no result
   * @throws {TaskError} when it failed, was revoked, or has no result within its timeout
   */
  readonly send: <Result = unknown>(task: string, options?: SendOptions) => Promise<Result>;
  /** Milliseconds, or a duration such as "1.5s" or "2m". */
  readonly sleep: (time: number | string) => Promise<void>;
  /**
   * Counts what is right or wrong with an answer, by name (`script_checks_total`). Never throws.
   *
   * @returns whether it has passed
   */
  readonly check: (name: string, passed: unknown) => boolean;
}

/** Left out: as in the configuration. With one of them the other one is empty. */
export interface SendOptions {
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

/** A task that has no result to give. `name` is the class of its exception, else `TaskError`. */
export interface TaskError extends Error {
  /** Its key in the configuration. */
  readonly task: string;
  readonly outcome:
    | "failed"
    | "revoked"
    | "timed_out"
    | "unknown"
    | "dropped"
    | "publish_failed"
    | "stopped";
  /** Class of its exception, as the worker stored it; "" when there is none. */
  readonly exception: string;
}

/**
 * Gives the arguments of a task's start. It is called ahead of the starts, in a thread of its own. Beside what JSON has, a
 * bigint is a whole number of any size, a Date a datetime, and a Uint8Array bytes.
 */
export type Payload<Row = unknown> = (
  context: PayloadContext<Row>,
) => PayloadResult | Promise<PayloadResult>;

export interface PayloadContext<Row = unknown> {
  /** Key of the task. */
  readonly task: string;
  /** Counts the payloads of the task, from 0; of all threads and segments together each number comes once. */
  readonly seq: number;
  /** The next row of the task's `data`; null without. */
  readonly row: Row;
  /** A number from 0 up to 1, of a series that `seed` decides. */
  readonly random: () => number;
}

export interface PayloadResult {
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
}
