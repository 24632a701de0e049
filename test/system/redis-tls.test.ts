// Also on today's brokers.
import assert from "node:assert/strict";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { freePort } from "../../src/setup/ports.js";
import { assertAllSucceeded } from "../support/all-succeeded.js";
import { type KeyPair, makeCa } from "../support/certificates.js";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { missingRedisTls, startRedis, type TestRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";

const noTls = await missingRedisTls();

const QUICK = ["--task", "tests.add", "--args", "[1,2]", "--rate", "50/s"];

/** A Redis with a port for TLS beside its plain one. */
async function startTlsRedis(
  { certFile, keyFile }: KeyPair,
  caFile: string,
  asksClients: "yes" | "no" = "no",
): Promise<{ redis: TestRedis; tlsPort: number }> {
  const tlsPort = await freePort();
  const redis = await startRedis({
    args: [
      ...["--tls-port", String(tlsPort), "--tls-auth-clients", asksClients],
      ...["--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", caFile],
    ],
  });
  return { redis, tlsPort };
}

/** Starts what must fail, and gives what it said. */
async function refusal(broker: string, config = ""): Promise<string> {
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "${broker}"${config} } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: 5/s } }
`,
    isExpectedToFail: true,
  });
  const { code } = await daemon.exit;
  assert.equal(code, 104, daemon.stderr());
  assert.equal(daemon.stdout(), "");
  return daemon.stderr();
}

test("tasks and results go through TLS with Celery's own query keys, and every one succeeds", async (t) => {
  if (noTls !== null) return t.skip(noTls);
  const ca = await makeCa();
  const { redis, tlsPort } = await startTlsRedis(
    await ca.issue("DNS:localhost,IP:127.0.0.1"),
    ca.caFile,
  );
  await using _ = redis;
  const url = `rediss://localhost:${tlsPort}/0?ssl_cert_reqs=required&ssl_ca_certs=${encodeURIComponent(ca.caFile)}`;
  await using worker = await startWorker({ broker: url });
  await using daemon = await startDaemon({
    args: [...QUICK, "--broker", url, "--count", "200", "--json"],
  });
  const { code } = await daemon.exit;
  assert.equal(code, 0, daemon.stderr());
  const { total, balanced } = JSON.parse(daemon.stdout());
  assert.ok(balanced);
  const published = assertAllSucceeded(total, 200, daemon.stderr());
  assert.equal((await worker.recorded()).length, published);
});

test("our own certificate is shown to a server that asks for one, and without it the start fails", async (t) => {
  if (noTls !== null) return t.skip(noTls);
  const ca = await makeCa();
  const { redis, tlsPort } = await startTlsRedis(await ca.issue("IP:127.0.0.1"), ca.caFile, "yes");
  await using _ = redis;
  const { certFile, keyFile } = await ca.issue("DNS:client");
  const broker = `rediss://127.0.0.1:${tlsPort}/0`;
  const refused = await refusal(broker, `, tls: { caFile: "${ca.caFile}" }`);
  assert.match(refused, /does not accept our certificate, or wants one .* set tls\.certFile/);
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "${broker}", tls: { caFile: "${ca.caFile}", certFile: "${certFile}", keyFile: "${keyFile}" } } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: 5/s } }
`,
  });
  await daemon.waitFor((page) => page.linksUp() === 2);
});

test("a key that does not belong to its certificate for a while keeps us away for that while only", async (t) => {
  if (noTls !== null) return t.skip(noTls);
  const ca = await makeCa();
  const { redis, tlsPort } = await startTlsRedis(await ca.issue("IP:127.0.0.1"), ca.caFile, "yes");
  await using _ = redis;
  const { certFile, keyFile } = await ca.issue("DNS:client");
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "rediss://127.0.0.1:${tlsPort}", tls: { caFile: "${ca.caFile}", certFile: "${certFile}", keyFile: "${keyFile}" } } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: 5/s } }
`,
  });
  await daemon.waitFor((page) => page.linksUp() === 2);
  const key = await readFile(keyFile, "utf8");
  await copyFile((await ca.issue("DNS:client")).keyFile, keyFile);
  await redis.cli().call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await redis.cli().call("CLIENT", "KILL", "TYPE", "pubsub");
  await waitUntil(
    async () => /key values mismatch/.test((await daemon.ready()).body),
    20_000,
    "/readyz to name the cause",
  );
  await writeFile(keyFile, key);
  const up = await daemon.waitFor((page) => page.linksUp() === 2);
  assertBalanced(up);
});

test("a certificate of an unknown CA, for another host, or of last year is exit 104 and says what to set", async (t) => {
  if (noTls !== null) return t.skip(noTls);
  const ca = await makeCa();
  const stranger = await makeCa();
  const cases: [KeyPair, string, RegExp][] = [
    [
      await stranger.issue("IP:127.0.0.1"),
      stranger.caFile,
      /unknown CA \(\w+\): set tls\.caFile .*ssl_ca_certs/,
    ],
    [
      await ca.issue("DNS:redis.internal"),
      ca.caFile,
      /another host \(ERR_TLS_CERT_ALTNAME_INVALID; .*\): .*tls\.serverName/,
    ],
    [
      await ca.issue("IP:127.0.0.1", { expired: true }),
      ca.caFile,
      /not valid now \(CERT_HAS_EXPIRED\): renew it/,
    ],
  ];
  for (const [pair, serverCa, message] of cases) {
    const { redis, tlsPort } = await startTlsRedis(pair, serverCa);
    await using _ = redis;
    const broker = `rediss://127.0.0.1:${tlsPort}/0`;
    assert.match(await refusal(broker, `, tls: { caFile: "${ca.caFile}" }`), message);
  }
});

test("serverName accepts the certificate's own name, and verify: false any, with a warning", async (t) => {
  if (noTls !== null) return t.skip(noTls);
  const ca = await makeCa();
  const { redis, tlsPort } = await startTlsRedis(await ca.issue("DNS:redis.internal"), ca.caFile);
  await using _ = redis;
  for (const [tls, warns] of [
    [`{ caFile: "${ca.caFile}", serverName: redis.internal }`, false],
    ["{ verify: false }", true],
  ] as const) {
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "rediss://127.0.0.1:${tlsPort}/0", tls: ${tls} } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: 5/s } }
`,
    });
    await daemon.waitFor((page) => page.linksUp() === 2);
    assert.equal(/Certificates are not verified/.test(daemon.stderr()), warns);
  }
});

test("a plain URL for the TLS port and a TLS URL for the plain port are exit 104 and say so", async (t) => {
  if (noTls !== null) return t.skip(noTls);
  const ca = await makeCa();
  const { redis, tlsPort } = await startTlsRedis(await ca.issue("IP:127.0.0.1"), ca.caFile);
  await using _ = redis;
  assert.match(
    await refusal(`redis://127.0.0.1:${tlsPort}/0`),
    /speaks TLS on this port: write rediss:/,
  );
  assert.match(
    await refusal(`rediss://127.0.0.1:${redis.port}/0`),
    /does not speak TLS on this port: write redis:/,
  );
});

test("a server that comes back with a bad certificate is down and retried, and up with a good one", async (t) => {
  if (noTls !== null) return t.skip(noTls);
  const ca = await makeCa();
  const stranger = await makeCa();
  const good = await ca.issue("IP:127.0.0.1");
  const bad = await stranger.issue("IP:127.0.0.1");
  const { redis, tlsPort } = await startTlsRedis(good, ca.caFile);
  await using _ = redis;
  const broker = `rediss://127.0.0.1:${tlsPort}/0?ssl_ca_certs=${encodeURIComponent(ca.caFile)}`;
  await using daemon = await startDaemon({ args: [...QUICK, "--broker", broker] });
  await daemon.waitFor((page) => page.linksUp() === 2);
  const cli = redis.cli();
  const present = async ({ certFile, keyFile }: KeyPair) => {
    await cli.config("SET", "tls-cert-file", certFile, "tls-key-file", keyFile);
    await cli.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await cli.call("CLIENT", "KILL", "TYPE", "pubsub");
  };
  await present(bad);
  await daemon.waitFor((page) => page.linksUp() === 0);
  await waitUntil(
    async () => /unknown CA \(\w+\): set tls\.caFile/.test((await daemon.ready()).body),
    20_000,
    "/readyz to name the cause",
  );
  await present(good);
  const up = await daemon.waitFor((page) => page.linksUp() === 2);
  assertBalanced(up);
});
