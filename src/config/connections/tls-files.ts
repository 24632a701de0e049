import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { brokerTraits } from "../../celery/urls/server-url.js";
import type { TlsSettings } from "../../celery/urls/tls-query.js";
import type { Fault } from "../../errors.js";
import { quote } from "../faults/quote.js";
import type { Config } from "../schema.js";
import { readFileAtMost } from "../sources/read-file.js";
import { pathFrom } from "../sources/relative-path.js";
import {
  type ConfigNode,
  nodeAt,
  originAt,
  placeOf,
  withEach,
  withValueAt,
} from "../sources/tree.js";

const FILE_KEYS = ["caFile", "certFile", "keyFile"] as const;

/** Paths in `tls` made absolute: they start from the file that they stand in, or else from `cwd`. */
export function withAbsoluteTlsFiles(root: ConfigNode, cwd: string): ConfigNode {
  return withEach(root, "connections", (written) =>
    FILE_KEYS.reduce<ConfigNode>((connection, key) => {
      const node = nodeAt(connection, ["tls", key]);
      if (node?.kind !== "scalar" || typeof node.value !== "string" || node.value === "") {
        return connection;
      }
      const value = pathFrom(node.origin, node.value, cwd);
      return withValueAt(connection, ["tls", key], { ...node, value });
    }, written),
  );
}

/**
 * Reads and parses every certificate and key of the configuration: Node silently ignores what it
 * cannot read of them, and connects with less than was asked for.
 */
export function checkTlsFiles(
  { connections }: Config,
  root: ConfigNode,
): { readonly faults: readonly Fault[]; readonly warnings: readonly string[] } {
  const faults: Fault[] = [];
  const warnings: string[] = [];
  for (const [name, connection] of Object.entries(connections)) {
    const settings = new Map<string, TlsSettings>();
    for (const role of ["broker", "backend"] as const) {
      for (const tls of tlsOf(connection[role])) {
        const seen = JSON.stringify(tls);
        if (settings.has(seen)) continue;
        settings.set(seen, tls);
        const path = ["connections", name, role];
        const placeFor = (key: string) =>
          placeOf(originAt(root, nodeAt(root, tlsPath(name, key)) ? tlsPath(name, key) : path));
        if (!tls.verify) {
          warnings.push(
            `${placeFor("verify")}: Certificates are not verified for connection ${quote(name)}: anybody on the way can read and change what is sent. Name the CA in tls.caFile and remove verify: false or ssl_cert_reqs=none.`,
          );
        }
        const checked = checkFiles(tls, placeFor);
        faults.push(...checked.faults);
        warnings.push(...checked.warnings);
      }
    }
  }
  return { faults, warnings: [...new Set(warnings)] };
}

function tlsPath(name: string, key: string): string[] {
  return ["connections", name, "tls", key];
}

function tlsOf(url: string): TlsSettings[] {
  const address = brokerTraits(url)?.parse(url);
  if (address === undefined) return [];
  return [address, ...(address.alternatives ?? [])].flatMap(({ tls }) =>
    tls === undefined ? [] : [tls],
  );
}

function checkFiles(
  { caFile, certFile, keyFile }: TlsSettings,
  placeFor: (key: string) => string,
): { faults: Fault[]; warnings: string[] } {
  const faults: Fault[] = [];
  const attempt = <T>(key: string, path: string | undefined, read: (path: string) => T) => {
    if (path === undefined) return undefined;
    try {
      return read(path);
    } catch (error) {
      const message = error instanceof FileFault ? error.message : "it cannot be read";
      const remedy = error instanceof FileFault ? error.remedy : "Check the file.";
      faults.push({
        place: placeFor(key),
        message: `Cannot use ${NOUNS[key]} ${quote(path)}: ${message}. ${remedy}`,
      });
      return undefined;
    }
  };
  attempt("caFile", caFile, readCertificates);
  const certificate = attempt("certFile", certFile, readCertificates)?.[0];
  const key = attempt("keyFile", keyFile, readPrivateKey);
  if (certificate !== undefined && key !== undefined && !certificate.checkPrivateKey(key)) {
    faults.push({
      place: placeFor("keyFile"),
      message: `Cannot use the key ${quote(keyFile ?? "")}: it does not belong to the certificate ${quote(certFile ?? "")}. Name the key that the certificate was made for.`,
    });
  }
  const isOpen = key !== undefined && (statSync(keyFile ?? "").mode & 0o044) !== 0;
  const warning = `${placeFor("keyFile")}: Other users can read the key ${quote(keyFile ?? "")}. Run chmod 600 on it.`;
  return { faults, warnings: isOpen ? [warning] : [] };
}

const NOUNS: Readonly<Record<string, string>> = {
  caFile: "the CA certificates",
  certFile: "the certificate",
  keyFile: "the key",
};

class FileFault extends Error {
  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

function readCertificates(path: string): X509Certificate[] {
  const blocks = readText(path).match(
    /-----BEGIN (?:TRUSTED )?CERTIFICATE-----.*?-----END (?:TRUSTED )?CERTIFICATE-----/gs,
  );
  if (blocks === null) {
    throw new FileFault(
      "it holds no certificate in PEM form",
      "Name a file with -----BEGIN CERTIFICATE----- in it.",
    );
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new FileFault(`its certificate number ${index + 1} is broken`, "Make the file anew.");
    }
  });
}

function readPrivateKey(path: string): KeyObject {
  const text = readText(path);
  if (/ENCRYPTED/.test(text)) {
    throw new FileFault(
      "it is protected by a passphrase",
      "Write it without one, readable only by this user: openssl pkey -in KEY -out PLAIN.",
    );
  }
  try {
    return createPrivateKey(text);
  } catch {
    throw new FileFault(
      "it holds no private key in PEM form",
      "Name a file with -----BEGIN PRIVATE KEY----- in it.",
    );
  }
}

function readText(path: string): string {
  const file = readFileAtMost(path, MAX_PEM_BYTES + 1, "regular");
  if ("reason" in file) throw new FileFault(file.reason, file.remedy);
  if (file.bytes.length > MAX_PEM_BYTES) {
    throw new FileFault("it is larger than 4 MiB", "Check the path.");
  }
  return file.bytes.toString("latin1");
}

/** All that the browsers of the world trust comes to a quarter of a MiB. */
const MAX_PEM_BYTES = 4 * 1024 * 1024;
