import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { compileAmqpMessage } from "../../../../src/celery/messages/amqp-message.js";
import { delayedRoute } from "../../../../src/celery/messages/delayed-delivery.js";
import {
  type MessageFill,
  SAMPLE_FILL,
  type TaskMessageSpec,
} from "../../../../src/celery/messages/message.js";
import { fieldTable } from "../../../../src/connections/amqp/field-table.js";
import {
  PublishFrames,
  type TaskMessage,
} from "../../../../src/connections/amqp/publish-frames.js";
import { CHECKOUT } from "../../../../src/setup/checkout.js";
import { messageSpec } from "../../celery/specs.js";

/** amqplib's own encoders, which it does not export. */
const lib = (name: string) =>
  createRequire(import.meta.url)(join(CHECKOUT, "node_modules", "amqplib", "lib", name));
const { encodeMethod, encodeProperties, BasicPublish, BasicProperties } = lib("defs.js");
const { makeBodyFrame } = lib("frame.js");

const CHANNEL = 258;
const FRAME_MAX = 5_000;
const FILL: MessageFill = {
  id: "0123abcd-4567-8abc-8def-00000000002a",
  eta: "2031-02-03T04:05:06.789000+00:00",
  expires: "2041-12-13T14:15:16.789000+00:00",
  group: "89abcdef-4567-8abc-8def-000000000001",
  body: '[[1], {"a": "é"}, {"callbacks": null}]',
};

function ours(message: TaskMessage): Buffer {
  const target = Buffer.alloc(message.byteLength + 6, 0x55);
  const end = message.write(target, 3, CHANNEL, FRAME_MAX);
  assert.deepEqual(target.subarray(0, 3), Buffer.alloc(3, 0x55));
  assert.ok(end <= 3 + message.byteLength, "longer than it says");
  return target.subarray(3, end);
}

/** What amqplib writes for it (`Connection.sendMessage`, `Channel.publish`). */
function theirs(message: TaskMessage): Buffer {
  const { exchange, routingKey, content, properties } = message.toAmqp();
  const method = { exchange, routingKey, mandatory: true, immediate: false, ticket: 0 };
  const header = { ...properties, headers: fieldTable(properties.headers) };
  const bodies: Buffer[] = [];
  for (let at = 0; at < content.length; at += FRAME_MAX - 8) {
    bodies.push(makeBodyFrame(CHANNEL, content.subarray(at, at + FRAME_MAX - 8)));
  }
  return Buffer.concat([
    Buffer.from(encodeMethod(BasicPublish, CHANNEL, method)),
    Buffer.from(encodeProperties(BasicProperties, CHANNEL, content.length, header)),
    ...bodies,
  ]);
}

function framesOf(spec: TaskMessageSpec, fixedBody: string | null = null): PublishFrames {
  return new PublishFrames(compileAmqpMessage(spec, "reply-to", fixedBody));
}

const SPECS: Record<string, Partial<TaskMessageSpec>> = {
  plain: {},
  times: { hasEta: true, expiresMs: 60_000, timeLimitSeconds: 1.5, softTimeLimitSeconds: 1 },
  exchange: { exchange: "ëxchange", routingKey: "a.b", priority: 9, isPersistent: false },
  group: { groupIndex: 3, stamps: { stamp: ["a"] }, ignoreResult: true },
  headers: { headers: { deep: { "!": "int", list: [1, -1, 2 ** 40, 1.5, null, true, "é"] } } },
  "protocol 1": { protocol: 1 },
  // The places are found by what differs, not by what the texts look like.
  lookalike: { argsrepr: SAMPLE_FILL.id, shadow: SAMPLE_FILL.eta },
  msgpack: { serializer: "msgpack", compression: "zlib" },
};

for (const [name, own] of Object.entries(SPECS)) {
  test(`${name}: byte for byte what amqplib writes`, () => {
    for (const fixedBody of [null, FILL.body]) {
      const message = framesOf(messageSpec(own), fixedBody).fill(FILL);
      assert.equal(ours(message).toString("hex"), theirs(message).toString("hex"));
    }
  });
}

test("bodies of any size go in as many frames as they need", () => {
  for (const length of [2, 4_087, 4_088, 4_089, 4_992, 4_993, 20_000]) {
    const body = JSON.stringify("x".repeat(length - 2));
    for (const fixedBody of [null, body]) {
      const message = framesOf(messageSpec(), fixedBody).fill({ ...FILL, body });
      assert.equal(message.content.length, length);
      assert.ok(ours(message).equals(theirs(message)), `${length} bytes`);
    }
  }
});

test("headers of any JSON are as amqplib encodes them", () => {
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false, "", "tëxt 😀"),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(tie("value"), { maxLength: 3 }),
      tie("mapping"),
    ),
    mapping: fc.dictionary(fc.constantFrom("!", "value", "a", "ключ"), tie("value"), {
      noNullPrototype: true,
    }),
  }));
  fc.assert(
    fc.property(json.mapping, (headers) => {
      const spec = messageSpec({ headers: headers as Record<string, unknown> });
      const message = framesOf(spec).fill(FILL);
      assert.ok(ours(message).equals(theirs(message)));
    }),
  );
});

test("what has not the width of its place is refused", () => {
  const frames = framesOf(messageSpec({ expiresMs: 1_000 }));
  assert.throws(() => frames.fill({ ...FILL, id: "short" }), /id must have 36 characters/);
  assert.throws(() => frames.fill({ ...FILL, expires: "soon" }), /expires must have 32 characters/);
  frames.fill({ ...FILL, eta: "unused" });
});

test("the same task without its delay differs in its routing key alone", () => {
  const spec = messageSpec({ ...delayedRoute(5_000, "celery"), hasEta: true });
  for (const fixedBody of [null, FILL.body]) {
    const message = framesOf(spec, fixedBody).fill(FILL);
    const { withoutDelay } = message;
    assert.equal(withoutDelay.routingKey, `${"0.".repeat(28)}celery`);
    assert.deepEqual(
      { ...withoutDelay.toAmqp(), routingKey: "" },
      { ...message.toAmqp(), routingKey: "" },
    );
    assert.equal(ours(withoutDelay).toString("hex"), theirs(withoutDelay).toString("hex"));
  }
});
