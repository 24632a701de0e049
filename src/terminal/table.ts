import { padEnd, padStart, printable, shortened, widthOf } from "./text.js";

/** A column of numbers, right-aligned; one cell for each row. */
export interface Column {
  readonly title: string;
  readonly cells: readonly string[];
}

export interface Table {
  /** The first column, left-aligned: what each row is about. Too long names lose their middle. */
  readonly title: string;
  readonly names: readonly string[];
  /** Columns that belong together: a table is broken between groups where it can. */
  readonly groups: readonly (readonly Column[])[];
}

/** Names are not shortened below this as long as there is another way. */
const LEAST_NAME = 24;
const GAP = 2;

/**
 * The lines of a table in at most `width` columns. Where not everything has room beside the names, the groups that
 * have none follow as further tables below, each with the names again.
 */
export function tableLines(table: Table, width: number): string[] {
  const names = [table.title, ...table.names].map(printable);
  const nameWidth = Math.max(...names.map(widthOf));
  const leastName = Math.min(nameWidth, LEAST_NAME);
  const groups = table.groups.filter((group) => group.length > 0);
  const parts = partsOf(groups, width - leastName);
  const room = width - Math.max(...parts.map(widthOfColumns), 0);
  const shown = Math.max(1, Math.min(nameWidth, room));
  return parts.flatMap((columns, part) => {
    const widths = columns.map(columnWidth);
    const lines = names.map((name, row) => {
      const cells = columns.map(({ title, cells }, column) =>
        padStart(row === 0 ? title : cells[row - 1]!, widths[column]! + GAP),
      );
      return `${padEnd(shortened(name, shown), shown)}${cells.join("")}`.trimEnd();
    });
    return part === 0 ? lines : ["", ...lines];
  });
}

/** Columns side by side, as many groups together as fit; a group that is too wide alone is broken itself. */
function partsOf(groups: readonly (readonly Column[])[], width: number): Column[][] {
  const parts: Column[][] = [[]];
  const append = (columns: readonly Column[]) => {
    const last = parts.at(-1)!;
    if (last.length === 0 || widthOfColumns([...last, ...columns]) <= width) {
      last.push(...columns);
    } else parts.push([...columns]);
  };
  for (const group of groups) {
    if (widthOfColumns(group) <= width) append(group);
    else for (const column of group) append([column]);
  }
  return parts;
}

function widthOfColumns(columns: readonly Column[]): number {
  return columns.reduce((sum, column) => sum + columnWidth(column) + GAP, 0);
}

function columnWidth({ title, cells }: Column): number {
  return Math.max(widthOf(title), ...cells.map(widthOf));
}
