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
  /** As the URL asks for it; 0 means none. */
  readonly heartbeatSeconds?: number;
}

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
  const isTls = scheme === "amqps";
  if (!isTls && scheme !== "amqp" && scheme !== "pyamqp") {
    throw urlError("must be a URL that starts with amqp://, pyamqp:// or amqps://", EXAMPLE);
  }
  const values = readQuery(query, ["heartbeat", ...(isTls ? TLS_KEYS : [])]);
  const heartbeatSeconds = readHeartbeat(values.get("heartbeat"));
  const { username = "guest", password = "guest" } = readUserInfo(userInfo);
  return {
    ...readHost(hostInfo, { host: "localhost", port: isTls ? 5671 : 5672, example: EXAMPLE }),
    username,
    password,
    vhost: percentDecode(path.slice(1)) || "/",
    isTls,
    ...(isTls ? { tls: readTls(values) } : {}),
    ...(heartbeatSeconds === undefined ? {} : { heartbeatSeconds }),
  };
}

const EXAMPLE = "Write amqp://user:password@host:5672/vhost.";

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
