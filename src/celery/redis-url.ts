import { EXIT, UserError } from "../errors.js";

/** A Redis server and database as Celery's URLs name them, percent-decoded. */
export interface RedisAddress {
  /** Host name or IP address in lower case, without brackets; empty for a Unix socket. */
  readonly host: string;
  /** TCP port; 0 for a Unix socket. */
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  /** Absolute path of a Unix socket; then `host` and `port` say nothing. */
  readonly path?: string;
}

/**
 * Reads a broker or result backend URL by kombu's rules
 * (`kombu/utils/url.py`, `kombu/transport/redis.py`, `celery/backends/redis.py`):
 * `redis://[user][:password]@host:port/db` or `redis+socket:///path?virtual_host=N`.
 * Every part is percent-decoded, an empty path or `/` is database 0, and the default is
 * 127.0.0.1:6379.
 *
 * @throws {UserError} whose message starts with "must …" and never holds any part of the URL that
 *   could be a password; `hint` is the remedy.
 */
export function parseRedisUrl(url: string): RedisAddress {
  if (/[\s\p{Cc}]/u.test(url)) {
    throw urlError("must be a URL without spaces, line breaks or control characters", ENCODE_HINT);
  }
  if (/;[a-z][a-z0-9+.-]*:\/\//i.test(url)) {
    throw urlError(
      "must name one server: lists of fail-over URLs are known to Celery but not supported by this version",
      "Keep the URL of the server that is in use.",
    );
  }
  const [scheme, rest] = splitScheme(url);
  const { authority, path, query, fragment } = splitParts(rest);
  if (`${path}${query ?? ""}${fragment ?? ""}`.includes("@") || authority.split("@").length > 2) {
    throw urlError("must have no bare # / ? or @ in the user name or password", ENCODE_HINT);
  }
  if (fragment !== undefined) throw urlError("must have no #", ENCODE_HINT);
  return scheme === "redis"
    ? readServer(authority, path, query)
    : readSocket(authority, path, query);
}

/**
 * The same URL with the password as `***`, for every place that prints one.
 * Takes any text: on a malformed URL it hides too much rather than too little.
 */
export function redactUrl(url: string): string {
  return url
    .split(/(;(?=[a-z][a-z0-9+.-]*:\/\/))/i)
    .map(redactOne)
    .join("");
}

const ENCODE_HINT =
  "Percent-encode the user name and the password (# is %23, / is %2F, ? is %3F, @ is %40).";

/** Schemes of Celery's other brokers and result backends, so that they are not called unknown. */
const OTHER_SCHEMES = new Set(
  (
    "amqp amqps pyamqp py-amqp librabbitmq qpid rediss valkey valkeys sentinel rpc sqs kafka " +
    "confluentkafka memory filesystem file zookeeper consul etcd mongodb mongodb+srv pyro gcpubsub " +
    "azureservicebus azurestoragequeues azureblockblob sqla sqlalchemy db cache memcache memcached " +
    "cassandra couchbase couchbaserw couchdb elasticsearch riak dynamodb cosmosdbsql arangodb s3 gs " +
    "disabled slmq solar"
  ).split(" "),
);

function splitScheme(url: string): ["redis" | "socket", string] {
  const end = url.indexOf("://");
  const scheme = url.slice(0, Math.max(end, 0)).toLowerCase();
  const rest = url.slice(end + 3);
  if (scheme === "redis") return ["redis", rest];
  if (scheme === "redis+socket" || scheme === "socket") return ["socket", rest];
  // `db+postgresql`, `cache+memcached` and `redis+rediss` are known by what stands before the +.
  const known = OTHER_SCHEMES.has(scheme) || OTHER_SCHEMES.has(scheme.split("+")[0] ?? "");
  if (end >= 0 && known) {
    throw urlError(
      `must be a redis:// URL: Celery's scheme ${scheme} is not supported by this version`,
      "Use redis://host:6379/0 or redis+socket:///path?virtual_host=0.",
    );
  }
  throw urlError("must be a URL that starts with redis:// or redis+socket://", EXAMPLE_HINT);
}

const EXAMPLE_HINT = "Write redis://host:6379/0.";

function splitParts(rest: string): {
  authority: string;
  path: string;
  query: string | undefined;
  fragment: string | undefined;
} {
  const match = /^([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(rest);
  return {
    authority: match?.[1] ?? "",
    path: match?.[2] ?? "",
    query: match?.[3],
    fragment: match?.[4],
  };
}

function readServer(authority: string, path: string, query: string | undefined): RedisAddress {
  const [userInfo, hostInfo] = splitUserInfo(authority);
  readQuery(query, []);
  return { ...readHost(hostInfo), db: readDatabase(path.slice(1)), ...readUserInfo(userInfo) };
}

function readSocket(authority: string, path: string, query: string | undefined): RedisAddress {
  const [userInfo, hostInfo] = splitUserInfo(authority);
  if (hostInfo !== "" || path.length < 2) {
    throw urlError(
      "must have the absolute path of the socket after three slashes",
      "Write redis+socket:///path/to/redis.sock?virtual_host=0.",
    );
  }
  const database = readQuery(query, ["virtual_host"]).get("virtual_host") ?? "";
  return {
    host: "",
    port: 0,
    path: percentDecode(path),
    db: readDatabase(database),
    ...readUserInfo(userInfo),
  };
}

function splitUserInfo(authority: string): [userInfo: string, hostInfo: string] {
  const at = authority.lastIndexOf("@");
  return [authority.slice(0, Math.max(at, 0)), authority.slice(at + 1)];
}

/** As in kombu an empty user name or password is none. */
function readUserInfo(userInfo: string): { username?: string; password?: string } {
  const colon = userInfo.indexOf(":");
  const username = percentDecode(colon < 0 ? userInfo : userInfo.slice(0, colon));
  const password = colon < 0 ? "" : percentDecode(userInfo.slice(colon + 1));
  return {
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
  };
}

function readHost(hostInfo: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]*))(?::(.*))?$/i.exec(hostInfo);
  if (match === null) {
    throw urlError("must have a host such as 127.0.0.1 or [::1]", EXAMPLE_HINT);
  }
  const host = percentDecode(match[1] ?? match[2] ?? "").toLowerCase();
  if (!/^[\p{L}\p{N}._:-]*$/u.test(host)) {
    throw urlError("must have a host of letters, digits, dots and hyphens", ENCODE_HINT);
  }
  return { host: host === "" ? "127.0.0.1" : host, port: readPort(match[3] ?? "") };
}

function readPort(text: string): number {
  if (text === "") return 6379;
  const port = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 1 && port <= 65535)) {
    throw urlError(
      "must have a port from 1 to 65535",
      `${EXAMPLE_HINT} If this is part of a password: ${lowerFirst(ENCODE_HINT)}`,
    );
  }
  return port;
}

/** `kombu/transport/redis.py _connparams` takes one more leading slash off, so `//1` is 1. */
function readDatabase(text: string): number {
  const digits = percentDecode(text).replace(/^\//, "");
  if (digits === "") return 0;
  if (!/^\d{1,9}$/.test(digits)) {
    throw urlError(
      "must have a whole number as its database",
      "Write redis://host:6379/0; databases are numbers from 0.",
    );
  }
  return Number(digits);
}

function readQuery(query: string | undefined, known: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const pair of (query ?? "").split("&").filter((text) => text !== "")) {
    const [, key = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
    if (!known.includes(key) || values.has(key)) throw queryError(key, known);
    values.set(key, value);
  }
  return values;
}

function queryError(key: string, known: readonly string[]): UserError {
  if (known.includes(key)) {
    return urlError(`must have the query key ${key} once`, "Remove the second one.");
  }
  if (key.startsWith("ssl_")) {
    return urlError(
      "must have no ssl_* query keys: TLS (rediss://) is known to Celery but not supported by this version",
      "Remove them, or connect through a local TLS proxy.",
    );
  }
  // The key is not named: what stands here may be the rest of a password with a bare question mark.
  return urlError(
    known.length === 0 ? "must have no query" : `must have no query key but ${known.join(", ")}`,
    known.length === 0 ? "Remove the ? and what follows." : "Remove the other keys.",
  );
}

/**
 * Decodes as Python's `urllib.parse.unquote`: what is no valid escape stays as it is, invalid UTF-8
 * becomes U+FFFD.
 */
function percentDecode(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll("%", ""), "hex").toString("utf8"),
  );
}

function urlError(message: string, hint: string): UserError {
  return new UserError(message, { hint, exitCode: EXIT.badConfiguration });
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
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
  if (colon >= 0 && at > colon + 1) {
    redacted = `${url.slice(0, colon)}:***${url.slice(at)}`;
  } else if (schemeEnd >= 0 && colon >= 0 && at < 0 && !isHostAndPort && !rest.startsWith("/")) {
    redacted = `${url.slice(0, colon)}:***`;
  }
  return redacted.replace(/([?&][^=&#]*(?:password|secret|token)[^=&#]*=)[^&#]*/gi, "$1***");
}
