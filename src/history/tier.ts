import { quantileMs } from "../ledger/histogram.js";
import { FINE } from "../ledger/layout.js";
import type { TierAnswer } from "./answer.js";
import { add, type Ended } from "./latencies.js";
import { Ring } from "./ring.js";
import type { Followed } from "./series.js";

/** How much is kept at one resolution. */
export interface Resolution {
  readonly stepSeconds: number;
  readonly rows: number;
}

/** What one look has found: of each series its running count or its value, NaN when not known. */
export interface Look {
  /** Of a monotonic clock. */
  readonly nowMs: number;
  readonly unixSeconds: number;
  readonly values: ArrayLike<number>;
  readonly ended: Ended;
}

/**
 * The history at one resolution. A row is about all that was seen since the row before: rates are growth over its
 * time, percentiles those of what ended within it.
 */
export class Tier {
  readonly stepSeconds: number;
  readonly #followed: readonly Followed[];
  readonly #ring: Ring;
  #begun: Look;
  readonly #sums: Float64Array;
  readonly #known: Uint32Array;
  readonly #ended = new Map<string | null, Uint32Array>();

  constructor({ stepSeconds, rows }: Resolution, followed: readonly Followed[], first: Look) {
    this.stepSeconds = stepSeconds;
    this.#followed = followed;
    this.#ring = new Ring(rows, followed.length);
    this.#begun = first;
    this.#sums = new Float64Array(followed.length);
    this.#known = new Uint32Array(followed.length);
    for (const each of followed) {
      if (each.kind === "quantile") this.#ended.set(each.task, new Uint32Array(FINE.size));
    }
  }

  /** Adds a look; returns the row that it completes, null when it is one among others. */
  look(look: Look): Float64Array | null {
    for (const [index, { kind }] of this.#followed.entries()) {
      const value = look.values[index]!;
      if (kind !== "mean" || Number.isNaN(value)) continue;
      this.#sums[index]! += value;
      this.#known[index]! += 1;
    }
    for (const [task, counts] of this.#ended) {
      add(counts, task === null ? look.ended.all : (look.ended.byTask.get(task) ?? NONE));
    }
    // Half a second before its time at most: looks come about once a second.
    const seconds = (look.nowMs - this.#begun.nowMs) / 1000;
    if (seconds < this.stepSeconds - 0.5) return null;
    const row = this.#row(look, seconds);
    this.#ring.push(look.unixSeconds, row);
    this.#begun = look;
    this.#sums.fill(0);
    this.#known.fill(0);
    for (const counts of this.#ended.values()) counts.fill(0);
    return row;
  }

  /**
   * Rows of an older layout, and the one that is under way, as far as their series go on. `columns`: where each of
   * ours was, -1 for a new one.
   */
  takeOver(old: Tier, columns: readonly number[]): void {
    const moved = (from: (column: number) => number, isNew: (column: number) => number) =>
      columns.map((column, index) => (column < 0 ? isNew(index) : from(column)));
    for (let row = 0; row < old.#ring.length; row++) {
      const values = moved(
        (column) => old.#ring.value(row, column),
        () => Number.NaN,
      );
      this.#ring.push(old.#ring.at(row), values);
    }
    const { values } = this.#begun;
    this.#begun = {
      ...old.#begun,
      values: moved(
        (column) => old.#begun.values[column]!,
        (index) => values[index]!,
      ),
    };
    this.#sums.set(
      moved(
        (column) => old.#sums[column]!,
        () => 0,
      ),
    );
    this.#known.set(
      moved(
        (column) => old.#known[column]!,
        () => 0,
      ),
    );
    for (const [task, counts] of this.#ended) {
      const before = old.#ended.get(task);
      if (before !== undefined) counts.set(before);
    }
  }

  answer(): TierAnswer {
    const rows = Array.from({ length: this.#ring.length }, (_, row) => row);
    return {
      stepSeconds: this.stepSeconds,
      at: rows.map((row) => Number(this.#ring.at(row).toFixed(3))),
      columns: this.#followed.map((_, column) =>
        rows.map((row) => jsonNumber(this.#ring.value(row, column))),
      ),
    };
  }

  /** Mean of a column over the newest rows, NaN when none of them is known. */
  recentMean(column: number, rows: number): number {
    let sum = 0;
    let known = 0;
    for (let row = Math.max(0, this.#ring.length - rows); row < this.#ring.length; row++) {
      const value = this.#ring.value(row, column);
      if (Number.isNaN(value)) continue;
      sum += value;
      known++;
    }
    return sum / known;
  }

  get bytes(): number {
    let bytes = this.#ring.bytes;
    for (const counts of this.#ended.values()) bytes += counts.byteLength;
    return bytes;
  }

  #row(look: Look, seconds: number): Float64Array {
    const row = new Float64Array(this.#followed.length);
    for (const [index, each] of this.#followed.entries()) {
      if (each.kind === "rate") {
        row[index] = Math.max(0, look.values[index]! - this.#begun.values[index]!) / seconds;
      } else if (each.kind === "mean") {
        row[index] = this.#sums[index]! / this.#known[index]!;
      } else {
        row[index] = quantileMs(this.#ended.get(each.task)!, each.q) / 1000;
      }
    }
    return row;
  }
}

const NONE = new Uint32Array(FINE.size);

/** Counts as they are, all else with five digits; null is not known. */
export function jsonNumber(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  return Number.isInteger(value) ? value : Number(value.toPrecision(5));
}
