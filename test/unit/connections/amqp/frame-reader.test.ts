import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameReader } from "../../../../src/connections/amqp/frame-reader.js";

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
  for (let turn = 0; at < bytes.length; turn++) {
    const chunk = bytes.subarray(at, at + Math.max(1, lengths[turn % lengths.length]!));
    // One buffer for all chunks, as of a socket: what is kept of it must be a copy.
    chunk.copy(socketBuffer);
    reader.feed(socketBuffer.subarray(0, chunk.length));
    at += chunk.length;
  }
  return { seen, passed: Buffer.concat(passed) };
}

const number = (value: number, bytes: number) => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
};
const short = (text: string) =>
  Buffer.concat([number(Buffer.byteLength(text), 1), Buffer.from(text)]);
const frame = (type: number, channel: number, ...payload: Buffer[]) => {
  const bytes = Buffer.concat(payload);
  const head = [number(type, 1), number(channel, 2), number(bytes.length, 4)];
  return Buffer.concat([...head, bytes, number(0xce, 1)]);
};
const method = (channel: number, id: number, ...args: Buffer[]) =>
  frame(1, channel, number(60, 2), number(id, 2), ...args);
const tagged = (tag: number) => Buffer.concat([number(0, 2), number(tag, 6)]);
const confirm = (channel: number, tag: number, isMultiple: boolean, isTaken: boolean) =>
  method(channel, isTaken ? 80 : 120, tagged(tag), number(isMultiple ? 1 : 0, 1));

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
  method(
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
    method(channel, 50, number(312, 2), short("NO_ROUTE"), short(""), short("queue")),
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
        texts.map((text) => method(CHANNEL, 30, short(text), number(1, 1))), // basic.cancel
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

test("a message of megabytes in thousands of chunks is joined once", () => {
  const text = "x".repeat(8 * 1024 * 1024);
  const began = performance.now();
  const { seen } = read(delivery(CHANNEL, "id", text, { partLength: 131_064 }), [1024]);
  assert.equal((seen[0]![2] as string).length, text.length);
  // Joining it again at every chunk would copy 32 GiB.
  assert.ok(performance.now() - began < 20_000);
});

test("what is no frame is left to amqplib, from there to the end", () => {
  for (const bad of [
    Buffer.from("AMQP\u0000\u0000\u0009\u0001"),
    Buffer.from("HTTP/1.1 400 Bad Request\r\n"),
    Buffer.concat([frame(8, 0).subarray(0, 7), number(0, 1)]),
    Buffer.concat([number(1, 1), number(1, 2), number(2 ** 31, 4), number(0, 4)]),
  ]) {
    const bytes = Buffer.concat([heartbeat, bad, confirm(CHANNEL, 1, false, true)]);
    for (const length of [bytes.length, 3]) {
      const { seen, passed } = read(bytes, [length]);
      assert.deepEqual([seen, passed.toString("hex")], [[], bytes.toString("hex")]);
    }
  }
});

test("no bytes whatever make it throw or lose what is not ours", () => {
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
      const whole = read(bytes);
      assert.deepEqual(read(bytes, [length]), whole);
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
