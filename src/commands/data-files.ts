import { isUtf8 } from "node:buffer";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { unsendable } from "../celery/messages/arguments.js";
import type { Row } from "../celery/messages/body-text.js";
import type { DataConfig } from "../config/data/data-fields.js";
import { type ConfigIssue, unfit } from "../config/faults/config-issue.js";
import type { Config } from "../config/schema.js";
import { readFileAtMost } from "../config/sources/read-file.js";
import { csvCells } from "../data/csv.js";
import type { DataSource } from "../data/data-source.js";
import { MAX_ROW_BYTES, RowScanner, type ScannedRow } from "../data/row-scanner.js";
import { jsonValue, readerOf } from "../data/row-values.js";
import { isMapping } from "../mapping.js";
import { type FileFault, folderOf, pathBeside, unreadable } from "./beside-configuration.js";

/** A file of rows that was looked at from its first byte to its last. */
export interface DataFile {
  readonly source: DataSource;
  /** Of the first row. */
  readonly firstRow: Row;
}

const GIB = 1024 ** 3;
const MAX_DATA_BYTES = GIB;
/** What is no larger is kept in memory, once for all threads. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;
const MAX_COLUMNS = 1_000;
const CHUNK_BYTES = 1024 * 1024;

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
  const found = pathBeside(folder, data.file);
  if ("fault" in found) return { ...found, fault: ` ${found.fault}` };
  const first = readFileAtMost(found.path, 1, "regular");
  if ("reason" in first) {
    const { fault, remedy } = unreadable(first, resolve(folder, data.file));
    return { fault: ` ${fault}`, remedy };
  }
  const file = openSync(found.path, "r");
  try {
    const { size } = fstatSync(file);
    if (size > MAX_DATA_BYTES) return { fault: " is larger than 1 GiB", remedy: "Split it." };
    return scan(file, { name, path: found.path, byteLength: size, ...data });
  } catch (error) {
    if (error instanceof RowFault)
      return { fault: `:${error.line} ${error.message}`, remedy: error.remedy };
    throw error;
  } finally {
    closeSync(file);
  }
}

/** What is wrong with a row. */
class RowFault extends Error {
  readonly line: number;
  readonly remedy: string;

  constructor(line: number, message: string) {
    const [fault = "", ...remedy] = message.split(". ");
    super(fault);
    this.line = line;
    this.remedy = remedy.length > 0 ? `${remedy.join(". ")}.` : "Mend that line.";
  }
}

type Known = DataConfig & Pick<DataSource, "name" | "path" | "byteLength">;

function scan(file: number, known: Known): DataFile | FileFault {
  const rows = new RowList(known);
  const scanner = new RowScanner(known.format, (row) => rows.add(row));
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const { byteLength, name, path, format, take } = known;
  const content =
    byteLength <= MAX_KEPT_BYTES ? Buffer.from(new SharedArrayBuffer(byteLength)) : null;
  try {
    for (let at = 0; at < byteLength; ) {
      const count = readSync(file, chunk, 0, Math.min(CHUNK_BYTES, byteLength - at), at);
      if (count === 0) break;
      content?.set(chunk.subarray(0, count), at);
      scanner.push(chunk.subarray(0, count));
      at += count;
    }
    scanner.end();
  } catch (error) {
    if (!(error instanceof RangeError) || !/^line \d+$/.test(error.message)) throw error;
    const line = Number(error.message.slice("line ".length));
    const quote = format === "csv" ? ". A quote may not be closed" : ". Shorten it";
    throw new RowFault(line, `is longer than ${MAX_ROW_BYTES / 1024 / 1024} MiB${quote}`);
  }
  if (rows.count === 0) return { fault: " has no rows", remedy: "Put one on each line." };
  return {
    source: {
      name,
      path,
      format,
      take,
      byteLength,
      rowCount: rows.count,
      columns: rows.columns,
      types: rows.types,
      offsets: rows.offsets(byteLength),
      content: content === null ? null : (content.buffer as unknown as SharedArrayBuffer),
    },
    firstRow: readerOf({ format, columns: rows.columns, types: rows.types })(rows.firstText),
  };
}

/** Takes the rows as they are found, each looked at. */
class RowList {
  count = 0;
  firstText = "";
  columns: string[] | null = null;
  types: DataSource["types"] = [];
  readonly #known: Known;
  #offsets = new Uint32Array(1024);
  #isFirst = true;
  #read: (text: string) => Row = () => [];
  readonly #knownColumns = new Set<string>();

  constructor(known: Known) {
    this.#known = known;
    if (known.format === "lines") this.types = ["plain"];
  }

  add({ offset, line, bytes }: ScannedRow): void {
    if (!isUtf8(bytes)) throw new RowFault(line, "is no text in UTF-8. Save the file as UTF-8");
    const mark =
      offset === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    const text = bytes.toString("utf8", mark);
    try {
      if (this.#isFirst && this.#known.format === "csv") this.#readHeader(text);
      else this.#addRow(text, offset + mark);
    } catch (error) {
      throw new RowFault(line, error instanceof Error ? error.message : String(error));
    }
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
