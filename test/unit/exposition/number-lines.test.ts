import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NumberLines } from "../../../src/exposition/number-lines.js";
import { numberText } from "../../../src/exposition/text-format.js";

const HEADS = ['a{b="1"} ', 'ünï{ö="😀"} ', 'c{d="\\"\\\\\\n"} ', "e "];

const textOf = (heads: readonly string[], values: readonly number[]) =>
  heads.map((head, index) => `${head}${numberText(values[index]!)}\n`).join("");

/** Numbers that get a digit more or less, others that do not, and those that are no counts. */
const number = fc.oneof(
  fc.nat(12),
  fc.constantFrom(9, 90, 900, 99_999, 2 ** 31, 2 ** 32, 2 ** 51 - 1, Number.MAX_SAFE_INTEGER),
  fc.constantFrom(0.5, -3, 1e21, -0, Number.NaN),
  fc.double(),
);
const reading = fc.record({
  numbers: fc.array(number, { minLength: HEADS.length, maxLength: HEADS.length }),
  isGrowth: fc.boolean(),
});

test("the bytes are those of plain text, whatever the numbers were before", () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(HEADS, { minLength: 1 }),
      fc.array(reading, { minLength: 1, maxLength: 20 }),
      (heads, readings) => {
        const lines = new NumberLines(heads);
        let values = heads.map(() => 0);
        for (const { numbers, isGrowth } of readings) {
          values = values.map((value, index) => numbers[index]! + (isGrowth ? value : 0));
          assert.equal(String(lines.bytes(values)), textOf(heads, values));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("each digit of a whole number is written over", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (from, to) => {
      const lines = new NumberLines(["a ", "b "]);
      lines.bytes([from, 0]);
      assert.equal(String(lines.bytes([to, 0])), `a ${to}\nb 0\n`);
    }),
  );
});

test("numbers that stay as long are written into the same memory", () => {
  const lines = new NumberLines(HEADS);
  const first = lines.bytes([100, 1, 0.5, 0.5]);
  const values = [998, 9, 0.5, 12.25];
  const second = lines.bytes(values);
  assert.equal(second.buffer, first.buffer);
  assert.equal(String(second), textOf(HEADS, values));
  const longer = [1000, 10, 0.25, 12.25];
  assert.equal(String(lines.bytes(longer)), textOf(HEADS, longer));
});
