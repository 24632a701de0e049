import { BlockList, isIP } from "node:net";

/** A server that a URL leads to. */
export interface ServerName {
  /** In lower case, without brackets; empty for a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket. */
  readonly path?: string;
}

/**
 * Is the server in a list of hosts, `host:port`, paths of sockets, and networks (`10.2.0.0/16`)? Upper and lower case
 * are one. A network holds for addresses; with networks alone every name passes here, and `addressesIn()` says where it
 * may lead.
 */
export function isAllowed({ host, port, path }: ServerName, allowed: readonly string[]): boolean {
  if (path !== undefined) return allowed.includes(path);
  const bracketed = host.includes(":") ? `[${host}]` : host;
  const names = [host, bracketed, `${bracketed}:${port}`];
  if (allowed.some((name) => names.includes(name.toLowerCase()))) return true;
  const networks = allowed.filter(isNetwork);
  if (isIP(host) !== 0) return isWithin(host, networks);
  return networks.length > 0 && networks.length === allowed.length;
}

/** Does it name a network, in CIDR notation (RFC 4632, RFC 4291)? */
export function isNetwork(entry: string): boolean {
  const [address = "", bits = "", ...others] = entry.split("/");
  const most = MOST_BITS[isIP(address)];
  return (
    most !== undefined && others.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most
  );
}

/**
 * Where a name of an allowed host may lead: the list's networks and addresses; null when it has no network, as then
 * names are all that it is about.
 */
export function addressesIn(allowed: readonly string[]): readonly string[] | null {
  if (!allowed.some(isNetwork)) return null;
  return allowed
    .map((entry) => entry.replace(/^\[(.*)\](:\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1"))
    .filter((entry) => isNetwork(entry) || isIP(entry) !== 0);
}

/** Is the address one of these, or in one of these networks? */
export function isWithin(address: string, addresses: readonly string[]): boolean {
  const list = new BlockList();
  for (const entry of addresses) {
    const [start = "", bits = ""] = entry.split("/");
    if (bits === "") list.addAddress(start, familyOf(start));
    else list.addSubnet(start, Number(bits), familyOf(start));
  }
  return list.check(address, familyOf(address));
}

/** What `resolveUrl()` puts into the query of a URL: the addresses of `addressesIn()`. */
export const ALLOWED_KEY = "allowed_addresses";

/** Reads it. */
export function allowedIn(query: ReadonlyMap<string, string>): {
  readonly allowedAddresses?: readonly string[];
} {
  const text = query.get(ALLOWED_KEY);
  return text === undefined ? {} : { allowedAddresses: text.split(",") };
}

const MOST_BITS: Readonly<Record<number, number>> = { 4: 32, 6: 128 };

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}
