import { exactValueAt, memberAt, stringAt, valueAt } from "./json-member.js";
import { isCut } from "./result-text.js";

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

export const SUCCESS: Result = { state: "SUCCESS", exception: "" };
const STARTED: Result = { state: "STARTED", exception: "" };
const CUSTOM: Result = { state: "CUSTOM", exception: "" };
const MALFORMED: Result = { state: "MALFORMED", exception: "" };

const MAX_NAME_LENGTH = 200;

/**
 * Reads the meta that a worker stored (`celery/backends/base.py _get_result_meta`) or sent as a reply
 * (`celery/backends/rpc.py store_result`). Never throws, whatever the text, and reads no further than it
 * must: Python writes NaN and Infinity, which are not JSON, and results can be huge or cut off.
 * Only members of the meta itself count, and the first of each name.
 */
export function readResult(text: string): Result {
  // Workers write `status` first and successes are the many: the rest is never looked at.
  if (text.startsWith('{"status": "SUCCESS"')) return SUCCESS;
  // Replies of Celery 5.2 begin with the id.
  const status = stringAt(text, memberAt(text, 0, "status"));
  switch (status) {
    case null:
    case "":
      return MALFORMED;
    case "SUCCESS":
      return SUCCESS;
    case "STARTED":
      return STARTED;
    case "FAILURE":
    case "REVOKED":
    case "RETRY":
      return { state: status, exception: exceptionOf(text) };
    default:
      return CUSTOM;
  }
}

/** `result.exc_type` (`celery/backends/base.py prepare_exception`), fit for a label; "" without one. */
function exceptionOf(text: string): string {
  const resultAt = memberAt(text, 0, "result");
  const name = stringAt(text, memberAt(text, resultAt, "exc_type")) ?? "";
  return name
    .replace(/[\u0000-\u001f\u007f]/g, " ")
    .slice(0, MAX_NAME_LENGTH)
    .replace(/\p{Surrogate}/gu, "\ufffd"); // half a character, which UTF-8 does not have
}

/** What the task returned; undefined when that cannot be read. Only for tasks whose answer is checked. */
export function returnedValue(text: string): unknown {
  return valueAt(text, memberAt(text, 0, "result"));
}

/** The same, with numbers as Python reads them. */
export function exactReturnedValue(text: string): unknown {
  return exactValueAt(text, memberAt(text, 0, "result"));
}

const DATE_DONE = ', "date_done": "';

/**
 * Unix time in milliseconds of the meta's `date_done`, NaN when there is none. Celery 5.2 writes it
 * without an offset and means UTC, and leaves it out of replies. Of a large result (`result-text.ts`) it is found
 * where it stands near the end.
 */
export function dateDoneUnixMs(text: string): number {
  const found = text.lastIndexOf(DATE_DONE);
  if (found < 0) return Number.NaN;
  // The quote at the end of DATE_DONE begins the time.
  let at = found + DATE_DONE.length - 1;
  // If only one object ends behind it, that is the meta, and the time is the meta's. Else it may be of
  // the task's own result or arguments.
  if (text.indexOf("}", at) !== text.length - 1) {
    if (isCut(text)) return Number.NaN;
    at = memberAt(text, 0, "date_done");
  }
  const time = stringAt(text, at);
  return time === null ? Number.NaN : isoUnixMs(time);
}

const ISO_TIME =
  /^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d(?:\.\d+)?)(?:Z|\+00:00|([+-])(\d\d):?(\d\d))?$/;
let lastDay = "";
let lastDayUnixMs = 0;

/** With microseconds, which Date.parse drops. */
function isoUnixMs(time: string): number {
  const match = ISO_TIME.exec(time);
  if (match === null) return Number.NaN;
  const [, day, hours, minutes, seconds, sign, offsetHours, offsetMinutes] = match;
  if (day !== lastDay) {
    lastDay = day!;
    lastDayUnixMs = Date.parse(day!);
  }
  const minuteOfDay = Number(hours) * 60 + Number(minutes);
  const offset = sign === undefined ? 0 : Number(offsetHours) * 60 + Number(offsetMinutes);
  return (
    lastDayUnixMs +
    (sign === "-" ? minuteOfDay + offset : minuteOfDay - offset) * 60_000 +
    Number(seconds) * 1000
  );
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
