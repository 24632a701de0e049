import assert from "node:assert/strict";
import { test } from "node:test";
import { InFlightTable, SLOT } from "../../../src/ledger/in-flight-table.js";
import { createLayout, ENTRY_COUNTERS, ENTRY_HISTOGRAMS } from "../../../src/ledger/layout.js";
import {
  countInFlight,
  ledgerBytes,
  openLedger,
  takeSnapshot,
} from "../../../src/ledger/snapshot.js";

const layout = createLayout({
  entries: 2,
  scenarios: 2,
  connections: 1,
  bucketsMs: [1, 2, 3],
  phaseBucketsMs: [1, 3],
  data: 0,
  exceptionRows: 3,
  sloRows: 0,
  userRows: 0,
  slots: 5,
});
const open = () => openLedger(layout, new SharedArrayBuffer(ledgerBytes(layout)));

test("no two cells of a layout share a place, and all lie inside", () => {
  const places: number[] = [];
  for (let entry = 0; entry < 2; entry++) {
    for (const name of ENTRY_COUNTERS) places.push(layout.entryCounter(entry, name));
    for (const name of ENTRY_HISTOGRAMS) {
      const { offset, boundsMs, fineOffset } = layout.entryHistogram(entry, name);
      for (let i = 0; i < boundsMs.length + 2; i++) places.push(offset + i);
      for (let i = 0; i < 26 * 64; i++) places.push(fineOffset + i);
    }
  }
  for (let row = 0; row < 3; row++) places.push(layout.exception(row));
  for (const scenario of [0, 1])
    places.push(layout.scenario(scenario, "state"), layout.scenario(scenario, "stageChangedAt"));
  places.push(layout.connection(0, "brokerUp"), layout.connection(0, "restartedEmpty"));
  places.push(layout.engine("lastTurnSeconds"), layout.engine("foldedExceptions"));
  assert.equal(new Set(places).size, places.length);
  assert.ok(places.every((place) => place >= 0 && place < layout.liveCellCount));
});

test("a snapshot stays as it was while the engine goes on counting", () => {
  const ledger = open();
  ledger.live.cells[0] = 1;
  ledger.live.states[4] = SLOT.published;
  ledger.live.entries[4] = 1;
  takeSnapshot(ledger, layout.cellCount);
  ledger.live.cells[0] = 2;
  ledger.live.states[4] = SLOT.done;
  assert.equal(ledger.snapshot.cells[0], 1);
  assert.equal(ledger.snapshot.states[4], SLOT.published);
  assert.equal(ledger.snapshot.entries[4], 1);
});

test("a scrape's copy has every cell but those of the fine tables", () => {
  const ledger = open();
  ledger.live.cells.fill(1);
  takeSnapshot(ledger, layout.fineAt);
  const copied = [...ledger.snapshot.cells.keys()].filter(
    (cell) => ledger.snapshot.cells[cell] === 1,
  );
  const fine = [0, 1].flatMap((entry) =>
    ENTRY_HISTOGRAMS.map((name) => layout.entryHistogram(entry, name).fineOffset),
  );
  assert.equal(copied.length, layout.liveCellCount - fine.length * 26 * 64);
  assert.ok(fine.every((at) => at >= copied.length));
});

test("a whole copy has the fine tables of latencies, and not those of phases", () => {
  const ledger = open();
  ledger.live.cells.fill(1);
  takeSnapshot(ledger, layout.cellCount);
  assert.equal(ledger.snapshot.cells.length, layout.cellCount);
  assert.ok(ledger.snapshot.cells.every((cell) => cell === 1));
  const { fineOffset } = layout.entryHistogram(1, "run");
  assert.ok(fineOffset >= layout.cellCount);
  assert.equal(ledger.live.cells[fineOffset], 1);
});

test("countInFlight() counts from the table: publishing apart from published and started", () => {
  const ledger = open();
  const table = new InFlightTable(ledger.live, 2);
  const slots = [0, 1, 1, 1, 0].map((entry) => table.take(entry, 0, 0, 0));
  table.states[slots[1]!] = SLOT.published;
  table.states[slots[2]!] = SLOT.started;
  table.settle(slots[3]!, SLOT.done);
  table.settle(slots[4]!, SLOT.timedOut);
  const { publishing, inFlight } = countInFlight(ledger.live, 2);
  assert.deepEqual([...publishing], [1, 0]);
  assert.deepEqual([...inFlight], [0, 2]);
});
