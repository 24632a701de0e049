/**
 * The states that Celery's result backends store (`celery/states.py`). STARTED, RETRY and custom ones
 * never end a task. MALFORMED is ours: no status could be read.
 */
export type ResultState =
  | "SUCCESS"
  | "FAILURE"
  | "REVOKED"
  | "RETRY"
  | "STARTED"
  | "CUSTOM"
  | "MALFORMED";

export interface Result {
  readonly state: ResultState;
  /** Class name of the exception for FAILURE, REVOKED and RETRY; "" when there is none. */
  readonly exception: string;
}

const SUCCESS: Result = { state: "SUCCESS", exception: "" };
const MALFORMED: Result = { state: "MALFORMED", exception: "" };
const STATES = new Set(["SUCCESS", "FAILURE", "REVOKED", "RETRY", "STARTED"]);

/** Results larger than this are not parsed as a whole; status and exception come first in them. */
const MAX_PARSED_LENGTH = 1024 * 1024;
const MAX_NAME_LENGTH = 200;

/**
 * Reads the meta that a worker stored (`celery/backends/base.py _get_result_meta`). Never throws,
 * whatever the text: Python writes NaN and Infinity, which are not JSON, and results can be huge.
 */
export function readResult(text: string): Result {
  // Workers write `status` first and successes are the many: the rest is never looked at.
  if (text.startsWith('{"status": "SUCCESS"')) return SUCCESS;
  return text.length <= MAX_PARSED_LENGTH
    ? (parseMeta(text) ?? scanMeta(text))
    : scanMeta(text.slice(0, MAX_PARSED_LENGTH));
}

function parseMeta(text: string): Result | null {
  let meta: unknown;
  try {
    meta = JSON.parse(text);
  } catch {
    return null; // not strict JSON: scanMeta reads what it can
  }
  if (typeof meta !== "object" || meta === null || !("status" in meta)) return MALFORMED;
  const exception =
    "result" in meta &&
    typeof meta.result === "object" &&
    meta.result !== null &&
    "exc_type" in meta.result
      ? meta.result.exc_type
      : "";
  return resultOf(meta.status, exception);
}

function scanMeta(text: string): Result {
  const status = /^\s*\{\s*"status"\s*:\s*"([A-Za-z_-]{1,64})"/.exec(text)?.[1];
  const exception = /^\s*\{[^{}]{0,200}"result"\s*:\s*\{\s*"exc_type"\s*:\s*"([^"\\]{1,200})"/.exec(
    text,
  )?.[1];
  return resultOf(status, exception);
}

function resultOf(status: unknown, exception: unknown): Result {
  if (typeof status !== "string" || status === "") return MALFORMED;
  if (status === "SUCCESS") return SUCCESS;
  return {
    state: STATES.has(status) ? (status as ResultState) : "CUSTOM",
    exception: typeof exception === "string" ? exceptionName(exception) : "",
  };
}

/** A class name fit for a label: no control characters, bounded length. */
function exceptionName(name: string): string {
  return name.replace(/[\u0000-\u001f\u007f]/g, " ").slice(0, MAX_NAME_LENGTH);
}

const DATE_DONE = '"date_done": "';

/**
 * Unix time in milliseconds of the meta's `date_done`, NaN when there is none. Celery 5.2 writes it
 * without an offset and means UTC. The last occurrence counts, as a task's own result, which may hold
 * the same key, comes earlier in the text.
 */
export function dateDoneUnixMs(text: string): number {
  const at = text.lastIndexOf(DATE_DONE);
  if (at < 0) return Number.NaN;
  return parseIsoUnixMs(text, at + DATE_DONE.length);
}

let lastDay = "";
let lastDayUnixMs = 0;

/** `2026-11-24T10:11:22[.280799][+00:00|Z]`; Date.parse costs ten times as much. */
function parseIsoUnixMs(text: string, from: number): number {
  const end = text.indexOf('"', from);
  if (end < 0 || end - from > 40 || text[from + 10] !== "T") return Number.NaN;
  const day = text.slice(from, from + 10);
  if (day !== lastDay) {
    lastDayUnixMs = Date.parse(`${day}T00:00:00Z`);
    lastDay = day;
  }
  const hours = Number(text.slice(from + 11, from + 13));
  const minutes = Number(text.slice(from + 14, from + 16));
  let secondsEnd = from + 17;
  while (secondsEnd < end && "0123456789.".includes(text[secondsEnd]!)) secondsEnd++;
  const seconds = Number(text.slice(from + 17, secondsEnd));
  return (
    lastDayUnixMs +
    (hours * 3600 + minutes * 60 + seconds) * 1000 -
    offsetMs(text.slice(secondsEnd, end))
  );
}

function offsetMs(offset: string): number {
  if (offset === "" || offset === "Z" || offset === "+00:00") return 0;
  const match = /^([+-])(\d\d):?(\d\d)$/.exec(offset);
  if (match === null) return Number.NaN;
  const ms = (Number(match[2]) * 60 + Number(match[3])) * 60_000;
  return match[1] === "-" ? -ms : ms;
}

/**
 * What stands before the task's id in the key and channel of its result. `globalKeyPrefix` is that of
 * `result_backend_transport_options`: unlike the broker's it is parted from the rest, and Celery before
 * 5.3 ignores it (`celery/backends/base.py _add_global_keyprefix`).
 */
export function resultKeyPrefix(globalKeyPrefix: string): string {
  return `${parted(globalKeyPrefix)}celery-task-meta-`;
}

/** The key that says how many tasks of a chord must end before its body runs (`celery/backends/redis.py`). */
export function chordSizeKey(globalKeyPrefix: string, group: string): string {
  return `${chordKey(globalKeyPrefix, group)}.s`;
}

/**
 * All keys of a chord: beside its size what workers write, the results so far, how many tasks were put
 * in, and from 5.7 on which worker sends the body, and failures.
 */
export function chordKeys(globalKeyPrefix: string, group: string): string[] {
  return ["s", "j", "t", "c", "d"].map((end) => `${chordKey(globalKeyPrefix, group)}.${end}`);
}

function chordKey(globalKeyPrefix: string, group: string): string {
  return `${parted(globalKeyPrefix)}celery-taskset-meta-${group}`;
}

function parted(globalKeyPrefix: string): string {
  const isParted = globalKeyPrefix === "" || ":_-.".includes(globalKeyPrefix.slice(-1));
  return `${globalKeyPrefix}${isParted ? "" : "_"}`;
}
