import { ReadError } from "./fields.js";

/** JSON Schema of a mapping with any keys. */
export function mappingMeta(description: string) {
  return { description, type: "object", additionalProperties: {} };
}

/** @throws {ReadError} for anything else */
export function readMapping(value: unknown): Record<string, unknown> {
  if (!isMapping(value)) {
    throw new ReadError("must be a mapping", { remedy: "Write {key: value}." });
  }
  return value;
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
