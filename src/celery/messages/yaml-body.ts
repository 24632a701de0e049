import {
  type ExactNumber,
  isExactNumber,
  nearestNumber,
  pythonFloat,
  wholeOf,
} from "./exact-number.js";
import { isTagged, typedBytes } from "./tagged-json.js";

/**
 * A JSON value as YAML that PyYAML reads as the same value. It refuses a whole document for one unescaped
 * control character (`yaml/reader.py check_printable`) or a long key that no `?` announces, and takes `1e21`,
 * `yes` and `12:30` for other things than they are (`yaml/resolver.py`): so everything is written in one way,
 * in ASCII, with texts in quotes.
 */
export function yamlBody(value: unknown): string {
  if (typeof value === "number" || isExactNumber(value)) return yamlNumber(value);
  if (typeof value === "string") return yamlString(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(yamlBody).join(", ")}]`;
  if (isTagged(value as Record<string, unknown>)) return yamlTyped(value as TypedMapping);
  const entries = Object.entries(value).map(([key, item]) => {
    return `? ${yamlString(key)} : ${yamlBody(item)}`;
  });
  return `{${entries.join(", ")}}`;
}

type TypedMapping = Readonly<Record<"__type__" | "__value__", unknown>>;

/** PyYAML wants seconds in a time. */
function yamlTyped(value: TypedMapping): string {
  const text = String(value.__value__);
  if (value.__type__ === "date") return `!!timestamp "${text}"`;
  if (value.__type__ !== "datetime") return `!!binary "${typedBytes(value).toString("base64")}"`;
  return `!!timestamp "${text.replace(/(T\d\d:\d\d)(?!:)/, "$1:00")}"`;
}

/** PyYAML knows a float by its point, and one with an exponent by its sign as well. */
function yamlNumber(value: number | ExactNumber): string {
  const whole = wholeOf(value);
  if (whole !== undefined) return String(whole);
  return pythonFloat(nearestNumber(value)).replace(/^(-?\d+)e/, "$1.0e");
}

/** JSON's escapes are YAML's, but for pairs of surrogates, which would stay two. */
function yamlString(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007f-\u{10ffff}]/gu, (character) => {
    const code = character.codePointAt(0)!;
    const digits = code.toString(16);
    return code > 0xffff ? `\\U${digits.padStart(8, "0")}` : `\\u${digits.padStart(4, "0")}`;
  });
}
