/**
 * Reads stored results from their bytes: nearly all are successes with nothing out of the ordinary, and to
 * make strings of them costs as much as all else that is done for a task (docs/performance.md).
 *
 *     {"status": "SUCCESS", …, "date_done": "2026-11-24T10:15:42.890180+00:00", "task_id": "<36 characters>"}
 *
 * As `celery/backends/base.py` writes them (`_get_result_meta`, `_store_result`); Celery 5.2 leaves the
 * offset out and means UTC. What is of another form is for `readResult` and `dateDoneUnixMs`.
 */
const HEAD = Buffer.from('{"status": "SUCCESS", ');
const DATE_DONE = Buffer.from(', "date_done": "');
const OFFSET = Buffer.from("+00:00");
const TASK_ID = Buffer.from('", "task_id": "');
const TAIL = Buffer.from('"}');
const ID_LENGTH = 36;
/** `2026-11-24` and `2026-11-24T10:15:42.890180` */
const DAY_LENGTH = 10;
const TIME_LENGTH = 26;

let lastDay = Number.NaN;
let lastDayUnixMs = 0;

/** Unix time in milliseconds of the `date_done` of such a result, bytes `from` to `to`; NaN when it is another. */
export function plainSuccessUnixMs(data: Buffer, from: number, to: number): number {
  if (to - from < HEAD.length || !holds(data, from, HEAD)) return Number.NaN;
  const taskIdAt = to - TAIL.length - ID_LENGTH - TASK_ID.length;
  if (taskIdAt < from + HEAD.length || !holds(data, to - TAIL.length, TAIL)) return Number.NaN;
  if (!holds(data, taskIdAt, TASK_ID)) return Number.NaN;
  const offsetAt = taskIdAt - OFFSET.length;
  const timeAt = (holds(data, offsetAt, OFFSET) ? offsetAt : taskIdAt) - TIME_LENGTH;
  // No quote stands within a JSON string: this one begins the time, and is of the object that ends last.
  const dateDoneAt = timeAt - DATE_DONE.length;
  if (dateDoneAt < from + HEAD.length || !holds(data, dateDoneAt, DATE_DONE)) return Number.NaN;
  return unixMsAt(data, timeAt);
}

function unixMsAt(data: Buffer, at: number): number {
  const year = digits(data, at, 4);
  const month = digits(data, at + 5, 2);
  const day = year * 10_000 + month * 100 + digits(data, at + 8, 2);
  const hours = digits(data, at + 11, 2);
  const minutes = digits(data, at + 14, 2);
  const seconds = digits(data, at + 17, 2) + digits(data, at + 20, 6) / 1e6;
  const isIso =
    data[at + 4] === 45 && // -
    data[at + 7] === 45 &&
    data[at + 10] === 84 && // T
    data[at + 13] === 58 && // :
    data[at + 16] === 58 &&
    data[at + 19] === 46; // .
  if (!isIso || Number.isNaN(day)) return Number.NaN;
  if (day !== lastDay) {
    lastDay = day;
    lastDayUnixMs = Date.parse(data.toString("latin1", at, at + DAY_LENGTH));
  }
  return lastDayUnixMs + (hours * 60 + minutes) * 60_000 + seconds * 1000;
}

function holds(data: Buffer, at: number, bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) {
    if (data[at + i] !== bytes[i]) return false;
  }
  return true;
}

/** NaN when they are none. */
function digits(data: Buffer, from: number, count: number): number {
  let value = 0;
  for (let i = from; i < from + count; i++) {
    const digit = data[i]! - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
