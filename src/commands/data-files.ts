import { unsendable } from "../celery/messages/arguments.js";
import type { Row } from "../celery/messages/body-text.js";
import type { DataConfig } from "../config/data/data-fields.js";
import { type ConfigIssue, unfit } from "../config/faults/config-issue.js";
import type { Config } from "../config/schema.js";
import { csvCells } from "../data/csv.js";
import type { DataSource } from "../data/data-source.js";
import { jsonValue, readerOf } from "../data/row-values.js";
import { isMapping } from "../mapping.js";
import { type FileFault, folderOf } from "./beside-configuration.js";
import { readRowFile } from "./row-files.js";

/** A file of rows that was looked at from its first byte to its last. */
export interface DataFile {
  readonly source: DataSource;
  /** Of the first row. */
  readonly firstRow: Row;
}

/** What is no larger is kept in memory, once for all threads. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;
const MAX_COLUMNS = 1_000;

/**
 * Looks through the files of `data`, so that nothing that is wrong in them is found only by a worker, and notes where
 * each row begins: 4 bytes for each.
 */
export function readDataFiles(
  config: Config,
  firstFile: string | undefined,
): { readonly files: readonly DataFile[]; readonly issues: readonly ConfigIssue[] } {
  const folder = folderOf(firstFile);
  const files: DataFile[] = [];
  const issues: ConfigIssue[] = [];
  for (const [name, data] of Object.entries(config.data)) {
    const read = readFile(folder, name, data);
    if ("source" in read) files.push(read);
    else issues.push(unfit(["data", name, "file"], `${data.file}${read.fault}`, read.remedy));
  }
  return { files, issues };
}

function readFile(folder: string, name: string, data: DataConfig): DataFile | FileFault {
  const rows = new RowList(data);
  let content: Buffer | null = null;
  const read = readRowFile(folder, data.file, data.format, {
    onOpen: ({ byteLength }) => {
      if (byteLength <= MAX_KEPT_BYTES) content = Buffer.from(new SharedArrayBuffer(byteLength));
    },
    onChunk: (bytes, at) => content?.set(bytes, at),
    onRow: (text, offset) => rows.add(text, offset),
  });
  if ("fault" in read) return read;
  if (rows.count === 0) return { fault: " has no rows", remedy: "Put one on each line." };
  const { path, byteLength } = read;
  const { format, take } = data;
  const { columns, types } = rows;
  return {
    source: {
      ...{ name, path, format, take, byteLength, rowCount: rows.count, columns, types },
      offsets: rows.offsets(byteLength),
      content: ((content as Buffer | null)?.buffer as SharedArrayBuffer | undefined) ?? null,
    },
    firstRow: readerOf({ format, columns, types })(rows.firstText),
  };
}

/** Takes the rows as they are found, each looked at. */
class RowList {
  count = 0;
  firstText = "";
  columns: string[] | null = null;
  types: DataSource["types"] = [];
  readonly #known: DataConfig;
  #offsets = new Uint32Array(1024);
  #isFirst = true;
  #read: (text: string) => Row = () => [];
  readonly #knownColumns = new Set<string>();

  constructor(known: DataConfig) {
    this.#known = known;
    if (known.format === "lines") this.types = ["plain"];
  }

  /** @throws {Error} that says what is wrong with the row */
  add(text: string, offset: number): void {
    if (this.#isFirst && this.#known.format === "csv") this.#readHeader(text);
    else this.#addRow(text, offset);
    this.#isFirst = false;
  }

  /** Where each row begins, and where the last one ends. */
  offsets(end: number): SharedArrayBuffer {
    const shared = new SharedArrayBuffer(4 * (this.count + 1));
    const offsets = new Uint32Array(shared);
    offsets.set(this.#offsets.subarray(0, this.count));
    offsets[this.count] = end;
    return shared;
  }

  #addRow(text: string, offset: number): void {
    if (this.#known.format === "jsonl") this.#learnColumns(text);
    const row = this.#read(text);
    const fault = row.map(unsendable).find((each) => each !== undefined);
    if (fault !== undefined) throw new Error(fault);
    if (this.count === 0) this.firstText = text;
    if (this.count === this.#offsets.length) {
      const larger = new Uint32Array(2 * this.count);
      larger.set(this.#offsets);
      this.#offsets = larger;
    }
    this.#offsets[this.count++] = offset;
  }

  #readHeader(text: string): void {
    const columns = csvCells(text);
    if (columns === undefined) throw new Error("has a quote inside of a name");
    if (columns.length === 1 && text.includes(";")) {
      throw new Error("names one column. Separate columns by commas, and not by semicolons");
    }
    const twice = columns.find((column, index) => columns.indexOf(column) !== index);
    if (columns.includes("")) throw new Error("has a column without a name. Name every column");
    if (twice !== undefined) throw new Error(`names ${JSON.stringify(twice)} twice. Rename one`);
    this.columns = columns;
    this.types = columns.map((column) =>
      Object.hasOwn(this.#known.types, column) ? this.#known.types[column]! : "plain",
    );
    this.#read = readerOf({ format: "csv", columns, types: this.types });
  }

  /** Mappings may have different keys; what one has not is null. */
  #learnColumns(text: string): void {
    const value = jsonValue(text);
    if (this.#isFirst) {
      if (isMapping(value) && Object.keys(value).length > 0) this.columns = [];
      this.#read = readerOf({ format: "jsonl", columns: this.columns, types: [] });
    }
    if (this.columns === null || !isMapping(value)) return;
    for (const key of Object.keys(value)) {
      if (this.#knownColumns.has(key)) continue;
      this.#knownColumns.add(key);
      this.columns.push(key);
      if (this.columns.length > MAX_COLUMNS) throw new Error(`has more than ${MAX_COLUMNS} keys`);
    }
  }
}
