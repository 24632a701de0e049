/** A time as Python's `datetime.isoformat` writes it in UTC, which every worker reads the same way. */
export function isoTime(unixMs: number): string {
  return new Date(unixMs).toISOString().replace("Z", "+00:00");
}
