import assert from "node:assert/strict";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { UserError } from "../../../src/errors.js";
import { createApp, type HttpSource, listen, stopServing } from "../../../src/http/app.js";
import { EventLog } from "../../../src/http/events.js";
import { onlyHosts } from "../../../src/http/hosts.js";
import { LiveFeed } from "../../../src/http/live-feed.js";

const source: HttpSource = {
  metricsPage: async (format) => Buffer.from(`page in ${format}\n`),
  status: async () => ({ seconds: 1 }),
  healthFault: () => null,
  readiness: () => ({ ready: true, problems: [] }),
  scenarios: async () => ({ revision: 7, killSwitch: null, scenarios: [] }),
  revision: () => 7,
  events: new EventLog(),
  history: () => ({ layout: 0, series: [], tiers: [], marks: [] }),
  feed: new LiveFeed(),
};

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

async function get(
  overrides: Partial<HttpSource>,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
  served = onlyHosts({ host: "127.0.0.1", port: 0 }, null),
): Promise<Answer> {
  const address = { host: "127.0.0.1", port: 0 };
  const app = createApp({ ...source, ...overrides }, served);
  const server = await listen(app, address);
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port, path, headers, method }, async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: Buffer.concat(chunks),
        });
      })
        .on("error", reject)
        .end();
    });
  } finally {
    await stopServing(server);
  }
}

const HOSTS: readonly [listen: string, hosts: string[] | null, host: string, status: number][] = [
  ["127.0.0.1", null, "127.0.0.1:9809", 200],
  ["127.0.0.1", null, "localhost", 200],
  ["127.0.0.1", null, "LOCALHOST.:9809", 200],
  ["127.0.0.1", null, "app.localhost:80", 200],
  ["127.0.0.1", null, "[::1]:9809", 200],
  ["127.0.0.1", null, "127.8.8.8", 200],
  ["127.0.0.1", null, "evil.example", 421],
  ["127.0.0.1", null, "127.0.0.1.evil.example:9809", 421],
  ["127.0.0.1", null, "localhost.evil.example", 421],
  ["127.0.0.1", null, "10.0.0.1", 421],
  ["127.0.0.1", ["load.example.com"], "Load.Example.com:443", 200],
  ["127.0.0.1", ["load.example.com"], "localhost:9809", 200],
  ["127.0.0.1", ["load.example.com"], "evil.example", 421],
  ["::1", null, "evil.example", 421],
  ["localhost", null, "evil.example", 421],
  ["0.0.0.0", null, "evil.example", 200],
  ["0.0.0.0", ["load.example.com"], "load.example.com", 200],
  ["0.0.0.0", ["load.example.com"], "10.0.0.1:9809", 421],
  ["10.0.0.1", ["load.example.com"], "10.0.0.1:9809", 200],
];
for (const [address, hosts, host, status] of HOSTS) {
  const also = hosts === null ? "" : ` and serves ${hosts}`;
  test(`Host: ${host} is ${status} where it listens on ${address}${also}`, async () => {
    const served = onlyHosts({ host: address, port: 9809 }, hosts);
    for (const path of ["/metrics", "/api/v1/status", "/readyz", "/healthz", "/x"]) {
      const answer = await get({}, path, { host }, "GET", served);
      assert.equal(answer.status, path === "/x" && status === 200 ? 404 : status, path);
      if (status === 421) assert.match(answer.body.toString(), /server\.hosts/);
    }
  });
}

const PROMETHEUS_2 =
  "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const formats: [string, string | undefined, string][] = [
  ["Prometheus' default", PROMETHEUS_2, "openmetrics"],
  ["plain text", "text/plain;version=0.0.4", "text"],
  ["anything", "*/*", "text"],
  ["nothing", undefined, "text"],
  ["text preferred", "application/openmetrics-text;version=1.0.0;q=0.3,text/plain;q=0.9", "text"],
  ["only the old OpenMetrics", "application/openmetrics-text;version=0.0.1", "text"],
];
for (const [name, accept, format] of formats) {
  test(`/metrics answers a client that accepts ${name} in ${format}`, async () => {
    const answer = await get({}, "/metrics", accept === undefined ? {} : { accept });
    assert.equal(answer.body.toString(), `page in ${format}\n`);
    assert.match(
      String(answer.headers["content-type"]),
      format === "text"
        ? /^text\/plain; version=0\.0\.4/
        : /^application\/openmetrics-text; version=1\.0\.0/,
    );
  });
}

test("/metrics is gzipped for those who ask", async () => {
  const answer = await get({}, "/metrics", { "accept-encoding": "gzip" });
  assert.equal(answer.headers["content-encoding"], "gzip");
  assert.equal(gunzipSync(answer.body).toString(), "page in text\n");
});

test("/api/v1/status is JSON that nobody keeps", async () => {
  const answer = await get({}, "/api/v1/status");
  assert.match(String(answer.headers["content-type"]), /^application\/json/);
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.deepEqual(JSON.parse(answer.body.toString()), { seconds: 1 });
});

test("no route takes anything but GET", async () => {
  for (const path of ["/metrics", "/api/v1/status", "/healthz", "/readyz"]) {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const answer = await get({}, path, {}, method);
      assert.equal(answer.status, 404, `${method} ${path}`);
    }
  }
});

test("/readyz tells what is wrong with status 503", async () => {
  const problems = [{ connection: "main", role: "broker", message: "connect ECONNREFUSED" }];
  const answer = await get({ readiness: () => ({ ready: false, problems }) }, "/readyz");
  assert.equal(answer.status, 503);
  assert.deepEqual(JSON.parse(answer.body.toString()), { ready: false, problems });
});

test("/healthz is 200 while the process works and 503 with the fault otherwise", async () => {
  assert.equal((await get({}, "/healthz")).status, 200);
  const answer = await get({ healthFault: () => "the engine has not moved for 11 s" }, "/healthz");
  assert.equal(answer.status, 503);
  assert.match(answer.body.toString(), /not moved/);
});

test("an error on the way to a page is one line and no stack", async () => {
  const failing = async () => {
    throw new Error("no snapshot");
  };
  const answer = await get({ metricsPage: failing }, "/metrics");
  assert.equal(answer.status, 500);
  assert.equal(answer.body.toString(), "no snapshot\n");
});

test("unknown and undecodable paths are answered without a stack, and nothing names express", async () => {
  for (const [path, status] of [
    ["/nowhere", 404],
    ["/%E0%A4%A", 404],
  ] as const) {
    const answer = await get({}, path);
    assert.equal(answer.status, status, path);
    assert.doesNotMatch(answer.body.toString(), /at .*\.js/);
    assert.equal(answer.headers["x-powered-by"], undefined);
  }
});

test("listen() says which port is taken and what to do, exit code 104", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  await assert.rejects(
    listen(createApp(source, onlyHosts({ host: "127.0.0.1", port }, null)), {
      host: "127.0.0.1",
      port,
    }),
    (error: unknown) =>
      error instanceof UserError &&
      error.exitCode === 104 &&
      error.message ===
        `Cannot listen on 127.0.0.1:${port}: the port is in use by another process.` &&
      error.hint!.includes("--listen"),
  );
  other.close();
});
