import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import {
  MAX_EVENT_LENGTH,
  readEvents,
  readRedisEvents,
} from "../../../src/celery/events/event-message.js";
import { readRedisEnvelope } from "../../../src/celery/messages/redis-delivery.js";

/** Captured event messages of live workers: single ones and arrays. */
const FIXTURE = new URL("../../../../test/unit/celery/events.fixture.json", import.meta.url);
const captured = JSON.parse(readFileSync(FIXTURE, "utf8"));

for (const version of ["5.2.6", "5.7"] as const) {
  for (const { channel, data, types } of captured[version]) {
    test(`the events of Celery ${version} on ${channel} are read: ${types.join(", ")}`, () => {
      const delivery = readRedisEnvelope(data);
      assert.ok(delivery);
      const { events, malformed } = readEvents(delivery.body);
      assert.equal(malformed, 0);
      assert.deepEqual(
        events.map(({ type }) => type),
        types,
      );
      for (const { type, hostname, unixMs, uuid, fields } of events) {
        assert.match(hostname, type === "task-sent" ? /^gen\d+@/ : /^w1@wire$/);
        assert.equal(unixMs, Number(fields.timestamp) * 1000);
        assert.ok(unixMs > Date.UTC(2026) && unixMs < Date.UTC(2027));
        assert.equal(uuid.length, type.startsWith("task-") ? 36 : 0);
        if (type === "worker-heartbeat") assert.match(String(fields.sw_ver), /^5\.[26]\./);
      }
    });
  }
}

test("what is no event is counted, and the rest of its message is read", () => {
  const good = '{"type":"task-started","hostname":"celery@a","timestamp":1.5,"uuid":"x"}';
  assert.equal(readEvents(`[${good}, 7, {"type":"task-started"}, null]`).malformed, 3);
  assert.equal(readEvents(`[${good}, 7]`).events[0]?.unixMs, 1500);
  const withoutId = '{"type":"task-started","hostname":"celery@a","timestamp":1.5}';
  assert.equal(readEvents(withoutId).malformed, 1);
  assert.deepEqual(readEvents("[]"), { events: [], malformed: 0 });
});

test("a message that is too long is counted and not read", () => {
  const event = { type: "worker-x", hostname: "celery@a", timestamp: 1, padding: "" };
  const length = JSON.stringify(event).length;
  const of = (size: number) => JSON.stringify({ ...event, padding: "x".repeat(size - length) });
  assert.equal(readEvents(of(MAX_EVENT_LENGTH)).events.length, 1);
  assert.deepEqual(readEvents(of(MAX_EVENT_LENGTH + 1)), { events: [], malformed: 1 });
  const envelope = JSON.stringify({ body: "[]", padding: "x".repeat(MAX_EVENT_LENGTH) });
  assert.deepEqual(readRedisEvents(envelope), { events: [], malformed: 1 });
});

test("what Python writes and JSON does not know spoils its own value and not its message", () => {
  const custom = `{"type": "task-progress", "hostname": "celery@a", "timestamp": 2.5, "uuid": "y", "loss": NaN, "of": [-Infinity, Infinity, "NaN \\" Infinity"]}`;
  const good = '{"type": "task-started", "hostname": "celery@NaN", "timestamp": 1.5, "uuid": "x"}';
  const { events, malformed } = readEvents(`[${custom}, ${good}]`);
  assert.equal(malformed, 0);
  assert.deepEqual(
    events.map(({ type, hostname }) => [type, hostname]),
    [
      ["task-progress", "celery@a"],
      ["task-started", "celery@NaN"],
    ],
  );
  assert.equal(events[0]?.fields.loss, null);
  assert.deepEqual(events[0]?.fields.of, [null, null, 'NaN " Infinity']);
  assert.deepEqual(readEvents('[NaN, "NaN'), { events: [], malformed: 1 });
});

test("times that no clock shows make an event malformed", () => {
  for (const timestamp of ["NaN", "Infinity", "1e300", "-9e12", "1e999", '"1"', "null"]) {
    const event = `{"type": "worker-heartbeat", "hostname": "celery@a", "timestamp": ${timestamp}}`;
    assert.deepEqual(readEvents(event), { events: [], malformed: 1 }, timestamp);
  }
});

test("readEvents() and readRedisEnvelope() never throw", () => {
  assert.equal(readEvents('{"timestamp": NaN}').malformed, 1);
  assert.equal(readRedisEnvelope("[]"), null);
  assert.equal(readRedisEnvelope('{"body": 1}'), null);
  assert.deepEqual(readRedisEnvelope('{"body": "plain"}'), { headers: {}, body: "plain" });
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      readEvents(text);
      readRedisEnvelope(text);
    }),
  );
});
