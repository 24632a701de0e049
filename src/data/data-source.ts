/** How a file holds its rows. */
export const DATA_FORMATS = ["csv", "jsonl", "lines"] as const;
export type DataFormat = (typeof DATA_FORMATS)[number];

const FORMAT_OF: Readonly<Record<string, DataFormat>> = {
  csv: "csv",
  jsonl: "jsonl",
  ndjson: "jsonl",
};

/** By the end of the file's name; what has another one is a text of lines. */
export function formatOf(file: string): DataFormat {
  const [, ending = ""] = /\.(\w+)$/.exec(file.toLowerCase()) ?? [];
  return FORMAT_OF[ending] ?? "lines";
}

/** In which order rows are taken; `once`: each one once, and then the scenario ends. */
export const TAKES = ["inOrder", "random", "once"] as const;
export type Take = (typeof TAKES)[number];

/** What the cells of a column are; `plain`: a number where it is written as one, else a text. */
export const COLUMN_TYPES = ["text", "number", "boolean", "json"] as const;
export type ColumnType = (typeof COLUMN_TYPES)[number] | "plain";

/** Rows that templates can take, as all threads know them: plain data and shared memory. */
export interface DataSource {
  readonly name: string;
  /** Absolute, links followed. */
  readonly path: string;
  readonly format: DataFormat;
  readonly take: Take;
  readonly byteLength: number;
  readonly rowCount: number;
  /** Names of the columns; null: a row is one value. */
  readonly columns: readonly string[] | null;
  /** By column. */
  readonly types: readonly ColumnType[];
  /** Uint32: where each row begins, and where the last one ends. */
  readonly offsets: SharedArrayBuffer;
  /** The whole file, when it is small. */
  readonly content: SharedArrayBuffer | null;
}
