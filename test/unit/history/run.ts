import { History } from "../../../src/history/history.js";
import type { HistoryReading } from "../../../src/history/series.js";
import { observe } from "../../../src/ledger/histogram.js";
import {
  createLayout,
  type EntryCounter,
  type EntryHistogram,
} from "../../../src/ledger/layout.js";
import { ledgerBytes, openLedger } from "../../../src/ledger/snapshot.js";
import type { ObservedConnection } from "../../../src/observer/connection-observer.js";
import { LedgerView } from "../../../src/readings/ledger-view.js";
import type { Subject } from "../../../src/readings/subject.js";

/** A run without a daemon: tasks end as the test has them end, and a second passes when it says so. */
export class Run {
  readonly history = new History();
  readonly subject: Subject;
  ready: number | null = 0;
  readonly #layout;
  readonly #half;
  #seconds = 1_000;

  constructor(tasks: readonly string[], { scenarios = 1, queues = 1 } = {}) {
    this.#layout = createLayout({
      entries: tasks.length,
      scenarios,
      connections: 1,
      bucketsMs: [5, 1000],
      phaseBucketsMs: [5],
      data: 0,
      exceptionRows: tasks.length + 20,
      sloRows: 0,
      userRows: 0,
      slots: 4,
    });
    const memory = new SharedArrayBuffer(ledgerBytes(this.#layout));
    this.#half = openLedger(this.#layout, memory).live;
    this.queues = Array.from({ length: queues }, (_, index) => `queue-${index}`);
    this.subject = {
      scenarios: Array.from({ length: scenarios }, (_, index) => ({
        name: `scenario-${index}`,
        stages: [],
      })),
      entries: tasks.map((task) => ({ scenario: 0, task, queue: "queue-0", userRow: null })),
      ...{ members: [], connections: ["main"], slos: [], data: [], modules: [], exceptions: [] },
      ...{ version: "0", commit: "0", configHash: "0" },
    };
  }

  readonly queues: readonly string[];

  /** So many tasks of an entry have ended, each after so long. */
  end(entry: number, count: number, ms: number, outcome: "succeeded" | "failed" = "succeeded") {
    const name = outcome === "succeeded" ? "latencySucceeded" : "latencyFailed";
    const place = this.#layout.entryHistogram(entry, name);
    for (let each = 0; each < count; each++) observe(this.#half.cells, place, ms);
    this.count(entry, outcome, count);
  }

  count(entry: number, counter: EntryCounter, by: number) {
    this.#half.cells[this.#layout.entryCounter(entry, counter)]! += by;
  }

  saturate(seconds: number) {
    this.#half.cells[this.#layout.engine("saturatedSeconds")]! += seconds;
  }

  raise(row: number, by: number) {
    this.#half.cells[this.#layout.exception(row)]! += by;
  }

  /** A phase of so many tasks of an entry took so long. */
  phase(entry: number, name: EntryHistogram, count: number, ms: number) {
    const place = this.#layout.entryHistogram(entry, name);
    for (let each = 0; each < count; each++) observe(this.#half.cells, place, ms);
  }

  /** A reading of the live memory. */
  get ledger() {
    return new LedgerView(this.#layout, [this.#half]);
  }

  get reading(): HistoryReading {
    return { ledger: this.ledger, subject: this.subject, observed: [this.#observed()] };
  }

  /** Time passes, and nobody looks. */
  wait(seconds: number) {
    this.#seconds += seconds;
  }

  /** So long after the last look there is another one; returns the moments that it completes. */
  pass(seconds = 1) {
    this.#seconds += seconds;
    return this.history.look(this.reading, this.moment);
  }

  get moment() {
    return { nowMs: this.#seconds * 1_000, unixSeconds: 1_800_000_000 + this.#seconds };
  }

  #observed() {
    const queues = this.queues.map((name) => ({ name, ready: this.ready }));
    return { name: "main", queues } as unknown as ObservedConnection;
  }
}
