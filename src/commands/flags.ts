import { parseDuration } from "../config/quantities.js";
import { ConfigError, messageOf, UserError } from "../errors.js";
import { dateOf } from "../plan/clock/local-day.js";

/** The demo's port of /metrics, as in `server.listen`'s default. */
export const DEMO_PORT = 9809;

/** The milliseconds of `--for`, or of another flag. */
export function parseFor(text: string, flag = "--for"): number {
  try {
    const ms = parseDuration(text);
    if (ms > 0) return ms;
  } catch (error) {
    const remedy = error instanceof UserError && error.hint !== undefined ? `. ${error.hint}` : "";
    throw flagError(flag, `${messageOf(error)}${remedy}`);
  }
  throw flagError(flag, `must be longer than nothing, such as 30m; found "${text}"`);
}

/** A date such as 2027-03-28, as its midnight in UTC. */
export function parseDate(text: string, flag = "--on"): number {
  const date = dateOf(text);
  if (date !== undefined) return date;
  throw flagError(flag, `must be a date such as 2027-03-28; found "${text}"`);
}

export function parseCount(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw flagError("--count", `must be a whole number from 1 on, such as 1000; found "${text}"`);
}

export function flagError(place: string, message: string): ConfigError {
  return new ConfigError([{ place, message }]);
}

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw flagError("--port", `must be a number from 1 to 65535; found "${text}"`);
}
