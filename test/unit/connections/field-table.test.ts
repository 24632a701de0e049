import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { readNumber } from "../../../src/celery/messages/exact-number.js";
import { fieldTable } from "../../../src/connections/amqp/field-table.js";
import { tableBytes } from "../../../src/connections/amqp/table-bytes.js";
import { CHECKOUT } from "../../../src/setup/checkout.js";

/** amqplib's own codec, which it does not export. */
const codec = createRequire(import.meta.url)(
  join(CHECKOUT, "node_modules", "amqplib", "lib", "codec.js"),
) as {
  encodeTable(buffer: Buffer, table: object, offset: number): number;
  decodeFields(bytes: Buffer): unknown;
};

function encoded(headers: Record<string, unknown>): Buffer {
  const buffer = Buffer.alloc(65_536);
  return buffer.subarray(4, codec.encodeTable(buffer, fieldTable(headers), 0));
}

/** The tag of the value of a table with this one header. */
const tagOf = (value: unknown) => String.fromCharCode(encoded({ n: value })[2]!);

test("numbers are written in the types that every py-amqp reads: I, l above 32 bits, d", () => {
  const tags = {
    I: [0, -0, 1, -1, 127, 128, -128, -129, 300, 32_767, 32_768, -40_000, 2 ** 31 - 1, -(2 ** 31)],
    l: [2 ** 31, 2 ** 53 - 1],
    d: [0.5, -0.5, -(2 ** 31) - 1, 2 ** 53, 1e300, -1e300, 5e-324, 2 ** 50 + 0.5],
  };
  for (const [tag, numbers] of Object.entries(tags)) {
    for (const number of numbers) assert.equal(tagOf(number), tag, String(number));
  }
});

test("numbers that JavaScript would change are written as they were", () => {
  for (const [text, bytes] of [
    ["1234567890123456789", "6c112210f47de98115"],
    ["9223372036854775807", "6c7fffffffffffffff"],
    ["3.0", "644008000000000000"],
    ["-0.0", "648000000000000000"],
  ] as const) {
    const headers = { n: readNumber(text) };
    assert.equal(encoded(headers).subarray(2).toString("hex"), bytes, text);
    assert.deepEqual(tableBytes(headers).subarray(4), encoded(headers), text);
  }
});

test("every JSON value arrives as it is, also mappings with the key that amqplib has for types", () => {
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, "", "tëxt 😀"),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      fc.array(tie("value"), { maxLength: 3 }),
      tie("mapping"),
    ),
    mapping: fc.dictionary(fc.constantFrom("!", "value", "a", ""), tie("value"), {
      noNullPrototype: true,
    }),
  }));
  fc.assert(
    fc.property(json.mapping, (headers) => {
      assert.deepEqual(codec.decodeFields(encoded(headers as Record<string, unknown>)), headers);
    }),
  );
});

test("a mapping that looks like one of amqplib's typed values is a mapping", () => {
  const headers = { when: { "!": "timestamp", value: 5 }, odd: { "!": "no such type" } };
  assert.deepEqual(codec.decodeFields(encoded(headers)), headers);
});
