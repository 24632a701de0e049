import { ALLOWED_KEY } from "./allowed-hosts.js";
import { LIST_SEPARATOR } from "./url-parts.js";

/**
 * The same URL with the password as `***`, and without what we put into it for ourselves, for every place that prints one.
 * Takes any text: on a malformed URL it hides too much rather than too little.
 */
export function redactUrl(url: string): string {
  if (!/[:@=]/.test(url)) return url; // no part of it could be hidden
  return url
    .split(new RegExp(`(${LIST_SEPARATOR.source})`, "i"))
    .map(redactOne)
    .join("");
}

function redactOne(url: string): string {
  const schemeEnd = url.indexOf("://");
  const start = schemeEnd < 0 ? 0 : schemeEnd + 3;
  const colon = url.indexOf(":", start);
  const at = url.lastIndexOf("@");
  const rest = url.slice(start);
  // Without @ a port that is no number may be a password whose host was forgotten.
  const isHostAndPort = /^(?:\[[0-9a-f:.]*\]|[^:/?#@]*):\d{0,5}(?:[/?#]|$)/i.test(rest);
  let redacted = url;
  if (schemeEnd >= 0 && at > start && (colon < 0 || colon > at)) {
    // A name alone may be a password whose colon was forgotten.
    redacted = `${url.slice(0, start)}***${url.slice(at)}`;
  } else if (colon > start && at === colon + 1) {
    // And one before it may be one whose colon was put behind it.
    redacted = `${url.slice(0, start)}***${url.slice(colon)}`;
  } else if (colon >= 0 && at > colon + 1) {
    redacted = `${url.slice(0, colon)}:***${url.slice(at)}`;
  } else if (schemeEnd >= 0 && colon >= 0 && at < 0 && !isHostAndPort && !rest.startsWith("/")) {
    redacted = `${url.slice(0, colon)}:***`;
  }
  return redacted
    .replace(OWN_PAIR, (_, before: string, after: string) => (after === "" ? "" : before))
    .replace(/([?&][^=&#]*(?:password|secret|token)[^=&#]*=)[^&#]*/gi, "$1***");
}

/** It comes last, or before what is kept of the query. */
const OWN_PAIR = new RegExp(`([?&])${ALLOWED_KEY}=[^&]*(&?)`, "g");
