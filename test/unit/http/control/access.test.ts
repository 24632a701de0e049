import assert from "node:assert/strict";
import { test } from "node:test";
import type express from "express";
import { limitOrders } from "../../../../src/http/control/order-limit.js";
import type { HttpProblem } from "../../../../src/http/control/problem.js";
import { ask, controlServer } from "../../../support/control-server.js";

const TOKEN = "0123456789abcdef-canary";
const PAUSE = "/api/v1/scenarios/steady/pause";

const TOKENS: readonly (readonly [string, string | undefined, boolean])[] = [
  ["no header", undefined, false],
  ["the token", `Bearer ${TOKEN}`, true],
  ["the scheme in other letters", `bearer ${TOKEN}`, true],
  ["blanks around", `Bearer   ${TOKEN} `, true],
  ["another token", "Bearer 0123456789abcdef-other", false],
  ["a part of it", `Bearer ${TOKEN.slice(0, -1)}`, false],
  ["more than it", `Bearer ${TOKEN}x`, false],
  ["other letters", `Bearer ${TOKEN.toUpperCase()}`, false],
  ["nothing behind the scheme", "Bearer", false],
  ["another scheme", `Basic ${TOKEN}`, false],
  ["no scheme", TOKEN, false],
  ["two tokens", `Bearer ${TOKEN} ${TOKEN}`, false],
];
for (const [name, authorization, isLetIn] of TOKENS) {
  test(`with ${name} one is ${isLetIn ? "" : "not "}let in`, async () => {
    await using server = await controlServer({ token: TOKEN });
    const headers = authorization === undefined ? {} : { authorization };
    for (const [method, path] of [
      ["POST", PAUSE],
      ["GET", "/api/v1/scenarios"],
      ["GET", "/metrics"],
      ["GET", "/x"],
    ] as const) {
      const answer = await ask(server, method, path, undefined, headers);
      if (isLetIn) {
        assert.equal(answer.status, path === "/x" ? 404 : 200);
        continue;
      }
      assert.equal(answer.status, 401, path);
      assert.equal(answer.headers["www-authenticate"], 'Bearer realm="celery-load"');
      assert.doesNotMatch(answer.text, /canary|length|characters|expected/i);
    }
    assert.equal(server.steering.changes.length, isLetIn ? 1 : 0);
  });
}

/** Host, Origin, Sec-Fetch-Site → status of an order, and of a reading. */
const PAGES: readonly (readonly [
  string,
  string | undefined,
  string | undefined,
  number,
  number,
])[] = [
  ["127.0.0.1:PORT", undefined, undefined, 200, 200],
  ["127.0.0.1:PORT", "http://127.0.0.1:PORT", "same-origin", 200, 200],
  ["localhost:PORT", "http://localhost:PORT", "same-origin", 200, 200],
  ["LOCALHOST:PORT", "http://localhost:PORT", undefined, 200, 200],
  ["[::1]:PORT", "http://[::1]:PORT", undefined, 200, 200],
  ["127.0.0.1:PORT", undefined, "none", 200, 200],
  ["127.0.0.1:PORT", "http://localhost:PORT", undefined, 403, 200],
  ["127.0.0.1:PORT", "http://127.0.0.1:9", undefined, 403, 200],
  ["127.0.0.1:PORT", "http://127.0.0.1", undefined, 403, 200],
  ["127.0.0.1:PORT", "http://evil.example", undefined, 403, 200],
  ["127.0.0.1:PORT", "http://127.0.0.1:PORT.evil.example", undefined, 403, 200],
  ["127.0.0.1:PORT", "http://evil@127.0.0.1:PORT", undefined, 403, 200],
  ["127.0.0.1:PORT", "null", undefined, 403, 200],
  ["127.0.0.1:PORT", "", undefined, 403, 200],
  ["127.0.0.1:PORT", "file://", undefined, 403, 200],
  ["127.0.0.1:PORT", "http://127.0.0.1:PORT", "cross-site", 403, 200],
  ["127.0.0.1:PORT", undefined, "cross-site", 403, 200],
  ["127.0.0.1:PORT", undefined, "same-site", 403, 200],
  ["evil.example", undefined, undefined, 421, 421],
  ["evil.example:PORT", "http://evil.example:PORT", "same-origin", 421, 421],
  ["127.0.0.1.evil.example", undefined, undefined, 421, 421],
  ["load.example.com", "https://load.example.com", "same-origin", 200, 200],
  ["load.example.com", "https://other.example.com", undefined, 403, 200],
];
for (const [host, origin, site, ofOrder, ofReading] of PAGES) {
  test(`Host ${host}, Origin ${origin}, Sec-Fetch-Site ${site}: an order is ${ofOrder}`, async () => {
    await using server = await controlServer({ hosts: ["load.example.com"] });
    const withPort = (text: string) => text.replace("PORT", String(server.port));
    const headers = {
      host: withPort(host),
      ...(origin === undefined ? {} : { origin: withPort(origin) }),
      ...(site === undefined ? {} : { "sec-fetch-site": site }),
    };
    const order = await ask(server, "POST", PAUSE, undefined, headers);
    assert.equal(order.status, ofOrder, order.text);
    assert.equal(server.steering.changes.length, ofOrder === 200 ? 1 : 0);
    if (ofOrder === 403) assert.doesNotMatch(order.text, /127\.0\.0\.1|localhost/);
    const reading = await ask(server, "GET", "/api/v1/scenarios", undefined, headers);
    assert.equal(reading.status, ofReading);
    assert.equal(reading.headers["access-control-allow-origin"], undefined);
  });
}

test("more orders than one can mean are refused, and readings never", async () => {
  await using server = await controlServer({ nowMs: () => 0 });
  for (let count = 1; count <= 102; count++) {
    const { status, headers } = await ask(server, "POST", "/api/v1/stop-all?dryRun=true");
    assert.equal(status, count <= 100 ? 200 : 429, `order ${count}`);
    if (status === 429) assert.equal(headers["retry-after"], "1");
  }
  assert.equal((await ask(server, "GET", "/api/v1/scenarios")).status, 200);
});

/** Goes through the limit at a time; true: let through. */
function limited(limit: express.RequestHandler, remoteAddress: string): boolean {
  let problem: unknown;
  const request = { socket: { remoteAddress } } as express.Request;
  limit(request, {} as express.Response, (error) => {
    problem = error;
  });
  if (problem !== undefined) assert.equal((problem as HttpProblem).status, 429);
  return problem === undefined;
}

test("the limit is 100 at once and 50 a second of each address", () => {
  let nowMs = 0;
  const limit = limitOrders(() => nowMs);
  const passed = (count: number, address = "a") =>
    Array.from({ length: count }, () => limited(limit, address)).filter(Boolean).length;
  assert.equal(passed(150), 100);
  assert.equal(passed(150, "b"), 100);
  nowMs = 1_000;
  assert.equal(passed(150), 50);
  nowMs = 60_000;
  assert.equal(passed(150), 100);
});

test("1,000 orders a minute pass, for ten minutes", () => {
  let nowMs = 0;
  const limit = limitOrders(() => nowMs);
  for (; nowMs < 600_000; nowMs += 60) assert.ok(limited(limit, "a"));
});

test("a million addresses are not remembered", () => {
  const limit = limitOrders(() => 0);
  for (let index = 0; index < 100; index++) limited(limit, "early");
  for (let index = 0; index < 1_000; index++) limited(limit, `a${index}`);
  assert.ok(limited(limit, "early"), "it has been forgotten");
});
