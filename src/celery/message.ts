/** How the arguments are written (`kombu/serialization.py`); pickle would be code for the worker to run. */
export const SERIALIZERS = ["json", "msgpack", "yaml"] as const;
export type Serializer = (typeof SERIALIZERS)[number];

/** What distinguishes the messages of one task; `MessageFill` is what differs from message to message. */
export interface TaskMessageSpec {
  readonly name: string;
  /** The exchange it is published to; "" is the anonymous one, where the routing key is the queue. */
  readonly exchange: string;
  readonly routingKey: string;
  /** 0 to 9, sent as it is; which end is urgent depends on the broker. */
  readonly priority: number;
  /** False: the broker keeps it in memory only (`delivery_mode` 1). */
  readonly isPersistent: boolean;
  /** How long after the publish call a worker may still start it, in milliseconds; null = for ever. */
  readonly expiresMs: number | null;
  /** True when workers may not start it at once: `MessageFill.eta` says when. */
  readonly hasEta: boolean;
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
  readonly argsrepr: string;
  readonly kwargsrepr: string;
  /** Who sends it: `gen<pid>@<host>`, as `celery/utils/nodenames.py anon_nodename`. */
  readonly origin: string;
  /** Its place in a group or chord, whose id is `MessageFill.group`; null = in none. */
  readonly groupIndex: number | null;
  readonly serializer: Serializer;
  readonly compression: Compression | null;
  /** The version of the message protocol (`task_protocol`). */
  readonly protocol: 1 | 2;
}

/** Compressions of the body that Node has built in (`kombu/compression.py`). */
export const COMPRESSIONS = ["zlib", "gzip", "brotli", "zstd"] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** What differs from message to message of one task. */
export interface MessageFill {
  /** The task's id. */
  id: string;
  /** ISO 8601 with offset; used only when the task has an ETA, or expires. */
  eta: string;
  expires: string;
  /** The id of its group; used only when it is in one. */
  group: string;
  /** JSON text of the body; used only when the template has no fixed body. */
  body: string;
}

/** A message to look at before the first real one. */
export const SAMPLE_FILL: Readonly<MessageFill> = {
  id: "00000000-0000-4000-8000-000000000000",
  eta: "2026-01-01T00:00:00+00:00",
  expires: "2026-01-01T00:00:00+00:00",
  group: "00000000-0000-4000-8000-000000000001",
  body: "",
};

/**
 * The headers of a task message. Version 2 as `celery/app/amqp.py as_task_v2`; version 1 has its own in
 * the body. `ignore_result` is sent as null where Celery's `send_task` says false, so that the task's own
 * setting holds: true or false would override it.
 */
export function taskHeaders(
  spec: TaskMessageSpec,
  fill: Readonly<MessageFill>,
): Record<string, unknown> {
  const compression = spec.compression === null ? {} : { compression: HEADER_OF[spec.compression] };
  if (spec.protocol === 1) return { ...spec.headers, ...compression };
  const stampNames = Object.keys(spec.stamps);
  return {
    ...spec.headers,
    lang: "js",
    task: spec.name,
    id: fill.id,
    shadow: spec.shadow,
    eta: spec.hasEta ? fill.eta : null,
    expires: spec.expiresMs === null ? null : fill.expires,
    group: spec.groupIndex === null ? null : fill.group,
    group_index: spec.groupIndex,
    retries: spec.retries,
    timelimit: [spec.timeLimitSeconds, spec.softTimeLimitSeconds],
    root_id: fill.id,
    parent_id: null,
    argsrepr: spec.argsrepr,
    kwargsrepr: spec.kwargsrepr,
    origin: spec.origin,
    ignore_result: spec.ignoreResult,
    replaced_task_nesting: 0,
    stamped_headers: stampNames.length === 0 ? null : stampNames,
    stamps: spec.stamps,
    ...compression,
  };
}

/** Name of a compression in the message; `gzip` has always been another name of zlib there. */
const HEADER_OF: Record<Compression, string> = {
  zlib: "application/x-gzip",
  gzip: "application/x-gzip",
  brotli: "application/x-brotli",
  zstd: "application/zstd",
};

/** Headers that a task's own `headers` must not set: Celery's, as a wrong value can stop a worker. */
export const RESERVED_HEADERS: ReadonlySet<string> = new Set(
  (
    "lang task id shadow eta expires group group_index retries timelimit root_id parent_id " +
    "argsrepr kwargsrepr origin ignore_result replaced_task_nesting stamped_headers stamps " +
    "compression redelivered"
  ).split(" "),
);
