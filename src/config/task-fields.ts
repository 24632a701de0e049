import * as z from "zod";
import { isoTime } from "../celery/iso-time.js";
import { RESERVED_HEADERS } from "../celery/message.js";
import { field, ReadError } from "./fields.js";

/** Positional arguments: JSON values whose texts may hold templates, checked in `cross-check.ts`. */
export function argsField(description: string) {
  return field(
    { description, type: "array", items: {}, examples: [[1, "{{ uuid }}"]] },
    (value) => {
      if (!Array.isArray(value)) throw new ReadError("must be a list", { remedy: "Write [1, 2]." });
      return value as unknown[];
    },
  );
}

/** Keyword arguments: JSON values whose texts may hold templates, checked in `cross-check.ts`. */
export function kwargsField(description: string) {
  return field({ ...mappingMeta(description), examples: [{ size: 3 }] }, readMapping);
}

/** Message headers beside those that Celery's protocol sets itself. */
export function headersField(description: string) {
  return field({ ...mappingMeta(description), examples: [{ tenant: "load" }] }, (value) => {
    const headers = readMapping(value);
    for (const name of Object.keys(headers)) {
      if (RESERVED_HEADERS.has(name)) {
        throw new ReadError(
          "must not be set: Celery's protocol owns this header",
          { remedy: "Remove it or rename it.", hidesValue: true },
          [name],
        );
      }
    }
    checkJson(headers, []);
    return headers;
  });
}

/** The name under which workers registered a task, such as `app.tasks.resize`. */
export function taskNameField(description: string) {
  const error = "must be a task name such as app.tasks.resize (letters, digits and . _ - : /)";
  return z
    .string({ error })
    .regex(/^[\p{L}_][\p{L}\p{N}_:/-]*(\.[\p{L}\p{N}_:/-]+)*$/u, { error })
    .max(255, { error: "must be at most 255 characters long" })
    .meta({ description, examples: ["app.tasks.resize"] });
}

/** The name of a queue, which is the name of its list in Redis. */
export function queueField(description: string) {
  const error = "must be the name of a queue such as celery, without spaces and quotes";
  return z
    .string({ error })
    .regex(/^[^\s\p{Cc}"'`]+$/u, { error })
    .max(255, { error: "must be at most 255 characters long" })
    .meta({ description, examples: ["images"] });
}

/** The name of an exchange, or a routing key. */
export function exchangeField(description: string) {
  const error = "must be at most 255 bytes without control characters";
  return z
    .string({ error })
    .regex(/^[^\p{Cc}]+$/u, { error })
    .refine((name) => Buffer.byteLength(name) <= 255, { error })
    .meta({ description, examples: ["images"] });
}

/** A point in time, kept as ISO 8601 with offset. */
export function etaField(description: string) {
  const remedy = "Write it like 2030-01-02T03:04:05Z.";
  return field({ description, type: "string", examples: ["2030-01-02T03:04:05Z"] }, (value) => {
    const isTime = typeof value === "string" && ISO_TIME.test(value);
    const unixMs = isTime ? Date.parse(value) : Number.NaN;
    // Without an offset workers would read it in their own time zone.
    if (Number.isNaN(unixMs)) throw new ReadError("must be a time with an offset", { remedy });
    const text = isoTime(unixMs);
    if (!/^\d{4}-/.test(text)) throw new ReadError("must be before the year 10000", { remedy });
    return text;
  });
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)$/;

/** Text that workers only show; as long as `argsrepr` of Celery's own may get. */
export function reprField(description: string) {
  const error = "must be a text of at most 1024 characters";
  return z
    .string({ error })
    .max(1024, { error })
    .meta({ description, examples: ["(...)"] });
}

function mappingMeta(description: string) {
  return { description, type: "object", additionalProperties: {} };
}

function readMapping(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ReadError("must be a mapping", { remedy: "Write {key: value}." });
  }
  return value as Record<string, unknown>;
}

/** YAML has numbers that JSON has not; a message could not carry them. */
function checkJson(value: unknown, path: readonly (string | number)[]): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new ReadError(
      "must be a number that JSON knows",
      { remedy: "Write a finite number, or put it in quotes." },
      path,
    );
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    checkJson(item, [...path, Array.isArray(value) ? Number(key) : key]);
  }
}
