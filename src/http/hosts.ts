import type { NextFunction, Request, Response } from "express";
import type { Address } from "./app.js";

/**
 * Refuses requests that name another host than those that are served (421, RFC 9110 section 15.5.20): a page of
 * another site reads what listens on this machine by a name of its own that it lets point here (DNS rebinding). On
 * loopback only loopback's own names are served, and `hosts`; elsewhere `hosts`, or everything without them.
 */
export function onlyHosts(address: Address, hosts: readonly string[] | null) {
  const isLocal = isLoopback(address.host);
  const named = new Set([...(hosts ?? []), address.host].map((host) => host.toLowerCase()));
  return (request: Request, response: Response, next: NextFunction): void => {
    const host = hostIn(request.get("host"));
    const isServed =
      host === null || named.has(host) || (isLocal ? isLoopback(host) : hosts === null);
    if (isServed) next();
    else response.status(421).type("text/plain").send(REFUSAL);
  };
}

const REFUSAL = "this host name is not served here: list it in server.hosts\n";

/** Without port and brackets, in lower case; null of a client that names none, which is no browser. */
function hostIn(header: string | undefined): string | null {
  if (header === undefined || header === "") return null;
  return header
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
}

function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|(.+\.)?localhost)$/i.test(host);
}
