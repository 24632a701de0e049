import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readRedisEvents } from "../../../src/celery/events/event-message.js";
import { compileSentEvent, redisSentEnvelope } from "../../../src/celery/events/sent-event.js";
import { isoTime } from "../../../src/celery/messages/iso-time.js";
import { SAMPLE_FILL } from "../../../src/celery/messages/message.js";
import { messageSpec } from "./specs.js";

/** Captured event messages of Celery's own producers. */
const FIXTURE = new URL("../../../../test/unit/celery/events.fixture.json", import.meta.url);
const captured = JSON.parse(readFileSync(FIXTURE, "utf8"));
const bodyOf = (envelope: string) =>
  JSON.parse(Buffer.from(JSON.parse(envelope).body, "base64").toString());

for (const version of ["5.2.6", "5.7"] as const) {
  const theirs = captured[version].find(({ types }: { types: string[] }) =>
    types.includes("task-sent"),
  );

  test(`a task-sent event is what Celery ${version} sends`, () => {
    const body = bodyOf(theirs.data);
    const spec = messageSpec({
      name: body.name,
      argsrepr: body.args,
      kwargsrepr: body.kwargs,
      origin: body.hostname,
    });
    const event = compileSentEvent(spec, { pid: body.pid, utcOffsetHours: 0 })({
      ...SAMPLE_FILL,
      id: body.uuid,
      clock: body.clock,
      unixMs: body.timestamp * 1_000,
    });
    const ours = redisSentEnvelope(event, "celeryev");
    assert.deepEqual(Object.entries(bodyOf(ours)), Object.entries(body));
    const { properties, ...envelope } = JSON.parse(theirs.data);
    assert.deepEqual(JSON.parse(ours), {
      ...envelope,
      body: JSON.parse(ours).body,
      properties: { ...properties, delivery_tag: body.uuid },
    });
    assert.equal(theirs.channel, "/0.celeryev/task.sent");
  });
}

test("a task-sent event says when the task may start and when it expires, and is one that we can read", () => {
  const spec = messageSpec({
    hasEta: true,
    expiresMs: 1,
    retries: 2,
    exchange: "images",
    routingKey: "images.large",
    queue: "large",
    argsrepr: "('\u00e9\"\\\\',)",
  });
  const event = compileSentEvent(spec, { pid: 7, utcOffsetHours: -2 })({
    ...{ id: SAMPLE_FILL.id, eta: isoTime(1_000), expires: isoTime(2_000) },
    ...{ clock: 3, unixMs: 1_700_000_000_123 },
  });
  const { events, malformed } = readRedisEvents(redisSentEnvelope(event, "celeryev"));
  assert.equal(malformed, 0);
  const [{ type, unixMs, fields } = assert.fail("no event")] = events;
  assert.deepEqual([type, unixMs], ["task-sent", 1_700_000_000_123]);
  const { eta, expires, retries, queue, exchange, routing_key, args } = fields;
  assert.deepEqual([eta, expires, retries], [isoTime(1_000), isoTime(2_000), 2]);
  assert.deepEqual([queue, exchange, routing_key], ["large", "images", "images.large"]);
  assert.equal(args, spec.argsrepr);
});
