/**
 * Which row of the shared memory counts which exception class of which entry. Rows are given out as
 * classes appear; when none is left, and for errors without a class, an entry's own row `other` counts.
 */
export class ExceptionRows {
  readonly #rows: Map<string, number>[];
  readonly #capacity: number;
  readonly #onNew: (row: number, entry: number, name: string) => void;
  #next: number;

  /** The first `entryCount` rows are the entries' `other`. `onNew` tells the main thread the name. */
  constructor(
    entryCount: number,
    capacity: number,
    onNew: (row: number, entry: number, name: string) => void,
  ) {
    this.#rows = Array.from({ length: entryCount }, () => new Map());
    this.#capacity = capacity;
    this.#onNew = onNew;
    this.#next = entryCount;
  }

  /** The row of an exception class; the entry's `other` when there is no class or no row left. */
  rowOf(entry: number, exception: string): number {
    if (exception === "" || exception === "other") return entry;
    const rows = this.#rows[entry]!;
    const known = rows.get(exception);
    if (known !== undefined) return known;
    if (this.#next === this.#capacity) return entry;
    const row = this.#next++;
    rows.set(exception, row);
    this.#onNew(row, entry, exception);
    return row;
  }
}
