import { redactUrl } from "../../celery/urls/redact-url.js";
import { isServerUrl } from "../../celery/urls/server-url.js";

/**
 * What is shown of a value from a file for secrets: of the URL of a broker all but its password, of others
 * nothing. The address of a webhook, say, is a secret as a whole.
 */
export function shownSecret(text: string): string {
  return isServerUrl(text) ? redactUrl(text) : "***";
}
