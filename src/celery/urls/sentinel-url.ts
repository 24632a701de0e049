import { ALLOWED_KEY } from "./allowed-hosts.js";
import { hasTls, readTls, type TlsSettings } from "./tls-query.js";
import { readHost, type UrlParts } from "./url-parts.js";
import { readQuery, type UrlQuery } from "./url-query.js";

/** Whom to ask for the Redis server that is in use. */
export interface SentinelSettings {
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  /** Under which the Sentinels know it: Celery's option `master_name`. */
  readonly masterName: string;
  /** The Sentinels' own account, from Celery's option `sentinel_kwargs`. */
  readonly username?: string;
  readonly password?: string;
  /** Are the Sentinels reached by TLS as well? */
  readonly isTls: boolean;
  /** Hosts that they may answer with; without it every host. */
  readonly allowedHosts?: readonly string[];
}

/** What `resolveUrl()` puts into the query of the first URL: Celery has it in options. */
export const SENTINEL_KEYS = [
  "master_name",
  "sentinel_username",
  "sentinel_password",
  "sentinel_ssl",
  "allowed_hosts",
  ALLOWED_KEY,
] as const;

/**
 * Reads the URLs of Sentinels (`kombu/transport/redis.py SentinelChannel`,
 * `celery/backends/redis.py SentinelBackend`): what is not a Sentinel's host and port belongs to the Redis server,
 * and is that of the first URL. TLS is on when its query has one of Celery's `ssl_*` keys.
 */
export function parseSentinelUrl(all: readonly UrlParts[]): {
  /** Of the first URL. */
  readonly query: UrlQuery;
  readonly tls: TlsSettings | undefined;
  readonly sentinel: SentinelSettings;
} {
  const servers = all.map(({ hostInfo }) => readHost(hostInfo, DEFAULTS));
  const [query = new Map<string, string>()] = all.map((url, index) =>
    readQuery(url.query, "redis URL", index === 0 ? SENTINEL_KEYS : []),
  );
  const text = (key: (typeof SENTINEL_KEYS)[number]) => query.get(key) || undefined;
  const username = text("sentinel_username");
  const password = text("sentinel_password");
  const allowedHosts = query.get("allowed_hosts")?.split(",");
  return {
    query,
    tls: hasTls(query) ? readTls(query) : undefined,
    sentinel: {
      servers,
      masterName: text("master_name") ?? "",
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      isTls: text("sentinel_ssl") === "true",
      ...(allowedHosts === undefined ? {} : { allowedHosts }),
    },
  };
}

const DEFAULTS = {
  host: "127.0.0.1",
  port: 26379,
  example: "Write sentinel://host:26379/0.",
};
