import { parseSentinelUrl, type SentinelSettings } from "./sentinel-url.js";
import { readTls, TLS_KEYS, type TlsSettings } from "./tls-query.js";
import {
  percentDecode,
  readHost,
  readQuery,
  readUserInfo,
  splitUrl,
  type UrlParts,
  urlError,
  urlsOf,
} from "./url-parts.js";

/** A Redis server and database as Celery's URLs name them, percent-decoded. */
export interface RedisServer {
  /** Host name or IP address in lower case, without brackets; empty for a Unix socket. */
  readonly host: string;
  /** TCP port; 0 for a Unix socket. */
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  /** Absolute path of a Unix socket; then `host` and `port` say nothing. */
  readonly path?: string;
  /** Without it the connection is in the clear. */
  readonly tls?: TlsSettings;
}

/** Where to find the Redis server that is in use. */
export interface RedisAddress extends RedisServer {
  /** The other servers of a fail-over list, in the order in which they are tried. */
  readonly alternatives?: readonly RedisServer[];
  /** Ask these for the server; then `host` and `port` are the first one's and no Redis server. */
  readonly sentinel?: SentinelSettings;
}

/**
 * Reads a broker or result backend URL by kombu's rules
 * (`kombu/utils/url.py`, `kombu/transport/redis.py`, `celery/backends/redis.py`):
 * `redis://[user][:password]@host:port/db`, the same with `rediss` and `ssl_*` query keys,
 * `redis+socket:///path?virtual_host=N`, several of them separated by semicolons, or
 * `sentinel://…;sentinel://…`. Every part is percent-decoded, an empty path or `/` is database 0,
 * and the default is 127.0.0.1:6379.
 *
 * @throws {UserError} whose message starts with "must …" and never holds any part of the URL that
 *   could be a password; `hint` is the remedy.
 */
export function parseRedisUrl(url: string): RedisAddress {
  const all = urlsOf(url).map(splitUrl);
  const isSentinel = all.map(({ scheme }) => scheme === "sentinel");
  if (isSentinel.every(Boolean)) {
    const { database, user, sentinel, tls } = parseSentinelUrl(all);
    const [{ host, port } = { host: "", port: 0 }] = sentinel.servers;
    const db = readDatabase(database);
    return { host, port, db, ...user, ...(tls === undefined ? {} : { tls }), sentinel };
  }
  if (isSentinel.some(Boolean)) {
    throw urlError("must be sentinel:// in each of its URLs or in none", "Keep one kind.");
  }
  const [first, ...alternatives] = all.map(readServer);
  return { ...first!, ...(alternatives.length === 0 ? {} : { alternatives }) };
}

const DEFAULTS = { host: "127.0.0.1", port: 6379, example: "Write redis://host:6379/0." };

function readServer(parts: UrlParts): RedisServer {
  const { scheme, userInfo, hostInfo, path, query } = parts;
  if (scheme === "redis+socket" || scheme === "socket") return readSocket(parts);
  if (scheme !== "redis" && scheme !== "rediss") {
    throw urlError(
      "must be a URL that starts with redis://, rediss://, redis+socket:// or sentinel://",
      DEFAULTS.example,
    );
  }
  const isTls = scheme === "rediss";
  const values = readQuery(query, isTls ? TLS_KEYS : []);
  return {
    ...readHost(hostInfo, DEFAULTS),
    db: readDatabase(path.slice(1)),
    ...readUserInfo(userInfo),
    ...(isTls ? { tls: readTls(values) } : {}),
  };
}

function readSocket({ userInfo, hostInfo, path, query }: UrlParts): RedisServer {
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
