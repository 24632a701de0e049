import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { isoTime } from "../../celery/messages/iso-time.js";
import {
  isKombuKey,
  isOfControl,
  isOfDelays,
  isOfRabbitmq,
} from "../../celery/messages/reserved-names.js";
import { isWellFormed } from "../../celery/messages/well-formed.js";
import { field, ReadError } from "../fields.js";
import { mappingMeta, readMapping } from "../mapping.js";
import { fitsShortText, HALF_CHARACTER } from "./message-text.js";

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

/** What a task must return: a mapping, so that more can be asked of it later. */
export function expectField(description: string) {
  return field({ ...mappingMeta(description), examples: [{ result: 3 }] }, (value) => {
    const expected = readMapping(value);
    const remedy = "Write {result: 3}, with the value as JSON has it.";
    if (Object.keys(expected).join() !== "result") {
      throw new ReadError("must have result, and nothing else", { remedy });
    }
    const { result } = expected;
    if (!isJson(result)) throw new ReadError("must hold a value that JSON has", { remedy });
    return { result };
  });
}

function isJson(value: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(value) ?? "null"), value);
}

/** Brokers and Celery take any text as a name; what would garble terminals and logs is left out. */
const NAME = /^[^\p{Cc}\p{Cs}]+$/u;
/**
 * The same for the JSON Schema, in what the regular expressions of ECMAScript (with and without the flag u),
 * Python, Go and Rust have in common.
 */
const NAME_PATTERN = "^[^\\x00-\\x1f\\x7f-\\x9f]+$";

/** The name under which workers registered a task, such as `app.tasks.resize`. */
export function taskNameField(description: string) {
  const error = "must be a task name such as app.tasks.resize, without control characters";
  return z
    .string({ error })
    .regex(NAME, { error })
    .max(255, { error: "must be at most 255 characters long" })
    .meta({ description, pattern: NAME_PATTERN, examples: ["app.tasks.resize"] });
}

/** The name of a queue, which is the name of its list in Redis. */
export function queueField(description: string) {
  const error = "must be the name of a queue such as celery, without control characters";
  return z
    .string({ error })
    .regex(NAME, { error })
    .refine(fitsShortText, { error: "must be at most 255 bytes long" })
    .refine((name) => !isKombuKey(name), {
      error: "must not be a key of kombu's own: as a queue it would end every worker on this Redis",
    })
    .refine((name) => !isOfControl(name), { error: OF_CONTROL })
    .refine((name) => !isOfDelays(name), { error: OF_DELAYS })
    .meta({ description, pattern: NAME_PATTERN, examples: ["images"] });
}

/** The name of an exchange, or a routing key. */
export function exchangeField(description: string) {
  const error = "must be at most 255 bytes without control characters";
  return z
    .string({ error })
    .regex(NAME, { error })
    .refine(fitsShortText, { error })
    .refine((name) => !isOfControl(name), { error: OF_CONTROL })
    .refine((name) => !isOfDelays(name), { error: OF_DELAYS })
    .refine((name) => !isOfRabbitmq(name), {
      error: "must not be one that only RabbitMQ itself may publish to",
    })
    .meta({ description, pattern: NAME_PATTERN, examples: ["images"] });
}

const OF_CONTROL =
  "must not be one of remote control or events: workers would take tasks for commands";

const OF_DELAYS =
  "must not be one in which RabbitMQ holds delayed tasks, where others would get stuck: set nativeDelayedDelivery instead";

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)$/;

/** A point in time, kept as ISO 8601 with offset. */
export function etaField(description: string) {
  const remedy = "Write it like 2030-01-02T03:04:05Z.";
  const meta = { description, type: "string", pattern: ISO_TIME.source };
  return field({ ...meta, examples: ["2030-01-02T03:04:05Z"] }, (value) => {
    const isTime = typeof value === "string" && ISO_TIME.test(value);
    const unixMs = isTime ? Date.parse(value) : Number.NaN;
    // Without an offset workers would read it in their own time zone.
    if (Number.isNaN(unixMs)) throw new ReadError("must be a time with an offset", { remedy });
    const text = isoTime(unixMs);
    const year = text.slice(0, text.indexOf("-", 1));
    // Workers convert it to their own time zone, and Python has no year 0 or 10000.
    if (!(year >= "1970" && year <= "9998" && year.length === 4)) {
      throw new ReadError("must be in the years from 1970 to 9998", { remedy });
    }
    return text;
  });
}

/** Text that workers only show; as long as `argsrepr` of Celery's own may get. */
export function reprField(description: string) {
  const error = "must be a text of at most 1024 characters";
  return z
    .string({ error })
    .max(1024, { error })
    .refine(isWellFormed, { error: HALF_CHARACTER })
    .meta({ description, examples: ["(...)"] });
}
