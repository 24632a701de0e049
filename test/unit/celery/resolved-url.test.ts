import assert from "node:assert/strict";
import { test } from "node:test";
import { isAllowed } from "../../../src/celery/urls/allowed-hosts.js";
import { parseAmqpUrl } from "../../../src/celery/urls/amqp-url.js";
import { redactUrl } from "../../../src/celery/urls/redact-url.js";
import { parseRedisUrl } from "../../../src/celery/urls/redis-url.js";
import { resolveUrl } from "../../../src/celery/urls/resolved-url.js";
import { hostsOf, kindOf } from "../../../src/celery/urls/server-url.js";

test("kindOf() tells what speaks behind a URL", () => {
  const kinds = {
    redis: [
      "redis://",
      "REDISS://h",
      "redis+socket:///s",
      "socket:///s",
      "sentinel://a;sentinel://b",
    ],
    amqp: ["amqp://", "pyamqp://h", "amqps://h"],
    rpc: ["rpc://"],
  };
  for (const [kind, urls] of Object.entries(kinds)) {
    for (const url of urls) assert.equal(kindOf(url), kind, url);
  }
});

test("hostsOf() names every server of a URL", () => {
  assert.deepEqual(hostsOf("redis://A/0;rediss://b:7000"), [
    { host: "a", port: 6379 },
    { host: "b", port: 7000 },
  ]);
  assert.deepEqual(hostsOf("sentinel://a;sentinel://b:1").length, 2);
  assert.deepEqual(hostsOf("redis+socket:///s"), [{ host: "", port: 0, path: "/s" }]);
  assert.deepEqual(hostsOf("amqps://u:p@h"), [{ host: "h", port: 5671 }]);
  assert.deepEqual(hostsOf("amqp://a;amqps://b:1"), [
    { host: "a", port: 5672 },
    { host: "b", port: 1 },
  ]);
  assert.deepEqual(hostsOf("rpc://"), []);
  assert.ok(isAllowed({ host: "::1", port: 1 }, ["[::1]:1"]));
  assert.ok(!isAllowed({ host: "h", port: 1 }, ["h:2", "g"]));
});

test("resolveUrl() leaves a URL alone that nothing belongs to", () => {
  const settings = { tls: { caFile: "/ca" }, masterName: "m", allowedHosts: ["h"] };
  for (const url of ["redis://:p@h/0", "amqp://h//", "rpc://", "redis+socket:///s"]) {
    assert.equal(resolveUrl(url, settings), url);
  }
  assert.equal(resolveUrl("rediss://h", {}), "rediss://h");
});

test("resolveUrl() puts tls into each URL with TLS, over the keys that are there", () => {
  const tls = {
    ...{ caFile: "/a b&c.pem", certFile: "/c", keyFile: "/k", serverName: "n", verify: true },
  };
  const url = resolveUrl("rediss://:p@a/1?ssl_cert_reqs=none;redis://b", { tls });
  const expected = { ...tls, checkHostName: true };
  const { alternatives, ...first } = parseRedisUrl(url);
  assert.deepEqual(first, { host: "a", port: 6379, db: 1, password: "p", tls: expected });
  assert.equal(alternatives?.[0]?.tls, undefined);
  assert.deepEqual(parseAmqpUrl(resolveUrl("amqps://h/v?heartbeat=3", { tls })).tls, expected);
});

test("resolveUrl() puts Sentinel's options into the first URL, and redactUrl() hides their password", () => {
  const url = resolveUrl("sentinel://:p@a/1;sentinel://b", {
    tls: {},
    masterName: "my master",
    sentinel: { username: "u", password: "canary&@", ssl: true },
    allowedHosts: ["a", "b:1"],
  });
  const { sentinel, tls } = parseRedisUrl(url);
  assert.deepEqual(tls, { verify: true, checkHostName: true });
  assert.equal(sentinel?.masterName, "my master");
  assert.equal(sentinel?.password, "canary&@");
  assert.equal(sentinel?.isTls, true);
  assert.deepEqual(sentinel?.allowedHosts, ["a", "b:1"]);
  assert.doesNotMatch(redactUrl(url), /canary/);
});
