import type { Compression, Serializer } from "./message.js";

/** A task and how it is sent: what `apply_async` takes, in milliseconds where times are durations. */
export interface TaskOptions {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** The queue that it ends in. */
  readonly queue: string;
  /** null: the anonymous exchange, straight to the queue. */
  readonly exchange: string | null;
  readonly routingKey: string | null;
  readonly priority: number;
  readonly isPersistent: boolean;
  /** null: the message never expires. */
  readonly expiresMs: number | null;
  /** Workers start it this long after the publish call; null = at once. */
  readonly countdownMs: number | null;
  /** Workers start it at this time (ISO 8601 with offset); null = at once, or by the countdown. */
  readonly eta: string | null;
  /** The broker holds it for its countdown, and not the worker. */
  readonly nativeDelayedDelivery: boolean;
  readonly timeLimitSeconds: number | null;
  readonly softTimeLimitSeconds: number | null;
  readonly retries: number;
  readonly ignoreResult: boolean | null;
  readonly shadow: string | null;
  readonly stamps: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
  /** null: made from the arguments. */
  readonly argsrepr: string | null;
  readonly kwargsrepr: string | null;
  readonly serializer: Serializer;
  readonly compression: Compression | null;
  readonly protocol: 1 | 2;
}
