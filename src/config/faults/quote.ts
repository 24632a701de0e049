import { redactUrl } from "../../celery/urls/redact-url.js";

/** A text as error messages show it: in quotes, passwords of URLs masked, cut at 60 characters. */
export function quote(text: string): string {
  const redacted = redactUrl(text);
  return JSON.stringify(redacted.length > 60 ? `${redacted.slice(0, 59)}…` : redacted).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
