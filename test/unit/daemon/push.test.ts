import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { pushMetrics, pushTarget, runId } from "../../../src/daemon/push.js";
import type { Logger } from "../../../src/log.js";

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

for (const [written, url, authorization] of [
  ["http://gateway:9091", "http://gateway:9091/metrics/job/celery_load", null],
  ["http://gateway:9091/", "http://gateway:9091/metrics/job/celery_load", null],
  ["https://ci/push/", "https://ci/push/metrics/job/celery_load", null],
  ["http://gateway/metrics/job/nightly/team/a", "http://gateway/metrics/job/nightly/team/a", null],
  ["https://u:p%40w@ci", "https://ci/metrics/job/celery_load", basic("u:p@w")],
] as const) {
  test(`--push ${written} sends to ${url}`, () => {
    assert.deepEqual(pushTarget(written), { url, authorization });
  });
}

for (const written of ["gateway:9091", "ftp://gateway", "nowhere"]) {
  test(`--push ${written} is no gateway`, () => assert.throws(() => pushTarget(written)));
}

test("the id of a run says when it was, and is that of no other", () => {
  const now = new Date("2026-11-30T21:30:00.123Z");
  assert.match(runId(now), /^20261130t213000z-[0-9a-f]{6}$/);
  assert.notEqual(runId(now), runId(now));
});

test("a gateway that refuses is told of in its words, and nothing is thrown", async () => {
  const seen: string[] = [];
  const gateway = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.writeHead(400).end("pushed metrics are invalid\n");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => gateway.on("listening", resolve));
  const { port } = gateway.address() as AddressInfo;
  const told: unknown[] = [];
  const log = { error: (fields: unknown) => told.push(fields), info: () => {} };
  const target = pushTarget(`http://u:secret@127.0.0.1:${port}`);
  const never = new AbortController().signal;
  await pushMetrics(target, "r1", Buffer.from("a 1\n"), log as unknown as Logger, never);
  gateway.close();
  assert.deepEqual(seen, [`PUT /metrics/job/celery_load/run/r1 ${basic("u:secret")}`]);
  const push = `http://127.0.0.1:${port}/metrics/job/celery_load/run/r1`;
  const cause = "it answered 400 pushed metrics are invalid";
  assert.deepEqual(told, [{ push, cause }]);
});
