import { isExactNumber, wholeOf } from "../../celery/messages/exact-number.js";
import { headerNameFault, stampNameFault } from "../../celery/messages/reserved-names.js";
import { isTagged } from "../../celery/messages/tagged-json.js";
import { isWellFormed } from "../../celery/messages/well-formed.js";
import { isMapping } from "../../mapping.js";
import { field, ReadError } from "../fields.js";
import { mappingMeta, readMapping } from "../mapping.js";
import { fitsShortText, HALF_CHARACTER } from "./message-text.js";

/** Message headers beside those that Celery's protocol sets itself. */
export function headersField(description: string) {
  return field({ ...mappingMeta(description), examples: [{ tenant: "load" }] }, (value) => {
    const headers = readMapping(value);
    checkHeaders(headers, headerNameFault);
    if (Object.hasOwn(headers, "headers") && !isMapping(headers.headers)) {
      throw new ReadError("must be a mapping", { remedy: "Write {key: value}." }, ["headers"]);
    }
    return headers;
  });
}

/** Stamps, which are sent as headers; with extended results workers store them beside the result. */
export function stampsField(description: string) {
  return field({ ...mappingMeta(description), examples: [{ campaign: "soak" }] }, (value) => {
    const stamps = readMapping(value);
    checkHeaders(stamps, stampNameFault);
    return stamps;
  });
}

/** As JSON. RabbitMQ's clients encode headers in 64 KiB, where a number takes more than its digit here. */
const MAX_HEADER_BYTES = 8 * 1024;

function checkHeaders(
  headers: Readonly<Record<string, unknown>>,
  nameFault: (name: string) => string | undefined,
): void {
  for (const name of Object.keys(headers)) {
    const message = nameFault(name);
    if (message !== undefined) {
      throw new ReadError(message, { remedy: "Remove it or rename it.", hidesValue: true }, [name]);
    }
  }
  checkHeaderValue(headers, []);
  if (Buffer.byteLength(JSON.stringify(headers)) > MAX_HEADER_BYTES) {
    throw new ReadError("must be at most 8 KiB as JSON", {
      remedy: "Send it as an argument instead.",
      hidesValue: true,
    });
  }
}

/** AMQP has signed 64 bits, of which py-amqp before 5.4 reads no negative ones (`field-table.ts`). */
const LEAST_WHOLE = -(2n ** 53n);
const MOST_WHOLE = 2n ** 63n - 1n;

/** What JSON, AMQP and Python's UTF-8 can carry, and what kombu does not take for something else. */
function checkHeaderValue(value: unknown, path: readonly (string | number)[]): void {
  const refuse = (message: string, remedy: string): never => {
    const isNumber = typeof value === "number" || isExactNumber(value);
    throw new ReadError(message, { remedy, hidesValue: !isNumber }, path);
  };
  if (typeof value === "number" && !Number.isFinite(value)) {
    // YAML has numbers that JSON has not.
    refuse("must be a number that JSON knows", "Write a finite number, or put it in quotes.");
  }
  if (isExactNumber(value)) {
    const whole = wholeOf(value) ?? 0n;
    if (whole >= LEAST_WHOLE && whole <= MOST_WHOLE) return;
    refuse("must be a whole number from -2^53 to 2^63 - 1", "Write it as a text, in quotes.");
  }
  if (typeof value === "string" && !isWellFormed(value)) {
    refuse(HALF_CHARACTER, "Write the whole character.");
  }
  if (typeof value !== "object" || value === null) return;
  if (isMapping(value)) {
    if (isTagged(value)) {
      // On Redis they are read with the envelope, and one of an unknown type ends the worker.
      refuse(
        "must not be a typed value of kombu's: those are for args and kwargs",
        "Rename a key.",
      );
    }
    if (!Object.keys(value).every((key) => isWellFormed(key) && fitsShortText(key))) {
      refuse("must have keys of at most 255 bytes, without halves of characters", "Rename them.");
    }
  }
  for (const [key, item] of Object.entries(value)) {
    checkHeaderValue(item, [...path, Array.isArray(value) ? Number(key) : key]);
  }
}
