import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InFlightTable, SLOT } from "../../../src/ledger/in-flight-table.js";

const tableOf = (slots: number, entries = 2, firstSeq = 0) =>
  new InFlightTable(
    { states: new Uint8Array(slots), entries: new Uint16Array(slots) },
    entries,
    firstSeq,
  );

test("a table hands out each slot once and then says that none is free", () => {
  const table = tableOf(3);
  assert.deepEqual(
    [0, 1, 2].map(() => table.take(0, 0, 0, 0)),
    [0, 1, 2],
  );
  assert.equal(table.take(0, 0, 0, 0), -1);
  table.settle(1, SLOT.done);
  assert.equal(table.take(0, 0, 0, 0), 1);
});

test("a finished task is recognised until its slot is taken again, which is as late as possible", () => {
  const table = tableOf(3);
  const slot = table.take(0, 0, 0, 0);
  const seq = table.seqs[slot]!;
  table.settle(slot, SLOT.timedOut);
  for (let i = 0; i < 2; i++) table.settle(table.take(0, 0, 0, 0), SLOT.done);
  assert.ok(table.holds(slot, seq), "two other slots came first");
  assert.equal(table.take(0, 0, 0, 0), slot);
  assert.equal(table.holds(slot, seq), false);
});

test("sequence numbers go on across 2^32", () => {
  const table = tableOf(4, 1, 2 ** 32 - 2);
  const seqs = [0, 1, 2, 3].map(() => table.seqs[table.take(0, 0, 0, 0)]!);
  assert.deepEqual(seqs, [2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1]);
});

test("holds() says no to slots outside the table", () => {
  const table = tableOf(2);
  for (const slot of [-1, 2, Number.NaN, 1.5]) assert.equal(table.holds(slot, 0), false);
});

test("any sequence of takes and settles leaves the same tasks as a plain map, oldest first", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ take: fc.boolean(), entry: fc.nat(1), pick: fc.nat() }), {
        maxLength: 200,
      }),
      (steps) => {
        const table = tableOf(8);
        const model: { slot: number; seq: number; entry: number }[] = [];
        for (const { take, entry, pick } of steps) {
          if (take) {
            const slot = table.take(entry, 0, 0, 0);
            assert.equal(slot >= 0, model.length < 8);
            if (slot >= 0) model.push({ slot, seq: table.seqs[slot]!, entry });
          } else if (model.length > 0) {
            const [task] = model.splice(pick % model.length, 1);
            table.settle(task!.slot, pick % 2 === 0 ? SLOT.done : SLOT.timedOut);
          }
          assert.equal(table.freeCount, 8 - model.length);
          for (const wanted of [0, 1]) {
            const seqs: number[] = [];
            for (let slot = table.oldest(wanted); slot >= 0; slot = table.newer(slot)) {
              assert.ok(table.isInFlight(slot));
              seqs.push(table.seqs[slot]!);
            }
            assert.deepEqual(
              seqs,
              model.filter((task) => task.entry === wanted).map(({ seq }) => seq),
            );
          }
        }
      },
    ),
  );
});
