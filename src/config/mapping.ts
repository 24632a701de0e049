import { isMapping } from "../mapping.js";
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

/** What a mapping has under a key, when that is a mapping as well. */
export function mappingIn(value: unknown, key: string): Record<string, unknown> | undefined {
  const found = isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return isMapping(found) ? found : undefined;
}
