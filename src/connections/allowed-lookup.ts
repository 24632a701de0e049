import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from "node:dns";
import type { LookupFunction } from "node:net";
import { isWithin } from "../celery/urls/allowed-hosts.js";

/**
 * Looks a host up as Node does by itself, and leaves only addresses that `allow.hosts` has: a name may lead somewhere
 * else tomorrow. For `net.connect` and `tls.connect`, which ask at each connection.
 *
 * @param addresses of `addressesIn()`
 */
function lookupWithin(addresses: readonly string[]): LookupFunction {
  return (hostname, options, done) => {
    dnsLookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, "");
      const allowed = found.filter(({ address }) => isWithin(address, addresses));
      if (allowed.length === 0) return done(notAllowed(hostname, found, addresses), "");
      if (options.all) done(null, allowed);
      else done(null, allowed[0]!.address, allowed[0]!.family);
    });
  };
}

/** @throws when none of the addresses of a host is allowed, or it has none */
export async function checkAddresses(host: string, addresses: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const options: LookupOptions = { all: true };
    lookupWithin(addresses)(host, options, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** The option of `connect` for a server whose host may not lead anywhere. */
export function lookupOf({ allowedAddresses }: { readonly allowedAddresses?: readonly string[] }): {
  readonly lookup?: LookupFunction;
} {
  return allowedAddresses === undefined ? {} : { lookup: lookupWithin(allowedAddresses) };
}

/** The words of an error of a host that leads to no allowed address; undefined of any other. */
export function addressFault(error: unknown): string | undefined {
  if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code !== CODE) return undefined;
  return `${error.message}: add its network there, or have the name lead where it should`;
}

const CODE = "ENOTALLOWED";

/** Also of an address that was found otherwise. */
export function notAllowed(
  host: string,
  found: readonly Pick<LookupAddress, "address">[],
  addresses: readonly string[],
): NodeJS.ErrnoException {
  const leads = found.map(({ address }) => address).join(", ");
  const error: NodeJS.ErrnoException = new Error(
    `${host} is ${leads}, which is in no network of allow.hosts (${addresses.join(", ")})`,
  );
  error.code = CODE;
  return error;
}
