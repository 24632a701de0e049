import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAmqpUrl } from "../../../src/celery/urls/amqp-url.js";
import { causeOf, refusalOf } from "../../../src/connections/amqp/refusal.js";
import { isFull, remedyForFull, STEPPED_ASIDE } from "../../../src/connections/limit.js";
import { hintFor } from "../../../src/connections/redis/faults.js";

/** In the servers' own words: rabbit_reader.erl and rabbit_channel.erl of 3.8 to 4.1, networking.c of Redis 5 to 8. */
const FULL = {
  rabbitmq: [
    "NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (0) is reached",
    "NOT_ALLOWED - access to vhost '/' refused for user 'guest': vhost connection limit (3) is reached",
    "NOT_ALLOWED - connection refused for user 'guest': user connection limit (3) is reached",
    "NOT_ALLOWED - connection refused: node connection limit (100) is reached",
    "NOT_ALLOWED - number of channels opened for user 'guest' has reached the maximum allowed user limit of (2)",
    "NOT_ALLOWED - number of channels opened (2047) has reached the negotiated channel_max (2047)",
    "NOT_ALLOWED - number of channels opened on node 'rabbit@a' has reached the maximum allowed limit of (5)",
  ],
  redis: [
    "ERR max number of clients reached",
    "ERR max number of clients + cluster connections reached",
  ],
};
const OTHER = [
  "NOT_ALLOWED - vhost none not found",
  "NOT_ALLOWED - access to vhost '/' refused for user 'guest'",
  "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN.",
  "PRECONDITION_FAILED - cannot declare queue 'a': queue limit in vhost 'full' (0) is reached",
  "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
  "connect ECONNREFUSED 127.0.0.1:6379",
  "WRONGPASS invalid username-password pair or user is disabled.",
  "OOM command not allowed when used memory > 'maxmemory'.",
  "",
];
const server = parseAmqpUrl("amqp://guest:guest@127.0.0.1:5672//");

for (const words of FULL.rabbitmq) {
  test(`is full, and no wrong configuration: ${words}`, () => {
    const error = new Error(`Connection closed: 530 (NOT-ALLOWED) with message "${words}"`);
    assert.ok(isFull(words));
    assert.equal(refusalOf(error, server), undefined);
    const cause = causeOf(error);
    assert.ok(cause.startsWith(`${words}\n`), cause);
    assert.match(cause, /set_user_limits/);
    assert.ok(isFull(cause), "with its remedy as well");
  });
}

for (const words of FULL.redis) {
  test(`is full: ${words}`, () => {
    const hint = hintFor(new Error(words), { subscribes: false, wasUp: false });
    assert.ok(isFull(words + hint));
    assert.match(hint, /maxclients/);
    assert.match(remedyForFull(words), /maxclients/);
  });
}

for (const words of OTHER) {
  test(`is no limit of connections: ${JSON.stringify(words)}`, () => {
    assert.equal(isFull(words), false);
  });
}

test("a place that was left to others is not asked for again at once", () => {
  assert.ok(isFull(STEPPED_ASIDE));
  assert.equal(causeOf(new Error(STEPPED_ASIDE)), STEPPED_ASIDE);
  assert.equal(hintFor(new Error(STEPPED_ASIDE), { subscribes: true, wasUp: true }), "");
});

test("a subscriber that is cut off without a word may have read too slowly", () => {
  const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  const hint = (error: unknown, subscribes: boolean, wasUp: boolean) =>
    /client-output-buffer-limit/.test(hintFor(error, { subscribes, wasUp }));
  for (const error of [undefined, reset]) {
    assert.ok(hint(error, true, true));
    assert.ok(!hint(error, false, true), "what is asked for does not wait there");
    assert.ok(!hint(error, true, false), "it was never up");
  }
  assert.ok(!hint(new Error("no answer for 10 s on an open connection"), true, true));
});
