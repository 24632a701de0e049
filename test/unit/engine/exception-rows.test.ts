import assert from "node:assert/strict";
import { test } from "node:test";
import { ExceptionRows } from "../../../src/engine/exception-rows.js";

test("each class of each entry gets a row of its own, told once", () => {
  const told: [number, number, string][] = [];
  const rows = new ExceptionRows(2, 10, (...row) => told.push(row));
  const a = rows.rowOf(0, "ValueError");
  assert.equal(rows.rowOf(0, "ValueError"), a);
  const b = rows.rowOf(1, "ValueError");
  assert.notEqual(a, b);
  assert.deepEqual(told, [
    [a, 0, "ValueError"],
    [b, 1, "ValueError"],
  ]);
});

test("without a class, and when all rows are taken, the entry's other row counts", () => {
  const rows = new ExceptionRows(2, 3, () => {});
  assert.equal(rows.rowOf(1, ""), 1);
  assert.equal(rows.rowOf(1, "A"), 2);
  assert.equal(rows.rowOf(1, "B"), 1);
  assert.equal(rows.rowOf(0, "B"), 0);
  assert.equal(rows.rowOf(1, "A"), 2);
});

test("threads give out rows of their own, which together are all there are", () => {
  const taken = [0, 1, 2].flatMap((index) => {
    const rows = new ExceptionRows(2, 9, () => {}, { index, of: 3 });
    const names = ["A", "B", "C", "D"];
    return names.map((name) => rows.rowOf(0, name)).filter((row) => row >= 2);
  });
  assert.deepEqual(taken.sort(), [2, 3, 4, 5, 6, 7, 8]);
});
