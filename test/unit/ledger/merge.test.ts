import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { balanceOf } from "../../../src/ledger/balance.js";
import { InFlightTable, SLOT } from "../../../src/ledger/in-flight-table.js";
import { createLayout } from "../../../src/ledger/layout.js";
import { mergeHalves } from "../../../src/ledger/merge.js";
import { countInFlight, type Half, ledgerBytes, openLedger } from "../../../src/ledger/snapshot.js";

const layout = createLayout({
  entries: 2,
  scenarios: 1,
  connections: 1,
  bucketsMs: [1, 2, 3],
  phaseBucketsMs: [1, 3],
  data: 0,
  exceptionRows: 3,
  sloRows: 1,
  userRows: 0,
  slots: 20,
});
const open = (): Half => openLedger(layout, new SharedArrayBuffer(ledgerBytes(layout))).live;

test("counts, histograms and exceptions are added up", () => {
  const [one, other] = [open(), open()];
  const { offset, fineOffset } = layout.entryHistogram(1, "latencyFailed");
  const cells = [
    layout.entryCounter(0, "planned"),
    layout.entryCounter(1, "retries"),
    ...[offset, offset + 4, fineOffset + 100],
    layout.exception(2),
    layout.slo(0, "bad"),
    layout.connection(0, "brokerReconnects"),
    layout.scenario(0, "targetRate"),
    layout.engine("unmatchedResults"),
  ];
  for (const [index, cell] of cells.entries()) {
    one.cells[cell] = index + 1;
    other.cells[cell] = 100;
  }
  const merged = mergeHalves(layout, [one, other]);
  for (const [index, cell] of cells.entries()) assert.equal(merged.cells[cell], index + 101);
});

test("what is no count is that of the thread that decides", () => {
  const threads = [open(), open(), open()];
  const set = (cell: number, values: readonly number[]) => {
    for (const [index, value] of values.entries()) threads[index]!.cells[cell] = value;
  };
  const expected = new Map<number, number>();
  const check = (cell: number, values: readonly number[], merged: number) => {
    set(cell, values);
    expected.set(cell, merged);
  };
  check(layout.connection(0, "brokerUp"), [1, 0, 1], 0);
  check(layout.connection(0, "backendUp"), [1, 1, 1], 1);
  check(layout.connection(0, "brokerBlocked"), [0, 1, 0], 1);
  check(layout.connection(0, "failover"), [2, 2, 2], 2);
  check(layout.scenario(0, "state"), [4, 2, 4], 2);
  check(layout.scenario(0, "startedAt"), [0, 5, 5], 5);
  check(layout.engine("lastTurnSeconds"), [9, 7, 9], 7);
  check(layout.engine("dispatchLagMaxSeconds"), [0, 3, 1], 3);
  check(layout.engine("saturatedEventLoop"), [0, 1, 1], 1);
  const merged = mergeHalves(layout, threads);
  for (const [cell, value] of expected) assert.equal(merged.cells[cell], value);
});

test("one thread is what it is", () => {
  const only = open();
  assert.equal(mergeHalves(layout, [only]), only);
});

test("where the equations hold in each thread they hold in the whole", () => {
  const step = fc.record({
    thread: fc.nat(2),
    entry: fc.nat(1),
    end: fc.constantFrom("dropped", "publishing", "inFlight", "succeeded"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const threads = [open(), open(), open()];
      const tables = threads.map((half) => new InFlightTable(half, 2));
      for (const { thread, entry, end } of steps) {
        const { cells, states } = threads[thread]!;
        const count = (name: Parameters<typeof layout.entryCounter>[1]) => {
          cells[layout.entryCounter(entry, name)]! += 1;
        };
        count("planned");
        if (end === "dropped") count("droppedInFlight");
        else {
          const slot = tables[thread]!.take(entry, 0, 0, 0);
          if (end === "publishing") continue;
          count("published");
          states[slot] = SLOT.published;
          if (end === "inFlight") continue;
          count("succeeded");
          tables[thread]!.settle(slot, SLOT.done);
        }
      }
      const merged = mergeHalves(layout, threads);
      const counts = countInFlight(merged, 2);
      for (const entry of [0, 1]) {
        const balance = balanceOf({
          counter: (name) => merged.cells[layout.entryCounter(entry, name)]!,
          publishing: counts.publishing[entry]!,
          inFlight: counts.inFlight[entry]!,
        });
        assert.deepEqual(balance, { planned: 0, published: 0 });
        const of = (what: string) =>
          steps.filter((each) => each.entry === entry && each.end === what).length;
        assert.equal(counts.publishing[entry], of("publishing"));
        assert.equal(counts.inFlight[entry], of("inFlight"));
      }
    }),
  );
});
