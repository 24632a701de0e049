import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  delayedRoute,
  delayIn,
  MAX_DELAY_MS,
  MAX_DELAYED_KEY_BYTES,
} from "../../../src/celery/messages/delayed-delivery.js";

test("thirty seconds are four bits of 28, the most significant one first, as kombu writes them", () => {
  assert.deepEqual(delayedRoute(30_000, "celery"), {
    exchange: "celery_delayed_27",
    routingKey: `${"0.".repeat(23)}1.1.1.1.0.celery`,
  });
});

test("the bits are the whole seconds of the delay, up to the longest that the broker can hold", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: MAX_DELAY_MS }), fc.string(), (delayMs, key) => {
      const { routingKey } = delayedRoute(delayMs, key);
      const bits = routingKey.slice(0, 55).split(".");
      assert.equal(Number.parseInt(bits.join(""), 2), Math.floor(delayMs / 1000));
      assert.equal(routingKey.slice(55), `.${key}`);
    }),
  );
  assert.match(delayedRoute(MAX_DELAY_MS, "q").routingKey, /^(1\.){28}q$/);
});

test("the longest key fits an AMQP short string behind the bits", () => {
  assert.equal(delayedRoute(1_000, "k".repeat(MAX_DELAYED_KEY_BYTES)).routingKey.length, 255);
});

test("a route without its delay goes through the same exchanges and waits in none", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: MAX_DELAY_MS / 1000 }), fc.string(), (seconds, key) => {
      const delay = delayIn(delayedRoute(seconds * 1000, key));
      assert.deepEqual(delay, {
        delayMs: seconds * 1000,
        routingKey: key,
        keyWithoutDelay: `${"0.".repeat(28)}${key}`,
      });
    }),
  );
});

const WITHOUT_DELAY = {
  "less than a second": delayedRoute(999, "celery"),
  "another exchange": { ...delayedRoute(5_000, "celery"), exchange: "celery" },
  "the anonymous exchange": { exchange: "", routingKey: "celery" },
  "too few bits": { exchange: "celery_delayed_27", routingKey: "1.1.celery" },
};

for (const [what, route] of Object.entries(WITHOUT_DELAY)) {
  test(`no delay: ${what}`, () => assert.equal(delayIn(route), null));
}
