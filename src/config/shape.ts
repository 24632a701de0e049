import * as z from "zod";

/**
 * What may stand where in a configuration, read off the schema: the keys of a mapping, a mapping
 * from names that the user chose, a list of mappings, text, or any value.
 */
export type Shape =
  | { readonly kind: "keys"; readonly keys: ReadonlyMap<string, Shape> }
  | { readonly kind: "names"; readonly value: Shape }
  | { readonly kind: "list"; readonly item: Shape }
  | {
      readonly kind: "text";
      readonly example?: string;
      /** Text that may be written as a mapping as well, with these keys. */
      readonly keys?: ReadonlyMap<string, Shape>;
    }
  | { readonly kind: "any"; readonly example?: string };

/** Texts that may be written as a mapping as well: the schema of that mapping. */
export const MAPPING_FORMS = new WeakMap<z.core.$ZodType, z.core.$ZodType>();

/** Does it have keys of ours? */
export function hasKeys(
  shape: Shape,
): shape is Shape & { readonly keys: ReadonlyMap<string, Shape> } {
  return "keys" in shape;
}

/** The shape of a schema; transforms, defaults and the like are looked through. */
export function shapeOf(schema: z.core.$ZodType): Shape {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) return { kind: "keys", keys: keysOf(inner) };
  if (inner instanceof z.ZodRecord) {
    const value = unwrap(inner.valueType);
    return value instanceof z.ZodObject
      ? { kind: "names", value: shapeOf(value) }
      : { kind: "any" };
  }
  if (inner instanceof z.ZodArray) {
    const item = shapeOf(inner.element);
    if (hasKeys(item)) return { kind: "list", item };
  }
  const example = exampleOf(schema, inner);
  const shown = example === undefined ? {} : { example };
  const mapping = MAPPING_FORMS.get(inner);
  if (mapping instanceof z.ZodObject) return { kind: "text", ...shown, keys: keysOf(mapping) };
  const isText = inner instanceof z.ZodString || typeOf(inner) === "string";
  return { kind: isText ? "text" : "any", ...shown };
}

function keysOf({ shape }: { readonly shape: unknown }): Map<string, Shape> {
  const keys = Object.entries(shape as Record<string, z.core.$ZodType>);
  return new Map(keys.map(([key, value]) => [key, shapeOf(value)]));
}

/** The first example of a value, or else its default, as it would be written. */
function exampleOf(schema: z.core.$ZodType, inner: z.core.$ZodType): string | undefined {
  const examples = z.globalRegistry.get(inner)?.examples;
  const example: unknown = Array.isArray(examples) ? examples[0] : defaultOf(schema);
  if (example === undefined || example === null) return undefined;
  const text = typeof example === "string" ? example : JSON.stringify(example);
  return /^[\x20-\x7e]{1,60}$/.test(text) ? text : undefined;
}

/** The default of a schema, in the form in which it is written, or undefined when it has none. */
export function defaultOf(schema: z.core.$ZodType): unknown {
  return schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault
    ? schema.def.defaultValue
    : undefined;
}

/** The schema of what is written, below default, transform, optional and null. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodPipe) {
    // A bare transform has no input schema of its own: the pipe carries the description.
    const isBare = typeOf(schema) === undefined && !MAPPING_FORMS.has(schema);
    return isBare ? unwrap(schema.in as z.core.$ZodType) : schema;
  }
  if (
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable
  ) {
    return unwrap(schema.def.innerType as z.core.$ZodType);
  }
  return schema;
}

/** A mapping with the same keys, each of which may be left out and then has no value. */
export function partialOf(fields: z.ZodObject, without: readonly string[] = []): z.ZodObject {
  const kept = Object.entries(fields.shape).filter(([key]) => !without.includes(key));
  return z.strictObject(
    Object.fromEntries(
      kept.map(([key, schema]) => {
        const value = schema instanceof z.ZodPrefault ? schema.def.innerType : schema;
        return [key, z.optional(value)];
      }),
    ),
  );
}

function typeOf(schema: z.core.$ZodType): unknown {
  return z.globalRegistry.get(schema)?.type;
}
