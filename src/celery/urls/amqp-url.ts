import { ALLOWED_KEY, allowedIn } from "./allowed-hosts.js";
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
import { readFlag, readQuery, readSeconds, readWhole, type UrlQuery } from "./url-query.js";

/** A RabbitMQ server, account and virtual host as Celery's URLs name them, percent-decoded. */
export interface AmqpServer {
  /** Host name or IP address in lower case, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  readonly isTls: boolean;
  /** There when `isTls`. */
  readonly tls?: TlsSettings;
  /** Where its host may lead: addresses and networks; without it anywhere. */
  readonly allowedAddresses?: readonly string[];
  /** As the URL asks for it; 0 means none. */
  readonly heartbeatSeconds?: number;
  /** How long connecting may take; default: `AmqpLink`'s. */
  readonly connectTimeoutMs?: number;
  /** Default: PLAIN. */
  readonly loginMethod?: LoginMethod;
  /** Bytes of the largest frame that we agree to. */
  readonly frameMax?: number;
  /** What else the connection says of itself. */
  readonly clientProperties?: Readonly<Record<string, unknown>>;
}

/** SASL mechanisms of py-amqp's `login_method` that can be used. */
export const LOGIN_METHODS = ["PLAIN", "AMQPLAIN", "EXTERNAL"] as const;
export type LoginMethod = (typeof LOGIN_METHODS)[number];

/** What `resolveUrl()` puts into the query: Celery has it in options. */
const AMQP_KEYS = ["client_properties", ALLOWED_KEY] as const;

/** Where to find a RabbitMQ node that is in use. */
export interface AmqpAddress extends AmqpServer {
  /** The other servers of a fail-over list, in the order in which they are tried. */
  readonly alternatives?: readonly AmqpServer[];
}

/**
 * Reads a broker URL by kombu's rules (`kombu/utils/url.py`, `kombu/transport/pyamqp.py`):
 * `amqp://user:password@host:port/vhost`, or `amqps` with TLS, or several of them separated by
 * semicolons. Without a path, and with `//`, the virtual host is `/`; `/foo` is `foo`. The default is
 * guest at localhost:5672, with TLS 5671; nothing is taken over from one URL of a list to the next.
 *
 * @throws {UserError} whose message starts with "must …" and never holds any part of the URL that
 *   could be a password; `hint` is the remedy.
 */
export function parseAmqpUrl(url: string): AmqpAddress {
  const [first, ...alternatives] = urlsOf(url).map((each) => readServer(splitUrl(each)));
  return { ...first!, ...(alternatives.length === 0 ? {} : { alternatives }) };
}

function readServer({ scheme, userInfo, hostInfo, path, query }: UrlParts): AmqpServer {
  if (scheme !== "amqps" && scheme !== "amqp" && scheme !== "pyamqp") {
    throw urlError("must be a URL that starts with amqp://, pyamqp:// or amqps://", EXAMPLE);
  }
  const values = readQuery(query, "amqp URL", AMQP_KEYS);
  const isTls = scheme === "amqps" || hasTls(values) || asksForTls(values);
  const { username = "guest", password = "guest" } = readUserInfo(userInfo);
  return {
    ...readHost(hostInfo, { host: "localhost", port: isTls ? 5671 : 5672, example: EXAMPLE }),
    username,
    password,
    vhost: percentDecode(path.slice(1)) || "/",
    isTls,
    ...(isTls ? { tls: readTls(values) } : {}),
    ...allowedIn(values),
    ...connectionSettings(values),
  };
}

/** What of the query says how to connect. */
function connectionSettings(values: UrlQuery): Partial<AmqpServer> {
  const heartbeatSeconds = readHeartbeat(values.get("heartbeat"));
  const connectTimeoutMs = readSeconds(values, "connect_timeout", [0.1, 3600]);
  const loginMethod = readLoginMethod(values.get("login_method"));
  const frameMax = readWhole(values, "frame_max", [4096, 999_999_999]);
  const clientProperties = values.get("client_properties");
  return {
    ...(heartbeatSeconds === undefined ? {} : { heartbeatSeconds }),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
    ...(loginMethod === undefined ? {} : { loginMethod }),
    ...(frameMax === undefined ? {} : { frameMax }),
    ...(clientProperties === undefined ? {} : { clientProperties: readJson(clientProperties) }),
  };
}

const EXAMPLE = "Write amqp://user:password@host:5672/vhost.";

/** kombu takes any text as yes, `false` too: one that says no is not read as either. */
function asksForTls(values: UrlQuery): boolean {
  if (readFlag(values, "ssl") !== false) return values.has("ssl");
  throw urlError(
    "must have no ssl in its query that says no, as Celery takes that as yes",
    "Remove it, or write ssl=1.",
  );
}

function readLoginMethod(text: string | undefined): LoginMethod | undefined {
  if (text === undefined) return undefined;
  const method = LOGIN_METHODS.find((name) => name === text.toUpperCase());
  if (method !== undefined) return method;
  throw urlError(
    "must have PLAIN, AMQPLAIN or EXTERNAL as its login_method",
    "Write login_method=PLAIN.",
  );
}

function readJson(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text);
  } catch {
    throw urlError("must have JSON as its client_properties", "Write it in options.");
  }
}

function readHeartbeat(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,5}(?:\.0*)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= 65_535)) {
    throw urlError(
      "must have a whole number of seconds from 0 to 65535 as its heartbeat",
      "Write heartbeat=10.",
    );
  }
  return seconds;
}
