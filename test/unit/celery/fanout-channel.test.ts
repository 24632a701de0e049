import assert from "node:assert/strict";
import { test } from "node:test";
import { fanoutChannel, fanoutPattern } from "../../../src/celery/events/fanout-channel.js";

const DEFAULTS = { global_keyprefix: "", fanout_prefix: true, fanout_patterns: true } as const;

// Channels that producers of Celery were seen to publish to, and options of the same kind.
const channels = [
  [{}, 2, ["celeryev", "task.sent"], "/2.celeryev/task.sent"],
  [{}, 0, ["celery.pidbox"], "/0.celery.pidbox"],
  [{ fanout_prefix: false }, 2, ["celeryev", "task.sent"], "celeryev/task.sent"],
  [{ fanout_prefix: "" }, 2, ["celeryev", "task.sent"], "celeryev/task.sent"],
  [{ fanout_prefix: "/shop-{db}." }, 2, ["celeryev", "x"], "/shop-2.celeryev/x"],
  [{ fanout_patterns: false }, 0, ["celeryev", "task.sent"], "/0.celeryev"],
  [{ global_keyprefix: "pfx:" }, 2, ["celeryev", "task.sent"], "pfx:/2.celeryev/task.sent"],
  [{}, "{db}", ["celery.pidbox"], "/{db}.celery.pidbox"],
] as const;
for (const [options, db, [exchange, key], channel] of channels) {
  test(`fanoutChannel() is ${channel} with ${JSON.stringify(options)}`, () => {
    assert.equal(fanoutChannel({ ...DEFAULTS, ...options }, db, exchange, key), channel);
  });
}

test("fanoutPattern() has * for # of a binding key, and no other sign with a meaning", () => {
  const options = { ...DEFAULTS, global_keyprefix: "a*:" };
  assert.equal(fanoutPattern(options, 0, "celeryev", "#"), "a\\*:/0.celeryev/*");
  assert.equal(fanoutPattern(options, 0, "celeryev", "worker.#"), "a\\*:/0.celeryev/worker.*");
  assert.equal(fanoutPattern(DEFAULTS, 1, "celery.pidbox"), "/1.celery.pidbox");
  const bare = { ...DEFAULTS, fanout_patterns: false };
  assert.equal(fanoutPattern(bare, 1, "celeryev", "#"), "/1.celeryev");
});
