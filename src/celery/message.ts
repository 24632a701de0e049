/** What distinguishes the messages of one task; the ids and times differ from message to message. */
export interface TaskMessageSpec {
  readonly name: string;
  readonly queue: string;
  /** 0 to 9, sent as it is; which end is urgent depends on the broker. */
  readonly priority: number;
  /** How long after the publish call a worker may still start it, in milliseconds; null = for ever. */
  readonly expiresMs: number | null;
  /** Custom headers, merged beside Celery's own. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly argsrepr: string;
  readonly kwargsrepr: string;
  /** Who sends it: `gen<pid>@<host>`, as `celery/utils/nodenames.py anon_nodename`. */
  readonly origin: string;
}

/**
 * The headers of a task message, protocol version 2 (`celery/app/amqp.py as_task_v2`).
 * `ignore_result` is null, so that the task's own setting holds: true or false would override it.
 */
export function taskHeaders(
  spec: TaskMessageSpec,
  id: string,
  expires: string | null,
): Record<string, unknown> {
  return {
    ...spec.headers,
    lang: "js",
    task: spec.name,
    id,
    shadow: null,
    eta: null,
    expires,
    group: null,
    group_index: null,
    retries: 0,
    timelimit: [null, null],
    root_id: id,
    parent_id: null,
    argsrepr: spec.argsrepr,
    kwargsrepr: spec.kwargsrepr,
    origin: spec.origin,
    ignore_result: null,
    replaced_task_nesting: 0,
    stamped_headers: null,
    stamps: {},
  };
}

/** Headers that a task's own `headers` must not set: Celery's, as a wrong value can stop a worker. */
export const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  ...Object.keys(
    taskHeaders(
      {
        name: "",
        queue: "",
        priority: 0,
        expiresMs: null,
        headers: {},
        argsrepr: "",
        kwargsrepr: "",
        origin: "",
      },
      "",
      null,
    ),
  ),
  "compression",
  "redelivered",
]);
