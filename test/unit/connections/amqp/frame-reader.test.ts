import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MAX_RESULT_BYTES } from "../../../../src/celery/results/result-text.js";
import { FrameReader } from "../../../../src/connections/amqp/frame-reader.js";
import { ProtocolError } from "../../../../src/connections/amqp/protocol-error.js";
import { basic, frame, number, short, tagged } from "../../../support/amqp-frames.js";

type Seen = readonly [what: string, ...values: unknown[]];

const CHANNEL = 7;

/** Feeds bytes in chunks of the given lengths, over and over, and tells what came out. */
function read(bytes: Buffer, lengths: readonly number[] = [bytes.length]) {
  const seen: Seen[] = [];
  const passed: Buffer[] = [];
  const reader = new FrameReader((part) => passed.push(Buffer.from(part)));
  reader.take(CHANNEL, {
    confirmed: (...values) => seen.push(["confirmed", ...values]),
    returned: (...values) => seen.push(["returned", ...values]),
    delivered: (...values) => seen.push(["delivered", ...values]),
  });
  const socketBuffer = Buffer.alloc(Math.max(...lengths, 1));
  let at = 0;
  let fault: string | null = null;
  try {
    for (let turn = 0; at < bytes.length; turn++) {
      const chunk = bytes.subarray(at, at + Math.max(1, lengths[turn % lengths.length]!));
      // One buffer for all chunks, as of a socket: what is kept of it must be a copy.
      chunk.copy(socketBuffer);
      reader.feed(socketBuffer.subarray(0, chunk.length));
      at += chunk.length;
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    fault = error.message;
  }
  return { seen, passed: Buffer.concat(passed), fault };
}

const confirm = (channel: number, tag: number, isMultiple: boolean, isTaken: boolean) =>
  basic(channel, isTaken ? 80 : 120, tagged(tag), number(isMultiple ? 1 : 0, 1));

/** As workers send replies; `partLengths` are those of its body frames. */
function content(channel: number, correlationId: string, text: string, partLength: number): Buffer {
  const body = Buffer.from(text);
  const table = Buffer.concat([short("header"), Buffer.from("S"), number(1, 4), Buffer.from("x")]);
  const properties = Buffer.concat([
    ...[number(0xfc00, 2), short("application/json"), short("utf-8")],
    ...[number(table.length, 4), table, number(2, 1), number(0, 1), short(correlationId)],
  ]);
  const header = frame(2, channel, number(60, 2), number(0, 2), tagged(body.length), properties);
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += partLength) {
    parts.push(frame(3, channel, body.subarray(at, at + partLength)));
  }
  return Buffer.concat([header, ...parts]);
}
const deliver = (channel: number, tag: number, isRepeat: boolean) =>
  basic(
    channel,
    60,
    ...[short("consumer"), tagged(tag), number(isRepeat ? 1 : 0, 1), short(""), short("reply-to")],
  );
const delivery = (
  channel: number,
  id: string,
  text: string,
  { partLength = 100, tag = 1, isRepeat = false } = {},
) => Buffer.concat([deliver(channel, tag, isRepeat), content(channel, id, text, partLength)]);
const returned = (channel: number, id: string, text: string) =>
  Buffer.concat([
    basic(channel, 50, number(312, 2), short("NO_ROUTE"), short(""), short("queue")),
    content(channel, id, text, 100),
  ]);
const heartbeat = frame(8, 0);

test("confirms, returns and messages of the channel are taken", () => {
  const bytes = Buffer.concat([
    ...[confirm(CHANNEL, 1, false, true), confirm(CHANNEL, 2 ** 33 + 5, true, true)],
    ...[confirm(CHANNEL, 3, true, false), returned(CHANNEL, "id-1", "body")],
    ...[delivery(CHANNEL, "id-2", '{"status": "SUCCESS", "result": "é"}', { partLength: 10 })],
    delivery(CHANNEL, "id-3", "", { tag: 2 ** 33 + 7, isRepeat: true }),
  ]);
  const { seen, passed } = read(bytes);
  assert.deepEqual(seen, [
    ["confirmed", 1, false, true],
    ["confirmed", 2 ** 33 + 5, true, true],
    ["confirmed", 3, true, false],
    ["returned", "id-1", "body"],
    ["delivered", "id-2", '{"status": "SUCCESS", "result": "é"}', 1, false],
    ["delivered", "id-3", "", 2 ** 33 + 7, true],
  ]);
  assert.equal(passed.length, 0);
});

test("a message without a correlation id is one that is nobody's", () => {
  const header = frame(2, CHANNEL, number(60, 2), number(0, 2), tagged(1), number(0, 2));
  const bytes = Buffer.concat([
    deliver(CHANNEL, 1, false),
    header,
    frame(3, CHANNEL, Buffer.from("x")),
  ]);
  assert.deepEqual(read(bytes).seen, [["delivered", "", "x", 1, false]]);
});

test("whatever the chunks and whatever lies between, ours is taken and all else passed on as it was", () => {
  const texts = fc.string({ unit: "binary-ascii", maxLength: 60 });
  const part = fc.oneof(
    fc.record({ id: texts, text: texts, length: fc.integer({ min: 1, max: 30 }) }).map((each) => ({
      bytes: delivery(CHANNEL, each.id, each.text, { partLength: each.length }),
      seen: ["delivered", each.id, each.text, 1, false] as Seen,
    })),
    fc.record({ id: texts, text: texts }).map((each) => ({
      bytes: returned(CHANNEL, each.id, each.text),
      seen: ["returned", each.id, each.text] as Seen,
    })),
    fc
      .record({
        tag: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
        all: fc.boolean(),
        ok: fc.boolean(),
      })
      .map(({ tag, all, ok }) => ({
        bytes: confirm(CHANNEL, tag, all, ok),
        seen: ["confirmed", tag, all, ok] as Seen,
      })),
    fc
      .oneof(
        fc.constant(heartbeat),
        fc.record({ id: texts, text: texts }).map(({ id, text }) => delivery(3, id, text)),
        fc.integer({ min: 1, max: 99 }).map((tag) => confirm(3, tag, false, true)),
        texts.map((text) => basic(CHANNEL, 30, short(text), number(1, 1))), // basic.cancel
        texts.map((text) => frame(1, 0, number(10, 2), number(60, 2), short(text))), // connection.blocked
      )
      .map((bytes) => ({ bytes, seen: null })),
  );
  fc.assert(
    fc.property(
      fc.array(part),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      (parts, lengths) => {
        const { seen, passed } = read(Buffer.concat(parts.map(({ bytes }) => bytes)), lengths);
        assert.deepEqual(
          seen,
          parts.flatMap((each) => (each.seen === null ? [] : [each.seen])),
        );
        const others = parts.filter((each) => each.seen === null).map(({ bytes }) => bytes);
        assert.deepEqual(passed, Buffer.concat(others));
      },
    ),
    { numRuns: 500 },
  );
});

test("a message of up to 1 MiB is read as a whole, of a larger one both ends", () => {
  const meta = (bytes: number) => {
    const [head, tail] = [`{"status": "SUCCESS", "result": "`, `", "task_id": "the-end"}`];
    return head + "x".repeat(bytes - head.length - tail.length) + tail;
  };
  for (const size of [MAX_RESULT_BYTES, MAX_RESULT_BYTES + 1, 8 * 1024 * 1024]) {
    const text = meta(size);
    const began = performance.now();
    const { seen } = read(delivery(CHANNEL, "id", text, { partLength: 131_064 }), [1024]);
    const got = seen[0]![2] as string;
    if (size <= MAX_RESULT_BYTES) assert.equal(got, text);
    else {
      assert.ok(got.length < 100_000);
      assert.deepEqual(
        [got.slice(0, 100), got.slice(-100)],
        [text.slice(0, 100), text.slice(-100)],
      );
    }
    // Joining it again at every chunk would copy 32 GiB.
    assert.ok(performance.now() - began < 20_000);
  }
});

test("what no RabbitMQ sends is a fault: nothing of it is taken, and all before it is", () => {
  const header = (size: Buffer, classId = 60) =>
    frame(2, CHANNEL, number(classId, 2), number(0, 2), size, number(0, 2));
  const body = (text: string) => frame(3, CHANNEL, Buffer.from(text));
  const start = deliver(CHANNEL, 1, false);
  const hostile: Record<string, Buffer> = {
    "another protocol's header": Buffer.from("AMQP\u0000\u0000\u0009\u0001"),
    "an answer of HTTP": Buffer.from("HTTP/1.1 400 Bad Request\r\n"),
    "a frame without its end": Buffer.concat([frame(8, 0).subarray(0, 7), number(0, 1)]),
    "a frame of 2 GiB": Buffer.concat([number(1, 1), number(1, 2), number(2 ** 31, 4)]),
    "a frame of no known kind": frame(7, CHANNEL),
    "a body without a header": Buffer.concat([start, body("x")]),
    "two headers": Buffer.concat([start, header(tagged(1)), header(tagged(1))]),
    "a header of another class": Buffer.concat([start, header(tagged(1), 50)]),
    "a header that is too short": Buffer.concat([start, frame(2, CHANNEL, number(60, 2))]),
    "a message of 256 TiB": Buffer.concat([start, header(tagged(2 ** 48 - 1))]),
    "a message of a negative size": Buffer.concat([start, header(Buffer.alloc(8, 0xff))]),
    "more than was announced": Buffer.concat([start, header(tagged(3)), body("four")]),
    "a method within a message": Buffer.concat([start, header(tagged(3)), start]),
  };
  for (const [what, bad] of Object.entries(hostile)) {
    const before = Buffer.concat([heartbeat, confirm(CHANNEL, 1, false, true), heartbeat]);
    for (const length of [10_000, 3]) {
      const { seen, passed, fault } = read(Buffer.concat([before, bad]), [length]);
      assert.match(String(fault), /does not speak RabbitMQ's protocol.*: it sent /, what);
      assert.deepEqual(seen, [["confirmed", 1, false, true]], what);
      assert.equal(passed.toString("hex"), heartbeat.toString("hex").repeat(2), what);
    }
  }
});

test("no bytes whatever make it throw anything else, or lose what is not ours", () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    // Frames that are well formed on the outside only.
    fc
      .record({
        type: fc.constantFrom(1, 2, 3, 8),
        channel: fc.constantFrom(0, 3, CHANNEL),
        id: fc.constantFrom(30, 50, 60, 80, 120),
        payload: fc.uint8Array({ maxLength: 30 }),
      })
      .map(({ type, channel, id, payload }) =>
        frame(
          type,
          channel,
          ...(type === 1 ? [number(60, 2), number(id, 2)] : []),
          Buffer.from(payload),
        ),
      ),
    fc.constantFrom(frame(1, CHANNEL), frame(2, CHANNEL), frame(3, CHANNEL)),
  );
  fc.assert(
    fc.property(fc.array(noise), fc.integer({ min: 1, max: 30 }), (parts, length) => {
      const bytes = Buffer.concat(parts);
      const [whole, pieces] = [read(bytes), read(bytes, [length])];
      assert.deepEqual([pieces.seen, pieces.passed], [whole.seen, whole.passed]);
      assert.equal(pieces.fault === null, whole.fault === null);
      assert.ok(whole.passed.length <= bytes.length);
    }),
    { numRuns: 3_000 },
  );
});

test("FrameReader tells what the broker said when it closed the connection, and passes the frame on", () => {
  const words = "NOT_ALLOWED - vhost für not found";
  const close = frame(1, 0, number(0x000a0032, 4), number(530, 2), short(words), number(0, 4));
  for (const length of [1, 7, close.length]) {
    const passed: Buffer[] = [];
    const reader = new FrameReader((part) => passed.push(Buffer.from(part)));
    assert.equal(reader.closeText, undefined);
    reader.feed(frame(1, 0, number(0x000a001e, 4)));
    assert.equal(reader.closeText, undefined);
    for (let at = 0; at < close.length; at += length) reader.feed(close.subarray(at, at + length));
    assert.equal(reader.closeText, words);
    assert.deepEqual(Buffer.concat(passed).subarray(12), close);
  }
});
