import { optionIn } from "../messages/known-options.js";
import { ALLOWED_KEY, addressesIn } from "./allowed-hosts.js";
import type { SENTINEL_KEYS } from "./sentinel-url.js";
import { kindOf, schemeOf } from "./server-url.js";
import type { TLS_KEYS } from "./tls-query.js";
import { urlsOf } from "./url-parts.js";
import type { QueryPlace } from "./url-query.js";

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
  /** What else is written beside it, by the keys that a query has for it; what concerns no server of the kind is left out. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** As `allow.hosts` of a connection; null: every host. */
  readonly allowedHosts?: readonly string[] | null;
}

/**
 * The URL with its settings in the query, so that a URL is all that a connection needs to know:
 * `parseRedisUrl()` and `parseAmqpUrl()` read it. What does not concern its scheme is left out.
 */
export function resolveUrl(url: string, settings: UrlSettings): string {
  const place = queryPlaceOf(url);
  if (place === undefined) return url;
  const isSentinel = schemeOf(url) === "sentinel";
  const [first = "", ...others] = urlsOf(url);
  const options = { ...optionsQuery(settings, place), ...addressesQuery(settings) };
  const resolved = [
    withQuery(first, {
      ...options,
      ...tlsQuery(first, settings),
      ...(isSentinel ? sentinelQuery(settings) : {}),
    }),
    ...others.map((each) =>
      isSentinel ? each : withQuery(each, { ...options, ...tlsQuery(each, settings) }),
    ),
  ];
  return resolved.join(";");
}

/** Which keys the query of a URL may have; undefined when it leads to no server of its own. */
export function queryPlaceOf(url: string): QueryPlace | undefined {
  const kind = kindOf(url);
  if (kind === "rpc" || kind === "disabled") return undefined;
  return `${kind} URL`;
}

/** Can the URL be used with TLS? With `sentinel` it is when there are settings for it. */
export function isTlsUrl(url: string): boolean {
  return urlsOf(url).some(
    (each) => TLS_SCHEMES.includes(schemeOf(each)) || /[?&](ssl_\w+|ssl)=[^&]/.test(each),
  );
}

const TLS_SCHEMES = ["rediss", "amqps", "sentinel"];

type Query = Readonly<Record<string, string>>;
type OwnQuery = Partial<Record<(typeof TLS_KEYS)[number] | (typeof SENTINEL_KEYS)[number], string>>;

/** Those of the options that a URL of the kind can have as well; client_properties no URL of Celery's has. */
function optionsQuery({ options = {} }: UrlSettings, place: QueryPlace): Query {
  const isOwn = (name: string) => place === "amqp URL" && name === "client_properties";
  return Object.fromEntries(
    Object.entries(options)
      .filter(([name]) => isOwn(name) || optionIn(place, name)?.does === "acts")
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => [
        name,
        typeof value === "object" ? JSON.stringify(value) : String(value),
      ]),
  );
}

/** Where its host may lead. */
function addressesQuery({ allowedHosts }: UrlSettings): Query {
  const addresses = allowedHosts ? addressesIn(allowedHosts) : null;
  return addresses === null ? {} : { [ALLOWED_KEY]: addresses.join(",") };
}

function tlsQuery(url: string, { tls }: UrlSettings): OwnQuery {
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

function sentinelQuery({ masterName, sentinel = {}, allowedHosts }: UrlSettings): OwnQuery {
  return {
    ...(masterName === undefined ? {} : { master_name: masterName }),
    ...(sentinel.username === undefined ? {} : { sentinel_username: sentinel.username }),
    ...(sentinel.password === undefined ? {} : { sentinel_password: sentinel.password }),
    ...(sentinel.ssl ? { sentinel_ssl: "true" } : {}),
    ...(allowedHosts ? { allowed_hosts: allowedHosts.join(",") } : {}),
  };
}

/** Replaces the keys that are there already. */
function withQuery(url: string, values: Query | OwnQuery): string {
  const added = Object.entries(values);
  if (added.length === 0) return url;
  const [start = "", query = ""] = url.split(/\?(.*)/s);
  const kept = query
    .split("&")
    .filter((pair) => pair !== "" && !Object.hasOwn(values, pair.split("=", 1)[0]!));
  const pairs = added.map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return `${start}?${[...kept, ...pairs].join("&")}`;
}
