import { stringify } from "yaml";

/** One line, quoted where it must be. */
export function yamlLine(value: unknown): string {
  return stringify(value, { lineWidth: 0, blockQuote: false }).trimEnd();
}

/** A text of the deployment's in a comment: it must not end it. */
export function comment(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ");
}
