import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { TlsSettings } from "../celery/urls/tls-query.js";

type TlsOptions = Pick<
  ConnectionOptions,
  "rejectUnauthorized" | "servername" | "checkServerIdentity" | "ca" | "cert" | "key"
>;

/**
 * Options of `tls.connect` for a server at `host`. Files are read at every call, so that a new
 * certificate is used at the next connection.
 * @throws when a file cannot be read
 */
export function tlsOptions(tls: TlsSettings, host: string): TlsOptions {
  const { verify, checkHostName, caFile, certFile, keyFile, serverName } = tls;
  // TLS knows no server name that is an IP address; the certificate is compared with the host then.
  const name = serverName ?? (isIP(host) === 0 && host !== "" ? host : undefined);
  return {
    rejectUnauthorized: verify,
    ...(name === undefined ? {} : { servername: name }),
    ...(checkHostName ? {} : { checkServerIdentity: () => undefined }),
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
  };
}

/**
 * What a failed TLS connection means and what to set, with OpenSSL's code; undefined when the error
 * is none of TLS. Trying again does not help until somebody has done so.
 */
export function tlsFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = "code" in error ? String(error.code) : "";
  const known = FAULTS.find(([pattern]) => pattern.test(code) || pattern.test(error.message));
  if (known === undefined) return undefined;
  const [, meaning, remedy] = known;
  const detail = code === "ERR_TLS_CERT_ALTNAME_INVALID" ? `; ${altNames(error)}` : "";
  const words = code || error.message.replace(/^.*: it sent /, "");
  return `${meaning} (${words}${detail}): ${remedy}`;
}

/** How TLS answers what is no TLS (RFC 8446, section 6): `first` are the first bytes that came. */
export function isTlsAlert(first: Uint8Array | undefined): boolean {
  return first?.[0] === 0x15 && first[1] === 0x03;
}

const FAULTS: readonly (readonly [pattern: RegExp, meaning: string, remedy: string])[] = [
  [
    /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$|certificate (has expired|is not yet valid)/,
    "the server's certificate is not valid now",
    "renew it, or set the clock of this machine right",
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$|does not match certificate's altnames/,
    "the server's certificate is for another host",
    "write that host in the URL, or set tls.serverName to a name of the certificate (ssl_server_hostname in the URL)",
  ],
  [
    /SELF_SIGNED_CERT|^UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)|^CERT_UNTRUSTED$|^INVALID_CA$|self-signed certificate|unable to (get|verify)/,
    "the server's certificate is signed by an unknown CA",
    "set tls.caFile to the PEM file of that CA (ssl_ca_certs in the URL)",
  ],
  [
    /^ERR_SSL_.*(CERTIFICATE_REQUIRED|ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|CERTIFICATE_))|alert certificate required/,
    "the server does not accept our certificate, or wants one",
    "set tls.certFile and tls.keyFile to a pair that its CA has signed (ssl_certfile and ssl_keyfile in the URL)",
  ],
  [
    /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$|wrong version number|packet length too long/,
    "the server does not speak TLS on this port",
    "write the URL without TLS (redis://, amqp://), or the port of TLS",
  ],
  [
    /it sent a TLS alert$/,
    "the server speaks TLS on this port",
    "write amqps:// in the URL, or the port without TLS",
  ],
  [
    /^(CERT_|UNABLE_TO_|ERR_TLS_CERT)/,
    "the server's certificate cannot be verified",
    "set tls.caFile to the PEM file of its CA (ssl_ca_certs in the URL)",
  ],
];

/** Node's own words after its preface: "Host: a. is not in the cert's altnames: DNS:b". */
function altNames(error: Error): string {
  return error.message.replace(/^.*altnames: /, "").slice(0, 200);
}
