import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { csvCells } from "../../../src/data/csv.js";
import type { DataFormat } from "../../../src/data/data-source.js";
import { RowScanner } from "../../../src/data/row-scanner.js";
import { readerOf } from "../../../src/data/row-values.js";

const CELLS: readonly (readonly [row: string, cells: readonly string[] | undefined])[] = [
  ["a", ["a"]],
  ["", [""]],
  ["a,b", ["a", "b"]],
  [",", ["", ""]],
  ["a,,", ["a", "", ""]],
  [' a , "b"', undefined],
  ['"a"', ["a"]],
  ['""', [""]],
  ['"",""', ["", ""]],
  ['"a,b",c', ["a,b", "c"]],
  ['"a""b"', ['a"b']],
  ['""""', ['"']],
  ['"a\nb",c', ["a\nb", "c"]],
  ['"a', undefined],
  ['"a"b', undefined],
  ['a"b', undefined],
  ['"a"",b', undefined],
];

test("csvCells() reads what RFC 4180 writes, and nothing else", () => {
  for (const [row, cells] of CELLS) assert.deepEqual(csvCells(row), cells, row);
});

const cell = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r", "é", "😀", " ") });
const written = (text: string) =>
  /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

test("csvCells() gives back any cells that were written", () => {
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1 }), (cells) => {
      assert.deepEqual(csvCells(cells.map(written).join(",")), cells);
    }),
  );
});

/** The rows of a file that comes in chunks of these sizes. */
function scanned(format: DataFormat, text: string, sizes: readonly number[]) {
  const bytes = Buffer.from(text);
  const rows: { offset: number; line: number; text: string }[] = [];
  const scanner = new RowScanner(format, (row) =>
    rows.push({ offset: row.offset, line: row.line, text: row.bytes.toString() }),
  );
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    scanner.push(bytes.subarray(at, at + size));
    at += size;
  }
  scanner.end();
  return rows;
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });

test("rows are found however the file is cut into chunks", () => {
  const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 3 }), { maxLength: 6 });
  fc.assert(
    fc.property(
      rows,
      fc.constantFrom("\n", "\r\n", "\n\n", "\r\n\r\n"),
      sizes,
      (all, end, cuts) => {
        const texts = all.map((cells) => cells.map(written).join(","));
        const found = scanned("csv", texts.join(end), cuts);
        // An unquoted return at the end of a row is not written so.
        assert.deepEqual(
          found.map(({ text }) => text),
          texts,
        );
        const bytes = Buffer.from(texts.join(end));
        for (const { offset, line, text } of found) {
          assert.equal(bytes.toString("utf8", offset, offset + Buffer.byteLength(text)), text);
          assert.equal(bytes.toString("utf8", 0, offset).split("\n").length, line);
        }
      },
    ),
  );
});

test("a line is a row of the other formats, whatever it holds", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom("a", '"', " ", "é") })),
      sizes,
      (lines, cuts) => {
        const found = scanned("lines", lines.join("\n"), cuts);
        assert.deepEqual(
          found.map(({ text }) => text),
          lines.filter((line) => line !== ""),
        );
      },
    ),
  );
});

const ROWS: readonly (readonly [types: object, cells: string, values: unknown[] | RegExp])[] = [
  [{}, "1,a", ["1", "a"]],
  [{ b: "boolean" }, "1,true", ["1", true]],
  [{ b: "boolean" }, "1,", ["1", null]],
  [{ b: "boolean" }, "1,yes", /has "yes" in column b, which must be true or false/],
  [{ a: "number" }, "12.50,a", ["12.50", "a"]],
  [{ a: "number" }, "007,a", /has "007" in column a, which must be a number/],
  [{ b: "json" }, '1,"[1, ""a""]"', ["1", [1, "a"]]],
  [{ b: "json" }, "1,{", /must be JSON/],
  [{}, "1", /has 1 cells, and the first line names 2 columns/],
  [{}, '1,a"', /has a quote inside of a cell/],
];

test("cells have the types that were said", () => {
  for (const [types, text, values] of ROWS) {
    const columns = ["a", "b"];
    const all = columns.map((column) => ({ a: "plain", b: "plain", ...types })[column]!);
    const read = () => readerOf({ format: "csv", columns, types: all as never })(text);
    if (values instanceof RegExp) assert.throws(read, values);
    else assert.deepEqual(read(), values);
  }
});

test("a row of JSON has null for what it has not", () => {
  const read = readerOf({ format: "jsonl", columns: ["a", "b"], types: [] });
  assert.deepEqual(read('{"b": [1]}'), [null, [1]]);
  assert.throws(() => read("3"), /is no mapping, and the first row is one/);
  const single = readerOf({ format: "jsonl", columns: null, types: [] });
  assert.deepEqual(single('"a"'), ["a"]);
  assert.throws(() => single("{}"), /is a mapping, and the first row is none/);
  assert.throws(() => single("nope"), /is no JSON/);
});
