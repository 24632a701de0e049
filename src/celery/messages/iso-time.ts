/**
 * A time as Python's `datetime.isoformat` writes it in UTC, with six digits of fraction: Celery before 5.3
 * reads `.511` as 511 microseconds (`celery/utils/iso8601.py parse_iso8601`) and would be early by up to a
 * second.
 */
export function isoTime(unixMs: number): string {
  return new Date(unixMs).toISOString().replace("Z", "000+00:00");
}
