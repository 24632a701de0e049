import { FINE } from "../ledger/layout.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { entriesByTask } from "../readings/summary.js";

/** What ended between one look and the next, as counts by latency: of each task, and of all. */
export interface Ended {
  readonly byTask: ReadonlyMap<string, Uint32Array>;
  readonly all: Uint32Array;
}

/** Takes from the growing counts of a ledger what has come since the last look. */
export class LatencyGrowth {
  #before = new Map<string, Float64Array>();
  #isFirst: boolean;

  /** `isFromBeginning`: the first look is about all that was counted before it; else that is where it begins. */
  constructor(isFromBeginning = false) {
    this.#isFirst = isFromBeginning;
  }

  look(ledger: LedgerView, subject: Subject): Ended {
    const byTask = new Map<string, Uint32Array>();
    const all = new Uint32Array(FINE.size);
    const now = new Map<string, Float64Array>();
    for (const [task, entries] of entriesByTask(subject)) {
      const counts = new Float64Array(FINE.size);
      for (const entry of entries) {
        add(counts, ledger.fineCounts(entry, "latencySucceeded"));
        add(counts, ledger.fineCounts(entry, "latencyFailed"));
      }
      now.set(task, counts);
      const before = this.#before.get(task) ?? (this.#isFirst ? NOTHING : counts);
      const grown = growth(before, counts);
      byTask.set(task, grown);
      add(all, grown);
    }
    this.#before = now;
    this.#isFirst = false;
    return { byTask, all };
  }
}

const NOTHING = new Float64Array(FINE.size);

/** Adds counts to others. */
export function add(to: Float64Array | Uint32Array, counts: ArrayLike<number>): void {
  for (let cell = 0; cell < to.length; cell++) to[cell]! += counts[cell]!;
}

/** Never negative: an engine that has gone may take a count with it. */
function growth(before: Float64Array, now: Float64Array): Uint32Array {
  const grown = new Uint32Array(now.length);
  for (let cell = 0; cell < grown.length; cell++) {
    grown[cell] = Math.max(0, now[cell]! - before[cell]!);
  }
  return grown;
}
