import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { compileAmqpMessage } from "../../../../src/celery/messages/amqp-message.js";
import { SAMPLE_FILL } from "../../../../src/celery/messages/message.js";
import { ConfirmWire } from "../../../../src/connections/amqp/confirm-wire.js";
import { PublishFrames } from "../../../../src/connections/amqp/publish-frames.js";
import { messageSpec } from "../../celery/specs.js";

const frames = new PublishFrames(compileAmqpMessage(messageSpec(), "reply-to", "[[], {}, {}]"));
const LENGTH = frames.fill(SAMPLE_FILL).byteLength;

/** A wire whose socket notes what is written, and whose answers are noted by index. */
function open(isSlow = false) {
  const written: Buffer[] = [];
  const answers = new Map<number, boolean | null>();
  const socket = {
    writable: true,
    writableLength: 0,
    write(bytes: Buffer) {
      written.push(isSlow ? bytes : Buffer.from(bytes));
      if (isSlow) this.writableLength += bytes.length;
    },
  };
  const tapped = { socket: socket as unknown as Socket, channel: 1, frameMax: 131_072 };
  const wire = new ConfirmWire(tapped, ({ index }, isTaken) => {
    assert.ok(!answers.has(index), "answered twice");
    answers.set(index, isTaken);
  });
  const put = (index: number) => {
    const id = `${SAMPLE_FILL.id.slice(0, 24)}${String(index).padStart(12, "0")}`;
    wire.put(frames.fill({ ...SAMPLE_FILL, id }), () => {}, index);
  };
  return { wire, put, written, answers, socket };
}

test("confirms in any order, for one message or all up to it, answer each message once", () => {
  const step = fc.record({
    puts: fc.integer({ min: 0, max: 700 }),
    confirms: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        all: fc.boolean(),
        ok: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const { wire, put, answers } = open();
      const expected = new Map<number, boolean | null>();
      let count = 0;
      for (const { puts, confirms } of steps) {
        for (let i = 0; i < puts; i++) put(++count);
        wire.flush();
        for (const { at, all, ok } of confirms) {
          if (count === 0) continue;
          // Tags count from 1, as the indices here do.
          const tag = 1 + Math.floor(at * (count - 1));
          wire.confirmed(tag, all, ok);
          for (let index = all ? 1 : tag; index <= Math.min(tag, count); index++) {
            if (!expected.has(index)) expected.set(index, ok);
          }
        }
        assert.deepEqual([...answers].sort(byIndex), [...expected].sort(byIndex));
      }
      wire.close();
      for (let index = 1; index <= count; index++) {
        if (!expected.has(index)) expected.set(index, null);
      }
      assert.deepEqual([...answers].sort(byIndex), [...expected].sort(byIndex));
      assert.equal(wire.isWritable, false);
    }),
    { numRuns: 200 },
  );
});

const byIndex = (one: readonly unknown[], other: readonly unknown[]) =>
  (one[0] as number) - (other[0] as number);

test("tag 0 with `multiple` means all, and a tag that was not sent is a fault and answers nothing", () => {
  const { wire, put, answers } = open();
  put(1);
  put(2);
  for (const [tag, isMultiple] of [
    [3, false],
    [3, true],
    [0, false],
    [2 ** 60, true],
    [2 ** 64, false],
  ] as const) {
    assert.throws(() => wire.confirmed(tag, isMultiple, true), /a confirm for what was not/);
  }
  assert.deepEqual([...answers], []);
  wire.confirmed(0, true, true);
  wire.confirmed(1, false, false); // once more: it has its answer
  put(3);
  wire.confirmed(3, true, false);
  assert.deepEqual(
    [...answers],
    [
      [1, true],
      [2, true],
      [3, false],
    ],
  );
});

test("what was put goes out in one write, in order", () => {
  const { wire, put, written } = open();
  for (let index = 0; index < 500; index++) put(index);
  assert.equal(written.length, 0);
  wire.flush();
  wire.flush();
  assert.equal(written.length, 1);
  const text = written[0]!.toString("latin1");
  assert.equal(text.length, 500 * LENGTH);
  for (let index = 0; index < 500; index++) {
    const own = text.slice(index * LENGTH, (index + 1) * LENGTH);
    assert.match(own, new RegExp(`-${String(index).padStart(12, "0")}`));
  }
});

test("bytes that the kernel has not taken yet are not overwritten", () => {
  const { wire, put, written } = open(true);
  for (let index = 0; index < 50; index++) {
    put(index);
    wire.flush();
  }
  for (const [index, bytes] of written.entries()) {
    assert.match(bytes.toString("latin1"), new RegExp(`-${String(index).padStart(12, "0")}`));
  }
});
