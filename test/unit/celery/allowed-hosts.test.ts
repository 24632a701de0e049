import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addressesIn,
  isAllowed,
  isNetwork,
  isWithin,
} from "../../../src/celery/urls/allowed-hosts.js";
import { parseAmqpUrl } from "../../../src/celery/urls/amqp-url.js";
import {
  parseManagementUrl,
  resolveManagementUrl,
} from "../../../src/celery/urls/management-url.js";
import { redactUrl } from "../../../src/celery/urls/redact-url.js";
import { parseRedisUrl } from "../../../src/celery/urls/redis-url.js";
import { resolveUrl } from "../../../src/celery/urls/resolved-url.js";

/** A list, hosts that it allows, and hosts that it does not. */
const LISTS: readonly [allowed: string[], passes: string[], refused: string[]][] = [
  [["redis.staging"], ["redis.staging"], ["redis.prod", "10.2.0.1"]],
  [["Redis.Staging:6379"], ["redis.staging"], ["redis.prod"]],
  [["redis.staging:6380"], [], ["redis.staging"]],
  [["10.2.0.0/16"], ["10.2.0.1", "10.2.255.255", "redis.staging"], ["10.3.0.1", "::1"]],
  [
    ["10.2.0.0/16", "redis.staging"],
    ["10.2.0.1", "redis.staging"],
    ["redis.prod", "10.3.0.1"],
  ],
  [["10.2.0.0/16", "10.3.0.1"], ["10.3.0.1"], ["10.3.0.2", "redis.staging"]],
  [
    ["fd00::/8", "[::1]:6379"],
    ["fd12::1", "::1"],
    ["fe80::1", "10.2.0.1"],
  ],
  [[], [], ["redis.staging", "10.2.0.1"]],
];

test("hosts are allowed by name, by address, and by network", () => {
  for (const [allowed, passes, refused] of LISTS) {
    for (const host of passes) {
      assert.ok(isAllowed({ host, port: 6379 }, allowed), `${host} by ${allowed}`);
    }
    for (const host of refused) {
      assert.ok(!isAllowed({ host, port: 6379 }, allowed), `${host} by ${allowed}`);
    }
  }
  const socket = { host: "", port: 0, path: "/run/redis.sock" };
  assert.ok(isAllowed(socket, ["/run/redis.sock"]));
  assert.ok(!isAllowed(socket, ["10.0.0.0/8"]));
});

test("networks are those of CIDR notation", () => {
  for (const entry of ["10.2.0.0/16", "0.0.0.0/0", "10.2.3.4/32", "fd00::/8", "::1/128"]) {
    assert.ok(isNetwork(entry), entry);
  }
  const others = ["10.2.0.0", "10.2.0.0/33", "10.2/16", "fd00::/129", "/run/s", "h/8", "10.2.0.0/"];
  for (const entry of [...others, "10.2.0.0/16/8", "10.2.0.0/-1"])
    assert.ok(!isNetwork(entry), entry);
});

test("without a network no address is looked at; with one, addresses of the list count as well", () => {
  assert.equal(addressesIn(["redis.staging", "10.2.0.1"]), null);
  const addresses = addressesIn([
    "redis.staging",
    "10.2.0.0/16",
    "10.3.0.1:6379",
    "[::1]:1",
    "/s",
  ])!;
  assert.deepEqual(addresses, ["10.2.0.0/16", "10.3.0.1", "::1"]);
  for (const address of ["10.2.7.7", "10.3.0.1", "::1", "::ffff:10.2.0.1"]) {
    assert.ok(isWithin(address, addresses), address);
  }
  for (const address of ["10.3.0.2", "::2", "192.168.0.1"]) {
    assert.ok(!isWithin(address, addresses), address);
  }
});

test("every URL says where its host may lead", () => {
  const settings = { allowedHosts: ["10.2.0.0/16", "fd00::/8", "redis.staging"] };
  const expected = ["10.2.0.0/16", "fd00::/8"];
  const of = (url: string) => parseRedisUrl(resolveUrl(url, settings));
  const list = of("redis://redis.staging;rediss://redis.staging:1?ssl_cert_reqs=none");
  assert.deepEqual(list.allowedAddresses, expected);
  assert.deepEqual(list.alternatives?.[0]?.allowedAddresses, expected);
  assert.deepEqual(of("sentinel://redis.staging;sentinel://b").allowedAddresses, expected);
  const amqp = parseAmqpUrl(resolveUrl("amqps://redis.staging/v?heartbeat=3", settings));
  assert.deepEqual([amqp.allowedAddresses, amqp.heartbeatSeconds], [expected, 3]);
  const management = resolveManagementUrl("http://u:p@h:1/x/#/queues", settings.allowedHosts);
  const { base, allowedAddresses } = parseManagementUrl(management);
  assert.deepEqual([base, allowedAddresses], ["http://h:1/x", expected]);
});

test("what is put into a URL is not printed", () => {
  const settings = { allowedHosts: ["10.0.0.0/8"] };
  const printed = (url: string) => redactUrl(resolveUrl(url, settings));
  assert.equal(printed("redis://h/0"), "redis://h/0");
  assert.equal(printed("redis://h/0;rediss://g/1"), "redis://h/0;rediss://g/1");
  assert.equal(printed("amqp://u:p@h//?heartbeat=3"), "amqp://u:***@h//?heartbeat=3");
  const tls = { ...settings, tls: { serverName: "n" } };
  assert.equal(redactUrl(resolveUrl("amqps://h//", tls)), "amqps://h//?ssl_server_hostname=n");
});

test("a URL of names alone stays as it is", () => {
  const allowedHosts = ["redis.staging", "10.2.0.1"];
  for (const url of ["redis://:p@redis.staging/0", "amqp://10.2.0.1//", "rpc://"]) {
    assert.equal(resolveUrl(url, { allowedHosts }), url);
  }
  assert.equal(resolveManagementUrl("http://h:1", allowedHosts), "http://h:1");
  assert.equal(resolveManagementUrl("http://h:1", null), "http://h:1");
});
