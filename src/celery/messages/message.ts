import { isoTime } from "./iso-time.js";
import type { Compression, TaskOptions } from "./task-options.js";

/** Options of a task that its messages carry as they are. */
type CarriedOptions = Pick<
  TaskOptions,
  | "name"
  | "queue"
  | "priority"
  | "isPersistent"
  | "expiresMs"
  | "timeLimitSeconds"
  | "softTimeLimitSeconds"
  | "retries"
  | "ignoreResult"
  | "shadow"
  | "stamps"
  | "headers"
  | "serializer"
  | "compression"
  | "protocol"
>;

/** What distinguishes the messages of one task; `MessageFill` is what differs from message to message. */
export interface TaskMessageSpec extends CarriedOptions {
  /** The exchange it is published to; "" is the anonymous one, where the routing key is the queue. */
  readonly exchange: string;
  readonly routingKey: string;
  /** True when workers may not start it at once: `MessageFill.eta` says when. */
  readonly hasEta: boolean;
  readonly argsrepr: string;
  readonly kwargsrepr: string;
  /** Who sends it: `gen<pid>@<host>`, as `celery/utils/nodenames.py anon_nodename`. */
  readonly origin: string;
  /** Its place in a group or chord, whose id is `MessageFill.group`; null = in none. */
  readonly groupIndex: number | null;
}

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

/** A message to look at before the first real one; ids and times are as wide as in any other. */
export const SAMPLE_FILL: Readonly<MessageFill> = {
  id: "00000000-0000-4000-8000-000000000000",
  eta: isoTime(0),
  expires: isoTime(0),
  group: "00000000-0000-4000-8000-000000000001",
  body: "[[], {}, {}]",
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
