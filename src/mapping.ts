/** Is it what YAML calls a mapping and JSON an object, and no list? */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
