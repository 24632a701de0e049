// Also on today's brokers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAllSucceeded } from "../support/all-succeeded.js";
import { makeCa, type TestCa } from "../support/certificates.js";
import { startDaemon } from "../support/daemon.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startWorker } from "../support/worker.js";

let ca: TestCa;
let rabbitmq: TestRabbitmq;
before(async () => {
  ca = await makeCa();
  rabbitmq = await startRabbitmq(await ca.issue("DNS:localhost,IP:127.0.0.1"));
});
after(() => rabbitmq[Symbol.asyncDispose]());

const config = (url: string, more = "") => `
connections: { main: { broker: "${url}"${more} } }
tasks: { add: { name: tests.add, args: [1, 2], queue: secure } }
scenarios: { steady: { profile: 50/s } }
server: { linger: 0s }
`;

test("tasks and rpc results go through amqps with the right CA, and every one succeeds", async () => {
  await using _worker = await startWorker({
    broker: rabbitmq.url,
    backend: "rpc://",
    queues: ["secure"],
  });
  for (const host of ["localhost", "127.0.0.1"]) {
    await using daemon = await startDaemon({
      configText: config(
        `amqps://guest:guest@${host}:${rabbitmq.tlsPort}//`,
        `, tls: { caFile: "${ca.caFile}" }`,
      ),
      args: ["--count", "100", "--json"],
    });
    assert.equal((await daemon.exit).code, 0, daemon.stderr());
    assertAllSucceeded(JSON.parse(daemon.stdout()).total, 100, daemon.stderr());
  }
});

const refusals: [string, () => string, RegExp][] = [
  [
    "an unknown CA",
    () => config(`amqps://guest:guest@localhost:${rabbitmq.tlsPort}//`),
    /signed by an unknown CA .*tls\.caFile/,
  ],
  [
    "a certificate for another name",
    () =>
      config(
        `amqps://guest:guest@localhost:${rabbitmq.tlsPort}//`,
        `, tls: { caFile: "${ca.caFile}", serverName: elsewhere }`,
      ),
    /is for another host .*tls\.serverName/,
  ],
  [
    "TLS to the plain port",
    () =>
      config(
        `amqps://guest:guest@localhost:${rabbitmq.port}//`,
        `, tls: { caFile: "${ca.caFile}" }`,
      ),
    /does not speak TLS on this port/,
  ],
];
for (const [name, text, message] of refusals) {
  test(`${name} is exit 104 with a message that says what to set`, async () => {
    await using daemon = await startDaemon({ configText: text(), isExpectedToFail: true });
    assert.equal((await daemon.exit).code, 104, daemon.stderr());
    assert.match(daemon.stderr(), message);
  });
}
