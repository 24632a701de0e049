import assert from "node:assert/strict";
import { test } from "node:test";
import type { SentEvent } from "../../../src/celery/events/sent-event.js";
import { isoTime } from "../../../src/celery/messages/iso-time.js";
import { SAMPLE_FILL } from "../../../src/celery/messages/message.js";
import type { PublishAnswer, Publisher } from "../../../src/connections/ports.js";
import { withSentEvents } from "../../../src/connections/sent-events.js";
import { messageSpec } from "../celery/specs.js";

function setUp() {
  const published: { messages: readonly unknown[]; answer: PublishAnswer }[] = [];
  const inner: Publisher = {
    ready: true,
    isBlocked: false,
    template: () => ({
      destination: "celery",
      render: ({ id }) => `message ${id}`,
      sizeOf: (message) => String(message).length,
    }),
    publish: (_destination, messages, answer) => published.push({ messages, answer }),
  };
  const sent: SentEvent[] = [];
  const publisher = withSentEvents(inner, {
    send: (events) => sent.push(...events),
    open() {},
    stepAside() {},
    checkLiveness() {},
    close: async () => {},
  });
  return { publisher, published, sent };
}

test("only tasks that the broker has taken are told of, each by its own id and times", () => {
  const { publisher, published, sent } = setUp();
  const template = publisher.template(messageSpec({ expiresMs: 1 }), "[]");
  // One fill for all messages, as the engine does it.
  const fill = { ...SAMPLE_FILL };
  const messages = ["a", "b", "c", "d"].map((id, index) => {
    fill.id = id;
    fill.expires = isoTime(index);
    return template.render(fill);
  });
  assert.equal(template.sizeOf(messages[0]), "message a".length);
  const outcomes: unknown[] = [];
  publisher.publish("celery", messages, (...answer) => outcomes.push(answer));
  const [{ messages: passed, answer } = assert.fail("nothing was published")] = published;
  assert.deepEqual(passed, ["message a", "message b", "message c", "message d"]);
  assert.equal(sent.length, 0, "not before the broker has them");
  answer(0, 2, "accepted", "");
  answer(2, 3, "refused", "OOM");
  answer(3, 4, "unknown", "");
  assert.deepEqual(outcomes, [
    [0, 2, "accepted", ""],
    [2, 3, "refused", "OOM"],
    [3, 4, "unknown", ""],
  ]);
  const events = sent.map(({ body }) => JSON.parse(body));
  assert.deepEqual(
    events.map(({ uuid, expires, clock }) => [uuid, expires, clock]),
    [
      ["a", isoTime(0), 1],
      ["b", isoTime(1), 2],
    ],
  );
  assert.ok(Math.abs(events[0].timestamp - Date.now() / 1_000) < 60);
  assert.equal(events[0].pid, process.pid);
});
