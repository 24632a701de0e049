import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { parseRedisUrl } from "../../../src/celery/urls/redis-url.js";
import { loadConfig } from "../../../src/config/load.js";
import { ConfigError } from "../../../src/errors.js";
import { type KeyPair, makeCa, type TestCa } from "../../support/certificates.js";
import { loadTexts } from "./configurations.js";

let ca: TestCa;
let pair: KeyPair;
let other: KeyPair;
before(async () => {
  ca = await makeCa();
  pair = await ca.issue("DNS:a");
  other = await ca.issue("DNS:b");
});

function text(tls: Readonly<Record<string, unknown>>, broker = "rediss://h"): string {
  return `connections: {main: {broker: "${broker}", tls: ${JSON.stringify(tls)}}}
tasks: {add: {name: app.add}}
scenarios: {steady: {profile: 20/s}}
`;
}

function faultWith(tls: Readonly<Record<string, unknown>>): string {
  try {
    loadTexts([text(tls)]);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /^load\.yml:1:\d+: /);
    return error.message;
  }
  return assert.fail("it was accepted");
}

function fileWith(name: string, content: string): string {
  const path = join(dirname(ca.caFile), name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

test("good files are in effect for broker and backend, without a warning", () => {
  const tls = { caFile: ca.caFile, ...pair };
  const { config, warnings } = loadTexts([text(tls)]);
  const { broker, backend } = config.connections.main!;
  assert.deepEqual(parseRedisUrl(broker).tls, { verify: true, checkHostName: true, ...tls });
  assert.equal(backend, broker);
  assert.deepEqual(warnings, []);
});

test("paths start from the file that they stand in", () => {
  const directory = dirname(ca.caFile);
  mkdirSync(join(directory, "conf"), { recursive: true });
  fileWith("conf/load.yml", text({ caFile: "../ca.pem" }));
  const { config } = loadConfig({ files: ["conf/load.yml"], env: {}, cwd: directory });
  assert.equal(parseRedisUrl(config.connections.main!.broker).tls?.caFile, ca.caFile);
});

test("verify: false and ssl_cert_reqs=none give a warning each, and verify: true wins over the URL", () => {
  const none = "rediss://h?ssl_cert_reqs=none";
  for (const [tls, broker, count] of [
    [{ verify: false }, "rediss://h", 1],
    [{}, none, 1],
    [{ verify: true }, none, 0],
    [{}, "amqps://h?ssl_cert_reqs=CERT_NONE", 1],
  ] as const) {
    const { warnings } = loadTexts([text(tls, broker)]);
    assert.equal(warnings.length, count, `${broker} ${JSON.stringify(tls)}`);
    for (const warning of warnings) {
      assert.match(
        warning,
        /^load\.yml:1:\d+: Certificates are not verified for connection "main"/,
      );
    }
  }
});

test("a key that others can read gives a warning", () => {
  const key = fileWith("open.key", readFileSync(pair.keyFile, "utf8"));
  chmodSync(key, 0o644);
  const { warnings } = loadTexts([text({ certFile: pair.certFile, keyFile: key })]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /Other users can read the key/);
});

test("files that Node would ignore are faults with their place and a remedy", () => {
  const broken = fileWith(
    "broken.pem",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  );
  const locked = fileWith("locked.key", "");
  execFileSync("openssl", [
    ...["pkey", "-in", pair.keyFile, "-aes256", "-passout", "pass:canary", "-out", locked],
  ]);
  const { certFile, keyFile } = pair;
  for (const [tls, message] of [
    [{ caFile: "no.pem" }, /CA certificates ".*": there is no such file\. Check/],
    [{ caFile: keyFile }, /holds no certificate in PEM form/],
    [{ caFile: broken }, /certificate number 1 is broken/],
    [{ caFile: dirname(ca.caFile) }, /it is a directory/],
    [{ certFile }, /Cannot use the key .*: it holds no private key in PEM form/],
    [{ certFile, keyFile: locked }, /protected by a passphrase\. .*openssl pkey/],
    [{ certFile, keyFile: other.keyFile }, /does not belong to the certificate/],
  ] as const) {
    assert.match(faultWith(tls), message);
  }
});
