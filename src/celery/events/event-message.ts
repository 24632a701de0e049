import { isMapping } from "../../mapping.js";
import { parsePythonJson } from "../messages/python-json.js";
import { readRedisEnvelope } from "../messages/redis-delivery.js";

/** What happened to a worker or a task (`celery/events/event.py Event`). */
export interface CeleryEvent {
  /** `task-started`, `worker-heartbeat`, … */
  readonly type: string;
  /** Full name of the worker's node, `celery@host`; `gen<pid>@host` of a producer. */
  readonly hostname: string;
  /** By the clock of the one that sends it. */
  readonly unixMs: number;
  /** Id of the task; "" when the event is about none. */
  readonly uuid: string;
  /** Everything in it, unchecked. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface EventBatch {
  readonly events: readonly CeleryEvent[];
  /** Of those that could not be read. */
  readonly malformed: number;
}

/** Longest message that is read, in characters: workers put 24 events into one, of some kilobytes each. */
export const MAX_EVENT_LENGTH = 2 * 2 ** 20;

/** The last moment that a Date of JavaScript can be. */
const MAX_UNIX_SECONDS = 8.64e12;

/**
 * Reads the body of an event message: one event, or an array of them, as workers collect those about
 * tasks (`celery/events/dispatcher.py flush`). Never throws; what is longer than MAX_EVENT_LENGTH is not
 * looked at.
 */
export function readEvents(body: string): EventBatch {
  if (body.length > MAX_EVENT_LENGTH) return UNREADABLE;
  let parsed: unknown;
  try {
    parsed = parsePythonJson(body);
  } catch {
    return UNREADABLE;
  }
  const all = (Array.isArray(parsed) ? parsed : [parsed]).map(readEvent);
  const events = all.filter((event) => event !== null);
  return { events, malformed: all.length - events.length };
}

/** A message of which nothing can be read. */
const UNREADABLE: EventBatch = { events: [], malformed: 1 };

/** Reads an event message in kombu's envelope. Never throws. */
export function readRedisEvents(envelope: string): EventBatch {
  if (envelope.length > MAX_EVENT_LENGTH) return UNREADABLE;
  const delivery = readRedisEnvelope(envelope);
  return delivery === null ? UNREADABLE : readEvents(delivery.body);
}

function readEvent(fields: unknown): CeleryEvent | null {
  if (!isMapping(fields)) return null;
  const { type, hostname, timestamp, uuid } = fields;
  if (typeof type !== "string" || typeof hostname !== "string") return null;
  if (!isTime(timestamp) || (type.startsWith("task-") && typeof uuid !== "string")) {
    return null;
  }
  return {
    type,
    hostname,
    unixMs: timestamp * 1000,
    uuid: typeof uuid === "string" ? uuid : "",
    fields,
  };
}

/** Unix seconds that a date can have: an event without a time says nothing, one beyond all time neither. */
function isTime(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= MAX_UNIX_SECONDS;
}
