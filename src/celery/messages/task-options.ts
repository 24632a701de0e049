/** How the arguments are written (`kombu/serialization.py`); pickle would be code for the worker to run. */
export const SERIALIZERS = ["json", "msgpack", "yaml"] as const;
export type Serializer = (typeof SERIALIZERS)[number];

/** Compressions of the body that Node has built in (`kombu/compression.py`). */
export const COMPRESSIONS = ["zlib", "gzip", "brotli", "zstd"] as const;
export type Compression = (typeof COMPRESSIONS)[number];

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
  /** 0 to 9, sent as it is; which end is urgent depends on the broker. */
  readonly priority: number;
  /** False: the broker keeps it in memory only (`delivery_mode` 1). */
  readonly isPersistent: boolean;
  /** How long after the publish call a worker may still start it; null: the message never expires. */
  readonly expiresMs: number | null;
  /** Workers start it this long after the publish call; null = at once. */
  readonly countdownMs: number | null;
  /** Workers start it at this time (ISO 8601 with offset); null = at once, or by the countdown. */
  readonly eta: string | null;
  /** The broker holds it for its countdown, and not the worker. */
  readonly nativeDelayedDelivery: boolean;
  /** After how many seconds the worker kills it, and before that raises SoftTimeLimitExceeded in it. */
  readonly timeLimitSeconds: number | null;
  readonly softTimeLimitSeconds: number | null;
  /** Attempts that it claims to have behind it. */
  readonly retries: number;
  /** null: what the task itself says; true and false override it. */
  readonly ignoreResult: boolean | null;
  /** The name that logs and events show instead of the task's. */
  readonly shadow: string | null;
  readonly stamps: Readonly<Record<string, unknown>>;
  /** Custom headers, merged beside Celery's own. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** null: made from the arguments. */
  readonly argsrepr: string | null;
  readonly kwargsrepr: string | null;
  readonly serializer: Serializer;
  readonly compression: Compression | null;
  /** The version of the message protocol (`task_protocol`). */
  readonly protocol: 1 | 2;
}
