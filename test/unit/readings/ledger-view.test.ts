import assert from "node:assert/strict";
import { test } from "node:test";
import { observe } from "../../../src/ledger/histogram.js";
import { createLayout } from "../../../src/ledger/layout.js";
import { type Half, ledgerBytes, openLedger } from "../../../src/ledger/snapshot.js";
import { LedgerView } from "../../../src/readings/ledger-view.js";

const layout = createLayout({
  entries: 2,
  scenarios: 1,
  connections: 1,
  bucketsMs: [5, 1000],
  phaseBucketsMs: [5],
  data: 0,
  exceptionRows: 2,
  sloRows: 0,
  userRows: 0,
  slots: 4,
});

function thread(): Half {
  const { live } = openLedger(layout, new SharedArrayBuffer(ledgerBytes(layout)));
  observe(live.cells, layout.entryHistogram(1, "latencyFailed"), 4);
  live.cells[layout.entryCounter(1, "failed")] = 1;
  return live;
}
const scraped = (half: Half): Half => ({ ...half, cells: half.cells.slice(0, layout.fineAt) });

for (const threads of [1, 2]) {
  test(`a scrape's reading of ${threads} thread(s) has counts and buckets, and refuses the fine tables`, () => {
    const halves = Array.from({ length: threads }, thread);
    const whole = new LedgerView(layout, halves);
    const scrape = new LedgerView(layout, halves.map(scraped));
    for (const view of [whole, scrape]) {
      const counts = new Float64Array(3);
      assert.equal(view.addHistogram(1, "latencyFailed", counts), 4 * threads);
      assert.deepEqual([...counts], [threads, 0, 0]);
      assert.equal(view.counter(1, "failed"), threads);
    }
    const fine = whole.fineCounts(1, "latencyFailed");
    assert.equal(
      fine.reduce((sum, count) => sum + count),
      threads,
    );
    assert.throws(() => scrape.fineCounts(1, "latencyFailed"), /no fine tables/);
  });
}
