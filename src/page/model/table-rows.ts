/** Rows that can be read. */
const MOST = 60;

/** Which moments stand in a table, the newest first: as many as can be read, evenly over all of them. */
export function tableRows(at: readonly number[]): number[] {
  const step = Math.max(1, Math.ceil(at.length / MOST));
  const rows: number[] = [];
  for (let row = at.length - 1; row >= 0; row -= step) rows.push(row);
  return rows;
}
