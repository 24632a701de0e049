import { type Share, WHOLE } from "../plan/share.js";

/** An exception class of an entry that has a row. */
export interface KnownException {
  readonly row: number;
  readonly entry: number;
  readonly name: string;
}

/**
 * Which row of the shared memory counts which exception class of which entry. Rows are given out as
 * classes appear; when none is left, and for errors without a class, an entry's own row `other` counts.
 * Each thread gives out rows of its own, so that threads can be added up.
 */
export class ExceptionRows {
  readonly #rows: Map<string, number>[];
  readonly #end: number;
  readonly #onNew: (row: number, entry: number, name: string) => void;
  #next: number;

  /**
   * The first `entryCount` rows are the entries' `other`; of those behind them, `rowCount` in all, the threads have equal
   * parts. `onNew` tells the main thread the name. `known` have their rows already: the first ones of the first thread.
   */
  constructor(
    entryCount: number,
    rowCount: number,
    onNew: (row: number, entry: number, name: string) => void,
    { index, of }: Share = WHOLE,
    known: readonly KnownException[] = [],
  ) {
    this.#rows = Array.from({ length: entryCount }, () => new Map());
    this.#onNew = onNew;
    const partFrom = (thread: number) =>
      entryCount + Math.floor(((rowCount - entryCount) * thread) / of);
    this.#next = partFrom(index);
    this.#end = partFrom(index + 1);
    for (const { row, entry, name } of index === 0 ? known : []) {
      this.#rows[entry]!.set(name, row);
      this.#next = row + 1;
    }
  }

  /** The row of an exception class; the entry's `other` when there is no class or no row left. */
  rowOf(entry: number, exception: string): number {
    if (exception === "" || exception === "other") return entry;
    const rows = this.#rows[entry]!;
    const known = rows.get(exception);
    if (known !== undefined) return known;
    if (this.#next === this.#end) return entry;
    const row = this.#next++;
    rows.set(exception, row);
    this.#onNew(row, entry, exception);
    return row;
  }
}
