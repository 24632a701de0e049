import type { Row, RowShape } from "../celery/messages/body-text.js";
import { isExactNumber, parseExactJson, readPlain } from "../celery/messages/exact-number.js";
import { isMapping } from "../mapping.js";
import { csvCells } from "./csv.js";
import type { ColumnType, DataSource } from "./data-source.js";

type Shaped = Pick<DataSource, "format" | "columns" | "types">;

/** What templates must know of the rows. */
export function shapeOf({ columns, types }: Shaped): RowShape {
  return { columns, isPlain: types.map((type) => type === "plain" || type === "number") };
}

/**
 * Makes values of the text of a row, one for each column. Pure.
 * @throws {Error} that says what is wrong with it
 */
export function readerOf({ format, columns, types }: Shaped): (text: string) => Row {
  if (format === "lines") return (text) => [text];
  if (format === "csv") return csvReader(columns ?? [], types);
  return (text) => jsonRow(text, columns);
}

function csvReader(
  columns: readonly string[],
  types: readonly ColumnType[],
): (text: string) => Row {
  // Those that are more than their text.
  const read = types.flatMap((type, index) =>
    type === "plain" || type === "text" ? [] : [{ index, type }],
  );
  return (text) => {
    const cells: unknown[] | undefined = csvCells(text);
    if (cells === undefined) {
      throw new Error(
        "has a quote inside of a cell. Put the cell in quotes, and write its quotes twice",
      );
    }
    if (cells.length !== columns.length) {
      throw new Error(
        `has ${cells.length} cells, and the first line names ${columns.length} columns`,
      );
    }
    for (const { index, type } of read) {
      cells[index] = readCell(cells[index] as string, type, columns[index]!);
    }
    return cells;
  };
}

/** An empty cell is no number, and no other value but a text. */
function readCell(cell: string, type: ColumnType, column: string): unknown {
  if (cell === "") return null;
  if (type === "number") {
    const isNumber = typeof readPlain(cell) !== "string";
    if (isNumber) return cell;
  } else if (type === "boolean") {
    if (cell === "true" || cell === "false") return cell === "true";
  } else {
    const value = jsonValue(cell);
    if (value !== undefined) return value;
  }
  const form = { number: "a number", boolean: "true or false" }[type as string] ?? "JSON";
  throw new Error(
    `has ${JSON.stringify(cell.slice(0, 60))} in column ${column}, which must be ${form}`,
  );
}

function jsonRow(text: string, columns: readonly string[] | null): Row {
  const value = jsonValue(text);
  if (value === undefined) throw new Error("is no JSON. Write one value on each line");
  if (columns === null) {
    if (isMapping(value) && !isExactNumber(value))
      throw new Error("is a mapping, and the first row is none");
    return [value];
  }
  if (!isMapping(value) || isExactNumber(value)) {
    throw new Error("is no mapping, and the first row is one");
  }
  return columns.map((column) => (Object.hasOwn(value, column) ? value[column] : null));
}

/** undefined: it is no JSON. */
export function jsonValue(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}
