/** A time with three digits at most: `0.8 ms`, `12.3 ms`, `4.21 s`, `2 m 30 s`. */
export function measuredText(ms: number): string {
  if (ms < 999.5) return `${digits(ms)} ms`;
  if (ms < 60_000) return `${digits(ms / 1000)} s`;
  const minutes = Math.floor(Math.round(ms / 1000) / 60);
  const seconds = Math.round(ms / 1000) % 60;
  return seconds === 0 ? `${minutes} m` : `${minutes} m ${seconds} s`;
}

function digits(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)));
}

/** Long lists are for the JSON. */
const LONGEST_LIST = 12;

/** `a, b, c`, and how many more when there are too many to read; `none` when there are none. */
export function listText(items: readonly (string | number)[]): string {
  if (items.length === 0) return "none";
  const more = items.length - LONGEST_LIST;
  const shown = items.slice(0, LONGEST_LIST).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}
