import { urlError } from "./url-parts.js";
import type { UrlQuery } from "./url-query.js";

/** How a TLS connection proves who is who; files are PEM. */
export interface TlsSettings {
  /** False: any certificate is accepted, and anybody can be the server. */
  readonly verify: boolean;
  /** False: a certificate of another host is accepted too, if it is signed by the right CA. */
  readonly checkHostName: boolean;
  /** CA certificates to trust instead of those that come with Node. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Name that the server's certificate must have, instead of the host's. */
  readonly serverName?: string;
}

/** Celery's query keys for TLS, and `ssl_server_hostname` (py-amqp's `server_hostname`). */
export const TLS_KEYS = [
  "ssl_cert_reqs",
  "ssl_ca_certs",
  "ssl_certfile",
  "ssl_keyfile",
  "ssl_check_hostname",
  "ssl_server_hostname",
] as const;

/**
 * True where a query has one of these keys: kombu switches TLS on for them, whatever the scheme
 * (`kombu/utils/url.py parse_url`).
 */
export function hasTls(query: UrlQuery): boolean {
  return [...query.keys()].some((key) => key.startsWith("ssl_"));
}

/**
 * Reads Celery's TLS keys (`kombu/utils/url.py`, `celery/backends/redis.py`). Unlike Celery's broker,
 * which accepts any certificate on a bare `rediss://`, no key means that certificates are verified.
 */
export function readTls(query: UrlQuery): TlsSettings {
  const text = (key: (typeof TLS_KEYS)[number]) => query.get(key) || undefined;
  const verify = readRequirement(query.get("ssl_cert_reqs"));
  const caFile = text("ssl_ca_certs");
  const certFile = text("ssl_certfile");
  // As in Python's load_cert_chain() one file may hold both.
  const keyFile = text("ssl_keyfile") ?? certFile;
  const serverName = text("ssl_server_hostname");
  if (keyFile !== undefined && certFile === undefined) {
    throw urlError("must have ssl_certfile beside ssl_keyfile", "Add the certificate of the key.");
  }
  return {
    verify,
    checkHostName: verify && text("ssl_check_hostname")?.toLowerCase() !== "false",
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

/** For a client "optional" is "required": it always gets a certificate. */
function readRequirement(text = "required"): boolean {
  const word = text.toLowerCase().replace(/^cert_/, "");
  if (word === "required" || word === "optional") return true;
  if (word === "none") return false;
  throw urlError(
    "must have required, optional or none as ssl_cert_reqs",
    "Write ssl_cert_reqs=required.",
  );
}
