import { isWellFormed } from "../celery/messages/well-formed.js";

/** Nested deeper than this no worker could read it (Python's recursion limit is 1000). */
const MOST_DEEP = 200;
/** As the arguments of a task in the configuration. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

/**
 * Positional and keyword arguments that code gives, as JSON text `args, kwargs` in ASCII. Beside what JSON has: bigint is a
 * whole number of any size, Date a datetime, and bytes are bytes (as kombu's typed values). Pure.
 *
 * @throws {Error} that says what of it cannot be sent, and where
 */
export function givenText(args: unknown = [], kwargs: unknown = {}): string {
  if (!Array.isArray(args)) throw new Error(`args must be a list, not ${kindOf(args)}`);
  if (!isPlain(kwargs)) throw new Error(`kwargs must be a mapping, not ${kindOf(kwargs)}`);
  const text = `${textOf(args, "args", 0)}, ${textOf(kwargs, "kwargs", 0)}`;
  if (text.length > MAX_CHARACTERS) throw new Error("the arguments are longer than 16 MiB");
  return text;
}

function textOf(value: unknown, path: string, depth: number): string {
  if (depth > MOST_DEEP) throw new Error(`${path} is nested too deeply, or holds itself`);
  switch (typeof value) {
    case "string":
      if (!isWellFormed(value)) throw new Error(`${path} has half a character`);
      return ascii(JSON.stringify(value));
    case "number":
      if (!Number.isFinite(value)) throw new Error(`${path} is ${value}, which JSON does not have`);
      return Object.is(value, -0) ? "0" : String(value).replace("e+", "e");
    case "bigint":
    case "boolean":
      return String(value);
    case "object":
      return value === null ? "null" : objectText(value, path, depth);
    default:
      throw new Error(`${path} is ${kindOf(value)}, which cannot be sent`);
  }
}

function objectText(value: object, path: string, depth: number): string {
  if (Array.isArray(value)) {
    const items = Array.from(value, (item, index) => {
      return item === undefined ? "null" : textOf(item, `${path}[${index}]`, depth + 1);
    });
    return `[${items.join(", ")}]`;
  }
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new Error(`${path} is no valid date`);
    return typed("datetime", value.toISOString().replace("Z", "+00:00"));
  }
  if (value instanceof Uint8Array) return typed("base64", Buffer.from(value).toString("base64"));
  if (!isPlain(value)) throw new Error(`${path} is ${kindOf(value)}, which cannot be sent`);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const members = entries.map(
    ([key, item]) => `${ascii(JSON.stringify(key))}: ${textOf(item, `${path}.${key}`, depth + 1)}`,
  );
  return `{${members.join(", ")}}`;
}

function typed(type: string, text: string): string {
  return `{"__type__": "${type}", "__value__": "${text}"}`;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  const name = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "" ? `a ${name}` : "an object";
}

function ascii(json: string): string {
  return json.replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
