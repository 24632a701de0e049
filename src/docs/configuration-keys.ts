import { DURATION_PATTERN, PERCENTAGE_PATTERN, RATE_PATTERN } from "../config/quantities.js";
import { jsonSchema } from "../config/schema.js";
import { plainValue } from "../config/sources/tree.js";
import { readYamlFile } from "../config/sources/yaml-source.js";
import { isIdleKey } from "../config/tasks/option-fields.js";
import { EXAMPLE_CONFIGURATION } from "./example-configuration.js";

/** One key of the configuration, as the reference shows it. Texts are plain, not Markdown. */
export interface ConfigurationKey {
  /** Keys from the root; `NAME` stands for a name of the user's, `[]` follows a list. */
  readonly path: string;
  /** What may be written: "duration", "whole number from 0 to 9", "list of durations". */
  readonly form: string;
  readonly isRequired: boolean;
  /** As it would be written; "" when it has none or it depends on other keys (see the description). */
  readonly defaultText: string;
  readonly description: string;
  /** From the example configuration; "" for keys that hold further keys. */
  readonly example: string;
}

/** Every key that does something, in the order of the schema, a key before those in it. */
export function configurationKeys(): ConfigurationKey[] {
  const keys = keysIn(jsonSchema() as JsonSchema, []);
  // Several forms may have a key in common.
  return keys.filter(({ path }, index) => keys.findIndex((key) => key.path === path) === index);
}

/** The keywords of JSON Schema that our schema uses. */
interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly default?: unknown;
  readonly description?: string;
}

function keysIn(schema: JsonSchema, path: readonly string[]): ConfigurationKey[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const here = [...path, key];
    if (isIdleKey(here)) return [];
    const isRequired = schema.required?.includes(key) ?? false;
    return [keyAt(here, value, isRequired), ...keysBelow(value, here)];
  });
}

/** The keys of a mapping, of the entries of a mapping by names, of the items of a list, of each form. */
function keysBelow(schema: JsonSchema, path: readonly string[]): ConfigurationKey[] {
  if (sharesRows(path)) return [];
  const byName = schema.propertyNames && schema.additionalProperties;
  return [
    ...keysIn(schema, path),
    ...(byName ? keysIn(byName, [...path, NAME]) : []),
    ...(schema.items ? keysBelow(schema.items, [...path, ITEM]) : []),
    // What one form needs, another does not have.
    ...(schema.anyOf ?? []).flatMap((form) => keysIn({ ...form, required: [] }, path)),
  ];
}

/** Defaults have the keys of what they are defaults for. */
function sharesRows(path: readonly string[]): boolean {
  return path[0] === "defaults" && path.length === 2;
}

const NAME = "NAME";
const ITEM = "[]";

function keyAt(path: readonly string[], schema: JsonSchema, isRequired: boolean): ConfigurationKey {
  const holdsKeys = schema.properties !== undefined || schema.propertyNames !== undefined;
  return {
    path: path.join(".").replaceAll(`.${ITEM}`, ITEM),
    form: formOf(schema, path),
    isRequired,
    defaultText: schema.default === undefined || holdsKeys ? "" : flowText(schema.default),
    description: schema.description ?? "",
    example: holdsKeys && !sharesRows(path) ? "" : exampleAt(path),
  };
}

function formOf(schema: JsonSchema, path: readonly string[] = []): string {
  if (schema.anyOf)
    return [...new Set(schema.anyOf.map((form) => formOf(form, path)))].join(", or ");
  if (schema.const !== undefined) return `the word ${schema.const}`;
  if (schema.enum) return schema.enum.map((word) => `the word ${word}`).join(", or ");
  if (schema.pattern === DURATION_PATTERN) return "duration";
  if (schema.pattern === RATE_PATTERN) return "rate";
  if (schema.pattern === PERCENTAGE_PATTERN) return "percentage";
  const types = [schema.type ?? "any value"].flat();
  if (types.includes("integer")) return `whole number from ${schema.minimum} to ${schema.maximum}`;
  if (types.includes("array")) return listForm(schema.items);
  if (types.includes("object")) return mappingForm(schema, path);
  return types.map((type) => FORMS[type] ?? type).join(", or ");
}

const FORMS: Readonly<Record<string, string>> = {
  string: "text",
  boolean: "true or false",
  null: "null",
};

function listForm(items: JsonSchema = {}): string {
  return Object.keys(items).length === 0 ? "list" : `list; each item: ${formOf(items)}`;
}

function mappingForm(schema: JsonSchema, path: readonly string[]): string {
  if (schema.propertyNames) return "mapping by name";
  if (schema.properties) {
    const keys = Object.keys(schema.properties).filter((key) => !isIdleKey([...path, key]));
    return `mapping with ${keys.length > 1 ? "the keys" : "the key"} ${keys.join(", ")}`;
  }
  const values = schema.additionalProperties || {};
  return Object.keys(values).length === 0 ? "mapping" : `mapping; each value: ${formOf(values)}`;
}

/** The value of the first entry of the example that has the path. */
function exampleAt(path: readonly string[]): string {
  const { root } = readYamlFile(EXAMPLE_CONFIGURATION, "example");
  const value = root === undefined ? undefined : valueAt(plainValue(root), path);
  return value === undefined ? "" : flowText(value);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (typeof value !== "object" || value === null) return undefined;
  const children =
    step === NAME || step === ITEM ? Object.values(value) : [Reflect.get(value, step)];
  return children.map((child) => valueAt(child, rest)).find((found) => found !== undefined);
}

/** A value as YAML on one line. */
function flowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => `${key}: ${flowText(item)}`);
    return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
  }
  if (typeof value !== "string") return String(value);
  return /^[$A-Za-z0-9][\w ./:${}-]*$/.test(value) && !value.includes("{{")
    ? value
    : JSON.stringify(value);
}
