import { ALLOWED_KEY, allowedIn } from "./allowed-hosts.js";
import { parseSentinelUrl, type SentinelSettings } from "./sentinel-url.js";
import { hasTls, readTls, type TlsSettings } from "./tls-query.js";
import {
  percentDecode,
  readHost,
  readUserInfo,
  splitUrl,
  type UrlParts,
  urlError,
  urlsOf,
} from "./url-parts.js";
import { readFlag, readQuery, readSeconds, type UrlQuery } from "./url-query.js";

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
  /** Where its host may lead: addresses and networks; without it anywhere. */
  readonly allowedAddresses?: readonly string[];
  /** How the connection is kept. */
  readonly socket?: SocketSettings;
}

/** What redis-py has under the same names; what is left out is as `RedisLink` has it by itself. */
export interface SocketSettings {
  /** Silence after which the connection counts as lost. */
  readonly timeoutMs?: number;
  readonly connectTimeoutMs?: number;
  readonly keepAlive?: boolean;
  /** Silence after which a PING asks for an answer; 0 = as without it. */
  readonly healthCheckMs?: number;
  /** Shows in CLIENT LIST, before the purpose of the connection. */
  readonly clientName?: string;
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
    const { query, sentinel, tls } = parseSentinelUrl(all);
    const [{ host, port } = { host: "", port: 0 }] = sentinel.servers;
    const settings = serverSettings(all[0]!, query, all[0]!.path.slice(1));
    return { host, port, ...settings, ...(tls === undefined ? {} : { tls }), sentinel };
  }
  if (isSentinel.some(Boolean)) {
    throw urlError("must be sentinel:// in each of its URLs or in none", "Keep one kind.");
  }
  const [first, ...alternatives] = all.map(readServer);
  return { ...first!, ...(alternatives.length === 0 ? {} : { alternatives }) };
}

const DEFAULTS = { host: "127.0.0.1", port: 6379, example: "Write redis://host:6379/0." };

function readServer(parts: UrlParts): RedisServer {
  const { scheme, hostInfo, path, query } = parts;
  if (scheme === "redis+socket" || scheme === "socket") return readSocket(parts);
  if (scheme !== "redis" && scheme !== "rediss") {
    throw urlError(
      "must be a URL that starts with redis://, rediss://, redis+socket:// or sentinel://",
      DEFAULTS.example,
    );
  }
  const values = readQuery(query, "redis URL", [ALLOWED_KEY]);
  const isTls = scheme === "rediss" || hasTls(values);
  return {
    ...readHost(hostInfo, DEFAULTS),
    ...serverSettings(parts, values, path.slice(1)),
    ...(isTls ? { tls: readTls(values) } : {}),
  };
}

function readSocket(parts: UrlParts): RedisServer {
  const { hostInfo, path, query } = parts;
  if (hostInfo !== "" || path.length < 2) {
    throw urlError(
      "must have the absolute path of the socket after three slashes",
      "Write redis+socket:///path/to/redis.sock?virtual_host=0.",
    );
  }
  const values = readQuery(query, "redis URL", [ALLOWED_KEY]);
  return { host: "", port: 0, path: percentDecode(path), ...serverSettings(parts, values, "") };
}

/** What every kind of URL has. In the query it wins, as in `celery/backends/redis.py _params_from_url`. */
function serverSettings({ userInfo }: UrlParts, query: UrlQuery, database: string) {
  const user = readUserInfo(userInfo);
  const username = query.get("username") ?? user.username;
  const password = query.get("password") ?? user.password;
  const socket = socketSettings(query);
  return {
    db: readDatabase(query.get("db") ?? (database || (query.get("virtual_host") ?? ""))),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(Object.keys(socket).length === 0 ? {} : { socket }),
    ...allowedIn(query),
  };
}

function socketSettings(query: UrlQuery): SocketSettings {
  const timeoutMs = readSeconds(query, "socket_timeout", [0.1, 86_400]);
  const connectTimeoutMs = readSeconds(query, "socket_connect_timeout", [0.1, 3600]);
  const keepAlive = readFlag(query, "socket_keepalive");
  const healthCheckMs = readSeconds(query, "health_check_interval", [0, 86_400]);
  const clientName = query.get("client_name");
  if (clientName !== undefined && !/^[!-~]+$/.test(clientName)) {
    throw urlError(
      "must have a client_name without spaces, of ASCII alone",
      "Write client_name=load.",
    );
  }
  return {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
    ...(keepAlive === undefined ? {} : { keepAlive }),
    ...(healthCheckMs === undefined ? {} : { healthCheckMs }),
    ...(clientName === undefined ? {} : { clientName }),
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
