/** The counts of a fine table that are not 0, and the sum of what was counted. */
export interface Sparse {
  /** Numbers of the cells, ascending, and what is in each. */
  readonly cells: Uint16Array;
  readonly counts: Uint32Array;
  readonly sumMs: number;
}

/** What a table has grown by. Never negative: an engine that has gone may take a count with it. */
export function sparseGrowth(
  before: ArrayLike<number>,
  now: ArrayLike<number>,
  sumMs: number,
): Sparse {
  const cells: number[] = [];
  const counts: number[] = [];
  for (let cell = 0; cell < now.length; cell++) {
    const grown = now[cell]! - before[cell]!;
    if (grown <= 0) continue;
    cells.push(cell);
    counts.push(grown);
  }
  return {
    cells: Uint16Array.from(cells),
    counts: Uint32Array.from(counts),
    sumMs: Math.max(0, sumMs),
  };
}

/** The counts of several tables together. */
export function sparseSum(all: readonly Sparse[], size: number): Sparse {
  const [first, second] = all;
  if (first !== undefined && second === undefined) return first;
  const dense = new Float64Array(size);
  let sumMs = 0;
  for (const each of all) {
    addSparse(dense, each);
    sumMs += each.sumMs;
  }
  return sparseGrowth(new Float64Array(size), dense, sumMs);
}

/** Adds the counts to a whole table. */
export function addSparse(to: Float64Array, { cells, counts }: Sparse): void {
  for (let index = 0; index < cells.length; index++) to[cells[index]!]! += counts[index]!;
}
