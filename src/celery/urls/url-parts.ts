import { EXIT, UserError } from "../../errors.js";

/** A URL of Celery's in the parts that its schemes have in common, still percent-encoded. */
export interface UrlParts {
  /** In lower case, without `://`. */
  readonly scheme: string;
  readonly userInfo: string;
  readonly hostInfo: string;
  /** With its leading slash; empty when there is none. */
  readonly path: string;
  readonly query: string;
}

/** What to do about characters that would end a part of the URL. */
export const ENCODE_HINT =
  "Percent-encode the user name and the password (# is %23, / is %2F, ? is %3F, @ is %40).";

/** What separates the URLs of a fail-over list, or ends it: semicolons, with white space around them. */
export const LIST_SEPARATOR = /\s*(?:;\s*)+(?=[a-z][a-z0-9+.-]*:\/\/|$)/i;

/**
 * The URLs of a fail-over list, which kombu separates by semicolons (`kombu/connection.py`): of every kind of
 * server. One at the end and white space around a URL, such as the line break of a file, say nothing.
 */
export function urlsOf(list: string): string[] {
  const urls = list.trim().split(LIST_SEPARATOR);
  return urls.length > 1 && urls.at(-1) === "" ? urls.slice(0, -1) : urls;
}

/**
 * @throws {UserError} when characters stand where they must be encoded; no message of this module
 *   holds a part of the URL that could be a password.
 */
export function splitUrl(url: string): UrlParts {
  if (/[\s\p{Cc}]/u.test(url)) {
    throw urlError("must be a URL without spaces, line breaks or control characters", ENCODE_HINT);
  }
  const end = url.indexOf("://");
  const scheme = url.slice(0, Math.max(end, 0)).toLowerCase();
  const match = /^([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(url.slice(end + 3));
  const [, authority = "", path = "", query = "", fragment] = match ?? [];
  if (`${path}${query}${fragment ?? ""}`.includes("@") || authority.split("@").length > 2) {
    throw urlError("must have no bare # / ? or @ in the user name or password", ENCODE_HINT);
  }
  if (fragment !== undefined) throw urlError("must have no #", ENCODE_HINT);
  const at = authority.lastIndexOf("@");
  return {
    scheme,
    userInfo: authority.slice(0, Math.max(at, 0)),
    hostInfo: authority.slice(at + 1),
    path,
    query,
  };
}

/** As in kombu an empty user name or password is none. */
export function readUserInfo(userInfo: string): { username?: string; password?: string } {
  const colon = userInfo.indexOf(":");
  const username = percentDecode(colon < 0 ? userInfo : userInfo.slice(0, colon));
  const password = colon < 0 ? "" : percentDecode(userInfo.slice(colon + 1));
  return {
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
  };
}

/** `host`, `host:port` or `[::1]:port`; the host in lower case, without brackets. */
export function readHost(
  hostInfo: string,
  defaults: { readonly host: string; readonly port: number; readonly example: string },
): { host: string; port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]*))(?::(.*))?$/i.exec(hostInfo);
  if (match === null) {
    throw urlError("must have a host such as 127.0.0.1 or [::1]", defaults.example);
  }
  const host = percentDecode(match[1] ?? match[2] ?? "").toLowerCase();
  if (!/^[\p{L}\p{N}._:-]*$/u.test(host)) {
    throw urlError("must have a host of letters, digits, dots and hyphens", ENCODE_HINT);
  }
  return { host: host === "" ? defaults.host : host, port: readPort(match[3] ?? "", defaults) };
}

function readPort(text: string, defaults: { port: number; example: string }): number {
  if (text === "") return defaults.port;
  const port = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 1 && port <= 65535)) {
    throw urlError(
      "must have a port from 1 to 65535",
      `${defaults.example} If this is part of a password: ${lowerFirst(ENCODE_HINT)}`,
    );
  }
  return port;
}

/**
 * Decodes as Python's `urllib.parse.unquote`: what is no valid escape stays as it is, invalid UTF-8
 * becomes U+FFFD.
 */
export function percentDecode(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll("%", ""), "hex").toString("utf8"),
  );
}

/** A URL that cannot be used: `message` starts with "must …", `hint` is the remedy. */
export function urlError(message: string, hint: string): UserError {
  return new UserError(message, { hint, exitCode: EXIT.badConfiguration });
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
