import { redactUrl } from "../celery/redact-url.js";

/** What is shown of a value from a file for secrets: of a URL all but its password, of others nothing. */
export function shownSecret(text: string): string {
  return text.includes("://") ? redactUrl(text) : MASK;
}

const MASK = "***";
