import { isExactNumber, nearestNumber, wholeOf } from "../../celery/messages/exact-number.js";

/**
 * Headers for amqplib, with the type of each number said: what amqplib would choose by itself, py-amqp
 * before 5.4 misreads. It takes a 16-bit number (tag `s`) for a short string and then the rest of the
 * headers for something else, and 8- and 64-bit ones (`b`, `l`) for unsigned (`amqp/serialization.py
 * _read_item`). Celery's own producers write whole numbers of 32 bits and doubles.
 */
export function fieldTable(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const table: Record<string, unknown> = {};
  for (const name in headers) table[name] = fieldValue(headers[name]);
  return table;
}

function fieldValue(value: unknown): unknown {
  if (isExactNumber(value)) {
    const whole = wholeOf(value);
    return whole === undefined
      ? { "!": "double", value: nearestNumber(value) }
      : { "!": "long", value: whole };
  }
  if (typeof value === "number") return { "!": numberType(value), value };
  if (Array.isArray(value)) return value.map(fieldValue);
  if (typeof value !== "object" || value === null) return value;
  // Said to be an object, as amqplib would take the key "!" in it for the name of a type.
  return { "!": "object", value: fieldTable(value as Readonly<Record<string, unknown>>) };
}

/** Negative numbers beyond 32 bits become doubles, which every version reads as the same number. */
function numberType(value: number): "int" | "long" | "double" {
  if (value === (value | 0)) return "int";
  return Number.isSafeInteger(value) && value > 0 ? "long" : "double";
}
