import { DROP_COUNTERS, OUTCOME_COUNTERS } from "../ledger/balance.js";
import {
  ENTRY_HISTOGRAMS,
  type EntryCounter,
  type EntryHistogram,
  FINE,
} from "../ledger/layout.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { entriesByTask } from "../readings/summary.js";
import { Condensed } from "./condensed.js";
import type { Moment } from "./history.js";
import { type Sparse, sparseGrowth, sparseSum } from "./sparse.js";

/** What is counted of a task in a block, beside its histograms. */
export const BLOCK_COUNTERS: readonly EntryCounter[] = [
  ...new Set<EntryCounter>(["planned", "published", ...DROP_COUNTERS, ...OUTCOME_COUNTERS]),
];

/** What of a task ended in a block, or was planned in it: whole histograms, so that anything can be computed from them. */
export interface TaskBlock {
  readonly counters: ReadonlyMap<EntryCounter, number>;
  readonly histograms: ReadonlyMap<EntryHistogram, Sparse>;
}

/** A stretch of a run. */
export interface Block {
  /** When it ended, Unix seconds, and how long it was. */
  readonly at: number;
  readonly seconds: number;
  /** For how long of that this daemon was the bottleneck. */
  readonly saturatedSeconds: number;
  /** By their registered names. */
  readonly tasks: ReadonlyMap<string, TaskBlock>;
}

/** Half a minute is what a comparison takes for a sample. */
const FIRST_SECONDS = 30;
/** Four hours of half minutes; a run of weeks has blocks of hours. */
const MOST_BLOCKS = 480;
/** 6 bytes each. */
const MOST_CELLS = 2_000_000;
/** Of more tasks there are no blocks. */
const MOST_TASKS = 100;

interface Totals {
  readonly counters: Map<EntryCounter, number>;
  readonly tables: Map<EntryHistogram, { readonly counts: Float64Array; readonly sumMs: number }>;
}

/** A run in blocks of half a minute, each with the whole histograms of every task and phase. Has no timer and no clock. */
export class Blocks {
  readonly #kept = new Condensed<Block>({
    steps: [FIRST_SECONDS],
    mostItems: MOST_BLOCKS,
    mostCells: MOST_CELLS,
    cellsOf: ({ tasks }) =>
      [...tasks.values()].reduce((sum, { histograms }) => {
        for (const { cells } of histograms.values()) sum += cells.length;
        return sum;
      }, 0),
    join,
  });
  #before = new Map<string, Totals>();
  #sinceMs: number;
  #saturated = 0;

  /** `nowMs`: when the run began, on a monotonic clock. */
  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** Whether a block is over. */
  isDue(nowMs: number): boolean {
    // Half a second before its time at most: looks come about once a second.
    return nowMs - this.#sinceMs >= this.#kept.stepSeconds * 1000 - 500;
  }

  /** The block up to now. @param ledger a live reading, which has the fine tables of the phases */
  look(ledger: LedgerView, subject: Subject, { nowMs, unixSeconds }: Moment): void {
    const seconds = (nowMs - this.#sinceMs) / 1000;
    const saturated = ledger.engine("saturatedSeconds");
    const tasks = new Map<string, TaskBlock>();
    const now = new Map<string, Totals>();
    for (const [task, entries] of [...entriesByTask(subject)].slice(0, MOST_TASKS)) {
      const totals = totalsOf(ledger, entries);
      now.set(task, totals);
      tasks.set(task, growth(this.#before.get(task), totals));
    }
    const saturatedSeconds = Math.max(0, saturated - this.#saturated);
    this.#before = now;
    this.#sinceMs = nowMs;
    this.#saturated = saturated;
    this.#kept.push({ at: unixSeconds, seconds, saturatedSeconds, tasks });
  }

  get stepSeconds(): number {
    return this.#kept.stepSeconds;
  }

  get all(): readonly Block[] {
    return this.#kept.items;
  }
}

function join(blocks: readonly Block[]): Block {
  const names = new Set(blocks.flatMap(({ tasks }) => [...tasks.keys()]));
  const sum = (of: (block: Block) => number) => blocks.reduce((all, block) => all + of(block), 0);
  return {
    at: blocks.at(-1)!.at,
    seconds: sum(({ seconds }) => seconds),
    saturatedSeconds: sum(({ saturatedSeconds }) => saturatedSeconds),
    tasks: new Map(
      [...names].map((name) => [
        name,
        joinTasks(blocks.flatMap(({ tasks }) => tasks.get(name) ?? [])),
      ]),
    ),
  };
}

function joinTasks(blocks: readonly TaskBlock[]): TaskBlock {
  const counter = (name: EntryCounter) =>
    blocks.reduce((sum, { counters }) => sum + counters.get(name)!, 0);
  return {
    counters: new Map(BLOCK_COUNTERS.map((name) => [name, counter(name)])),
    histograms: new Map(
      ENTRY_HISTOGRAMS.map((name) => [
        name,
        sparseSum(
          blocks.map(({ histograms }) => histograms.get(name)!),
          FINE.size,
        ),
      ]),
    ),
  };
}

function totalsOf(ledger: LedgerView, entries: readonly number[]): Totals {
  const counter = (name: EntryCounter) =>
    entries.reduce((sum, entry) => sum + ledger.counter(entry, name), 0);
  const table = (name: EntryHistogram) => {
    const counts = new Float64Array(FINE.size);
    let sumMs = 0;
    for (const entry of entries) {
      const own = ledger.fineCounts(entry, name);
      for (let cell = 0; cell < FINE.size; cell++) counts[cell]! += own[cell]!;
      sumMs += ledger.sumMs(entry, name);
    }
    return { counts, sumMs };
  };
  return {
    counters: new Map(BLOCK_COUNTERS.map((name) => [name, counter(name)])),
    tables: new Map(ENTRY_HISTOGRAMS.map((name) => [name, table(name)])),
  };
}

function growth(before: Totals | undefined, now: Totals): TaskBlock {
  const counter = (name: EntryCounter) =>
    Math.max(0, now.counters.get(name)! - (before?.counters.get(name) ?? 0));
  return {
    counters: new Map(BLOCK_COUNTERS.map((name) => [name, counter(name)])),
    histograms: new Map(
      ENTRY_HISTOGRAMS.map((name) => {
        const { counts, sumMs } = now.tables.get(name)!;
        const old = before?.tables.get(name);
        return [name, sparseGrowth(old?.counts ?? NOTHING, counts, sumMs - (old?.sumMs ?? 0))];
      }),
    ),
  };
}

const NOTHING = new Float64Array(FINE.size);
