import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  cut,
  padEnd,
  padStart,
  printable,
  shortened,
  widthOf,
  wrapped,
} from "../../../src/terminal/text.js";

const anyText = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.lorem({ maxCount: 20 }),
  fc
    .array(fc.constantFrom("表", "é", "e\u0301", "👩‍👩‍👧", "a", " ", "."), { maxLength: 60 })
    .map((parts) => parts.join("")),
);
const anyWidth = fc.integer({ min: 2, max: 60 });

test("widths are those of a terminal", () => {
  for (const [text, width] of [
    ["abc", 3],
    ["表格", 4],
    ["e\u0301", 1],
    ["👩‍👩‍👧", 2],
    ["", 0],
  ] as const) {
    assert.equal(widthOf(text), width, text);
  }
});

test("a text that is too long loses its middle, and keeps more of its end", () => {
  const name = "shop.warehouse.tasks.synchronise_quantities";
  assert.equal(shortened(name, 43), name);
  assert.equal(shortened(name, 25), "shop.war…onise_quantities");
  assert.equal(shortened("表表表表表表", 7), "表…表表");
  assert.equal(shortened("abc", 1), "…");
  assert.equal(shortened("abc", 0), "");
});

test("shortened, cut and padded texts have the width that was asked for at most", () => {
  fc.assert(
    fc.property(anyText, anyWidth, (text, width) => {
      const clean = printable(text);
      assert.ok(widthOf(shortened(clean, width)) <= width);
      assert.ok(widthOf(cut(clean, width)) <= width);
      if (widthOf(clean) <= width) {
        assert.equal(widthOf(padEnd(clean, width)), width);
        assert.equal(widthOf(padStart(clean, width)), width);
      }
    }),
  );
});

test("wrapped lines fit, and hold all that was said", () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 10, max: 60 }), fc.nat(8), (text, width, hanging) => {
      const line = printable(text);
      const lines = wrapped(line, width, hanging);
      for (const each of lines) assert.ok(widthOf(each) <= width, each);
      const words = (all: string) => all.replaceAll(" ", "");
      assert.equal(words(lines.join("")), words(line));
    }),
  );
});

test("lines are broken between words, and go on indented", () => {
  assert.deepEqual(wrapped("    → Correct the name of the task.", 20, 2), [
    "    → Correct the",
    "      name of the",
    "      task.",
  ]);
  assert.deepEqual(wrapped("a redis://host:6379/0 b", 12, 2), [
    "a",
    "  redis://ho",
    "  st:6379/0",
    "  b",
  ]);
});

test("what would move the cursor is not printed", () => {
  assert.equal(printable("a\n\u001b[2Jb\u0085\u2028c"), "a??[2Jb??c");
});
