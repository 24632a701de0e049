import { ALLOWED_KEY, addressesIn } from "./allowed-hosts.js";
import { ENCODE_HINT, readUserInfo, splitUrl, urlError } from "./url-parts.js";

/** Where RabbitMQ's management API is, and who asks. */
export interface ManagementAddress {
  /** `http://host:port/prefix`, without the user. */
  readonly base: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** Where its host may lead: addresses and networks; without it anywhere. */
  readonly allowedAddresses?: readonly string[];
}

/** The URL with what says where its host may lead; `allowedHosts` is `allow.hosts` of its connection. */
export function resolveManagementUrl(url: string, allowedHosts: readonly string[] | null): string {
  const addresses = allowedHosts === null ? null : addressesIn(allowedHosts);
  if (addresses === null) return url;
  return `${withoutPage(url)}?${ALLOWED_KEY}=${addresses.join(",")}`;
}

/**
 * Reads the URL of RabbitMQ's management API: `http://user:password@host:15672`, https, and a path prefix
 * (`management.path_prefix`), with or without the `/api` that its documentation, or the `#/queues` that a browser, shows behind it. The user is guest by default, as RabbitMQ's is.
 * @throws {UserError} whose message starts with "must …" and holds no part of the URL
 */
export function parseManagementUrl(url: string): ManagementAddress {
  const example = "Write http://user:password@rabbitmq:15672.";
  const { scheme, userInfo, hostInfo, path, query } = splitUrl(withoutPage(url));
  if ((scheme !== "http" && scheme !== "https") || hostInfo === "") {
    throw urlError("must be a URL that starts with http:// or https://", example);
  }
  const isOurs = query.startsWith(`${ALLOWED_KEY}=`);
  if (query !== "" && !isOurs) throw urlError("must have no ?", ENCODE_HINT);
  const base = `${scheme}://${hostInfo}${path.replace(/(\/+api)?\/*$/, "")}`;
  if (!URL.canParse(base)) throw urlError("must have a host and a port that exist", example);
  const { hostname, port } = new URL(base);
  const { username = "guest", password = "guest" } = readUserInfo(userInfo);
  return {
    base,
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || (scheme === "https" ? 443 : 80)),
    username,
    password,
    ...(isOurs ? { allowedAddresses: query.slice(ALLOWED_KEY.length + 1).split(",") } : {}),
  };
}

/** Without what a browser shows behind it. */
function withoutPage(url: string): string {
  return url.trim().replace(/\/?#\/.*$/, "");
}
