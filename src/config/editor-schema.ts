import { isMapping } from "../mapping.js";
import { VARIABLE_PATTERN } from "./quantities.js";
import { jsonSchema } from "./schema.js";

type Schema = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema of a configuration for editors and validators. Every value that is neither a list nor
 * a mapping may be a text with a variable in it, such as `threads: ${N}`: what it will be is known at
 * the start only.
 */
export function editorSchema(): Schema {
  return withVariables(jsonSchema());
}

function withVariables(schema: Schema): Schema {
  const isClosed = takesScalars(schema) && !takesVariables(schema);
  return isClosed ? opened(inside(schema)) : inside(schema);
}

/** The same with what its keywords hold of schemas. */
function inside(schema: Schema): Schema {
  const entries = Object.entries(schema).map(([keyword, value]) => [
    keyword,
    within(keyword, value),
  ]);
  return Object.fromEntries(entries);
}

function within(keyword: string, value: unknown): unknown {
  if (isMapping(value)) {
    if (keyword === "items" || keyword === "additionalProperties") return withVariables(value);
    if (keyword !== "properties" && keyword !== "patternProperties") return value;
    const entries = Object.entries(value).map(([key, each]) => [
      key,
      withVariables(each as Schema),
    ]);
    return Object.fromEntries(entries);
  }
  // It is enough when one of several forms takes a variable.
  return keyword === "anyOf" ? formsOf({ anyOf: value }).map(inside) : value;
}

function takesScalars(schema: Schema): boolean {
  if (schema.anyOf !== undefined) return formsOf(schema).some(takesScalars);
  return isListed(schema) || typesOf(schema).some((type) => type !== "object" && type !== "array");
}

function takesVariables(schema: Schema): boolean {
  if (schema.anyOf !== undefined) return formsOf(schema).some(takesVariables);
  if (isListed(schema)) return false;
  const { type, pattern } = schema;
  if (type === undefined) return true;
  const isOpen = typeof pattern !== "string" || pattern.endsWith(`|${VARIABLE_PATTERN}`);
  return typesOf(schema).includes("string") && isOpen;
}

const VARIABLE = { type: "string", pattern: VARIABLE_PATTERN };

function opened(schema: Schema): Schema {
  if (schema.anyOf !== undefined) return { ...schema, anyOf: [...formsOf(schema), VARIABLE] };
  if (isListed(schema)) {
    const { type: _, const: only, enum: words = [only], ...rest } = schema;
    return { ...rest, anyOf: [{ enum: words }, VARIABLE] };
  }
  const { pattern } = schema;
  if (typeof pattern === "string") return { ...schema, pattern: `${pattern}|${VARIABLE_PATTERN}` };
  return { ...schema, type: [...typesOf(schema), "string"], pattern: VARIABLE_PATTERN };
}

function formsOf({ anyOf }: Schema): Schema[] {
  return Array.isArray(anyOf) ? anyOf.filter(isMapping) : [];
}

function typesOf({ type }: Schema): unknown[] {
  return type === undefined ? [] : [type].flat();
}

/** Does it list its values? */
function isListed(schema: Schema): boolean {
  return schema.const !== undefined || schema.enum !== undefined;
}
