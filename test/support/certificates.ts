import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "../../src/errors.js";
import { missingPrograms } from "./debian-packages.js";
import { scratchFile } from "./scratch.js";

/** PEM files of a certificate and its key. */
export interface KeyPair {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate authority of a test's own. */
export interface TestCa {
  readonly caFile: string;
  /** A server's or client's certificate; `names` are as in subjectAltName: "DNS:localhost,IP:127.0.0.1". */
  issue(names: string, options?: { expired?: boolean }): Promise<KeyPair>;
}

/**
 * Makes a CA with the `openssl` of this machine, which is installed where we are root on Debian.
 * @throws UserError when there is none
 */
export async function makeCa(): Promise<TestCa> {
  const missing = await missingPrograms({ openssl: "openssl" });
  if (missing !== null) throw new UserError(missing, { hint: "Install openssl." });
  const directory = await scratchFile("ca");
  await mkdir(directory);
  const file = (name: string) => join(directory, name);
  const caFile = file("ca.pem");
  const caKey = file("ca.key");
  await openssl([
    ...["req", "-x509", ...NEW_KEY, "-keyout", caKey, "-out", caFile, "-days", "30"],
    ...["-subj", "/CN=test CA", "-addext", "basicConstraints=critical,CA:TRUE"],
  ]);
  let count = 0;
  return {
    caFile,
    async issue(names, { expired = false } = {}) {
      count += 1;
      const [certFile, keyFile] = [file(`${count}.pem`), file(`${count}.key`)];
      const [request, extensions] = [file(`${count}.csr`), file(`${count}.ext`)];
      await openssl(["req", ...NEW_KEY, "-keyout", keyFile, "-out", request, "-subj", "/CN=test"]);
      await writeFile(extensions, `subjectAltName=${names}\n`);
      await openssl([
        ...["x509", "-req", "-in", request, "-CA", caFile, "-CAkey", caKey, "-CAcreateserial"],
        ...["-out", certFile, "-extfile", extensions, "-days", expired ? "-1" : "30"],
      ]);
      return { certFile, keyFile };
    },
  };
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

async function openssl(args: readonly string[]): Promise<void> {
  await promisify(execFile)("openssl", [...args]);
}
