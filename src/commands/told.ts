import type { UserError } from "../errors.js";
import { wrappedText } from "../terminal/text.js";

/**
 * What is to be said about a configuration that can be used, with the end of its last line; "" when there is nothing.
 * `columns` is null where lines may be of any length.
 */
export function remarksText(
  {
    warnings,
    notes = [],
  }: { readonly warnings: readonly string[]; readonly notes?: readonly string[] },
  columns: number | null,
): string {
  const remarks = [
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...notes.map((note) => `Note: ${note}`),
  ];
  return remarks.map((remark) => `${wrappedText(remark, columns ?? Infinity)}\n`).join("");
}

/** What went wrong and what to do now, with the end of its last line. */
export function errorText({ message, hint }: UserError, columns: number | null): string {
  const text = hint === undefined ? message : `${message}\n${hint}`;
  return `${wrappedText(text, columns ?? Infinity)}\n`;
}
