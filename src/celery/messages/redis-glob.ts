/** A pattern of Redis (`PSUBSCRIBE`) that means this text and nothing else. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\]/g, "\\$&");
}
