/**
 * The cells of a row of CSV (RFC 4180): separated by commas, in double quotes where they hold a comma, a quote (written
 * twice) or the end of a line. Pure.
 *
 * @returns undefined when a quote stands where none can
 */
export function csvCells(row: string): string[] | undefined {
  if (!row.includes('"')) return row.split(",");
  const cells: string[] = [];
  let at = 0;
  while (true) {
    if (row[at] === '"') {
      const end = closingQuote(row, at + 1);
      if (end < 0) return undefined;
      cells.push(row.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
    } else {
      const comma = row.indexOf(",", at);
      const cell = row.slice(at, comma < 0 ? row.length : comma);
      if (cell.includes('"')) return undefined;
      cells.push(cell);
      at += cell.length;
    }
    if (at === row.length) return cells;
    if (row[at] !== ",") return undefined;
    at += 1;
  }
}

function closingQuote(row: string, from: number): number {
  for (let at = row.indexOf('"', from); at >= 0; at = row.indexOf('"', at + 2)) {
    if (row[at + 1] !== '"') return at;
  }
  return -1;
}
