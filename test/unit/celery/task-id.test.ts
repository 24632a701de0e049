import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  ID_LENGTH,
  idPrefix,
  MAX_SLOTS,
  PREFIX_LENGTH,
  seqIn,
  seqOf,
  slotIn,
  slotOf,
  taskId,
} from "../../../src/celery/messages/task-id.js";

const prefix = idPrefix(new Uint8Array([0, 1, 2, 0xab, 0xcd, 0xef]));

test("taskId() writes a UUID of version 8 that starts with the engine's prefix", () => {
  assert.equal(prefix, "000102ab-cdef");
  assert.equal(prefix.length, PREFIX_LENGTH);
  assert.equal(taskId(prefix, 0x123456, 0xabcdef), "000102ab-cdef-8123-8456-000000abcdef");
});

test("slotOf() and seqOf() read back what taskId() wrote, for every slot and 48 bits of sequence", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: MAX_SLOTS - 1 }),
      fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      fc.string({ maxLength: 20 }),
      (slot, seq, before) => {
        const text = before + taskId(prefix, slot, seq);
        assert.match(
          text.slice(before.length),
          /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
        );
        assert.equal(slotOf(text, before.length), slot);
        assert.equal(seqOf(text, before.length), seq);
        const bytes = Buffer.from(text);
        const at = bytes.length - ID_LENGTH;
        assert.equal(slotIn(bytes, at, bytes.length), slot);
        assert.equal(seqIn(bytes, at), seq);
      },
    ),
  );
});

test("sequence numbers around 2^31, 2^32 and 2^48 survive the way through an id", () => {
  for (const seq of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 48 - 1]) {
    assert.equal(seqOf(taskId(prefix, 7, seq)), seq);
  }
});

test("slotOf() and seqOf() give no slot for text that is not an id of ours", () => {
  for (const text of [
    "",
    "x",
    "000102ab-cdef-8123-8456-000000abcde",
    "000102ab-cdef-8zzz-8456-000000abcdef",
  ]) {
    const slot = slotOf(text);
    assert.ok(slot === -1 || Number.isNaN(slot), `${text} gave ${slot}`);
    assert.ok(Object.is(slotIn(Buffer.from(text), 0, text.length), slot));
  }
  assert.ok(Number.isNaN(seqOf("000102ab-cdef-8123-8456-00000!abcdef")));
});
