import type { SENTINEL_KEYS } from "./sentinel-url.js";
import { schemeOf } from "./server-url.js";
import type { TLS_KEYS } from "./tls-query.js";
import { urlsOf } from "./url-parts.js";

/** What belongs to a URL and is written beside it. */
export interface UrlSettings {
  /** As `tls` of a connection; each key that is set wins over the URL's own. */
  readonly tls?: {
    readonly caFile?: string | undefined;
    readonly certFile?: string | undefined;
    readonly keyFile?: string | undefined;
    readonly serverName?: string | undefined;
    readonly verify?: boolean | undefined;
  };
  /** Celery's options of the same names. */
  readonly masterName?: string | undefined;
  readonly sentinel?: {
    readonly username?: string | undefined;
    readonly password?: string | undefined;
    readonly ssl?: boolean | undefined;
  };
  /** Hosts that Sentinels may answer with; null: every host. */
  readonly allowedHosts?: readonly string[] | null;
}

/**
 * The URL with its settings in the query, so that a URL is all that a connection needs to know:
 * `parseRedisUrl()` and `parseAmqpUrl()` read it. What does not concern its scheme is left out.
 */
export function resolveUrl(url: string, settings: UrlSettings): string {
  const isSentinel = schemeOf(url) === "sentinel";
  const [first = "", ...others] = urlsOf(url);
  const resolved = [
    withQuery(first, {
      ...tlsQuery(first, settings),
      ...(isSentinel ? sentinelQuery(settings) : {}),
    }),
    ...others.map((each) => (isSentinel ? each : withQuery(each, tlsQuery(each, settings)))),
  ];
  return resolved.join(";");
}

/** Can the URL be used with TLS? With `sentinel` it is when there are settings for it. */
export function isTlsUrl(url: string): boolean {
  return urlsOf(url).some((each) => TLS_SCHEMES.includes(schemeOf(each)));
}

const TLS_SCHEMES = ["rediss", "amqps", "sentinel"];

type Query = Partial<Record<(typeof TLS_KEYS)[number] | (typeof SENTINEL_KEYS)[number], string>>;

function tlsQuery(url: string, { tls }: UrlSettings): Query {
  if (tls === undefined || !isTlsUrl(url)) return {};
  const { caFile, certFile, keyFile, serverName, verify } = tls;
  return {
    ...(verify === undefined ? {} : { ssl_cert_reqs: verify ? "required" : "none" }),
    ...(caFile === undefined ? {} : { ssl_ca_certs: caFile }),
    ...(certFile === undefined ? {} : { ssl_certfile: certFile }),
    ...(keyFile === undefined ? {} : { ssl_keyfile: keyFile }),
    ...(serverName === undefined ? {} : { ssl_server_hostname: serverName }),
    // One key at least, as it is the keys that switch TLS on for a Sentinel's servers.
    ...(Object.values(tls).every((value) => value === undefined)
      ? { ssl_check_hostname: "true" }
      : {}),
  };
}

function sentinelQuery({ masterName, sentinel = {}, allowedHosts }: UrlSettings): Query {
  return {
    ...(masterName === undefined ? {} : { master_name: masterName }),
    ...(sentinel.username === undefined ? {} : { sentinel_username: sentinel.username }),
    ...(sentinel.password === undefined ? {} : { sentinel_password: sentinel.password }),
    ...(sentinel.ssl ? { sentinel_ssl: "true" } : {}),
    ...(allowedHosts ? { allowed_hosts: allowedHosts.join(",") } : {}),
  };
}

/** Replaces the keys that are there already. */
function withQuery(url: string, values: Query): string {
  const added = Object.entries(values);
  if (added.length === 0) return url;
  const [start = "", query = ""] = url.split(/\?(.*)/s);
  const kept = query
    .split("&")
    .filter((pair) => pair !== "" && !Object.hasOwn(values, pair.split("=", 1)[0]!));
  const pairs = added.map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return `${start}?${[...kept, ...pairs].join("&")}`;
}
