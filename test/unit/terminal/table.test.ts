import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Column, tableLines } from "../../../src/terminal/table.js";
import { widthOf } from "../../../src/terminal/text.js";

const column = (title: string, ...cells: string[]): Column => ({ title, cells });
const GROUPS = [
  [column("planned", "10", "2000"), column("published", "9", "2000")],
  [column("succeeded", "9", "1999"), column("failed", "0", "1")],
];

test("a table that has room is one table, with numbers to the right", () => {
  assert.deepEqual(tableLines({ title: "task", names: ["app.a", "表"], groups: GROUPS }, 80), [
    "task   planned  published  succeeded  failed",
    "app.a       10          9          9       0",
    "表        2000       2000       1999       1",
  ]);
});

test("without room for long names they lose their middle", () => {
  const names = ["shop.warehouse.tasks.synchronise", "app.a"];
  assert.deepEqual(tableLines({ title: "task", names, groups: GROUPS }, 68), [
    "task                           planned  published  succeeded  failed",
    "shop.ware…e.tasks.synchronise       10          9          9       0",
    "app.a                             2000       2000       1999       1",
  ]);
});

test("without room for all groups they follow below, with the names", () => {
  assert.deepEqual(tableLines({ title: "task", names: ["app.a", "b"], groups: GROUPS }, 40), [
    "task   planned  published",
    "app.a       10          9",
    "b         2000       2000",
    "",
    "task   succeeded  failed",
    "app.a          9       0",
    "b           1999       1",
  ]);
});

test("no line is longer than the terminal, and no cell is lost", () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 70 });
  const number = fc.integer({ min: 0, max: 10 ** 9 }).map(String);
  const table = fc.integer({ min: 1, max: 4 }).chain((rows) =>
    fc.record({
      names: fc.array(name, { minLength: rows, maxLength: rows }),
      groups: fc.array(
        fc.array(
          fc.record({
            title: fc.constantFrom("planned", "p50", "timed out"),
            cells: fc.array(number, { minLength: rows, maxLength: rows }),
          }),
          { maxLength: 7 },
        ),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  );
  fc.assert(
    fc.property(table, fc.integer({ min: 40, max: 200 }), ({ names, groups }, width) => {
      const lines = tableLines({ title: "task", names, groups }, width);
      for (const line of lines) assert.ok(widthOf(line) <= width, `${widthOf(line)}: ${line}`);
      const shown = lines.join("\n");
      for (const { cells } of groups.flat()) {
        for (const cell of cells) assert.ok(shown.includes(cell), cell);
      }
    }),
  );
});
