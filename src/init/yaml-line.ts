import { parse, stringify } from "yaml";

const OPTIONS = { lineWidth: 0, blockQuote: false } as const;

/** One line, quoted where it must be. */
export function yamlLine(value: unknown): string {
  const line = stringify(value, OPTIONS).trimEnd();
  // The library takes a space of Unicode at the end (U+00A0, U+2028) for part of a text, and reads none there.
  if (JSON.stringify(parse(line)) === JSON.stringify(value)) return line;
  return stringify(value, { ...OPTIONS, defaultStringType: "QUOTE_DOUBLE" }).trimEnd();
}

/** A text of the deployment's in a comment: it must not end it. */
export function comment(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ");
}
