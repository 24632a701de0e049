import { isUtf8 } from "node:buffer";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { readFileAtMost } from "../config/sources/read-file.js";
import type { DataFormat } from "../data/data-source.js";
import { MAX_ROW_BYTES, RowScanner, type ScannedRow } from "../data/row-scanner.js";
import { type FileFault, pathBeside, unreadable } from "./beside-configuration.js";

const GIB = 1024 ** 3;
const MAX_FILE_BYTES = GIB;
const CHUNK_BYTES = 1024 * 1024;

/** A file of rows that was read from its first byte to its last. */
export interface RowFile {
  /** Absolute, links followed. */
  readonly path: string;
  readonly byteLength: number;
}

export interface RowFileReader {
  /** Before the first chunk. */
  onOpen?(file: RowFile): void;
  /** The bytes from an offset on, which are not kept. */
  onChunk?(bytes: Buffer, at: number): void;
  /**
   * `text`: the row's, and `offset` where that begins: behind the mark that some editors put before the first one.
   * @throws {Error} that says what is wrong with it, and after a full stop what to do
   */
  onRow(text: string, offset: number, row: ScannedRow): void;
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

/** Reads a file that lies beside the configuration row by row. The fault begins with the line that it is in. */
export function readRowFile(
  folder: string,
  name: string,
  format: DataFormat,
  reader: RowFileReader,
): RowFile | FileFault {
  const found = pathBeside(folder, name);
  if ("fault" in found) return { ...found, fault: ` ${found.fault}` };
  const { path } = found;
  const first = readFileAtMost(path, 1, "regular");
  if ("reason" in first) {
    const { fault, remedy } = unreadable(first, resolve(folder, name));
    return { fault: ` ${fault}`, remedy };
  }
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    if (size > MAX_FILE_BYTES) return { fault: " is larger than 1 GiB", remedy: "Split it." };
    const rowFile = { path, byteLength: size };
    reader.onOpen?.(rowFile);
    scan(file, size, format, reader);
    return rowFile;
  } catch (error) {
    if (error instanceof RowFault)
      return { fault: `:${error.line} ${error.message}`, remedy: error.remedy };
    throw error;
  } finally {
    closeSync(file);
  }
}

function scan(file: number, size: number, format: DataFormat, reader: RowFileReader): void {
  const scanner = new RowScanner(format, (row) => readRow(row, reader));
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  try {
    for (let at = 0; at < size; ) {
      const count = readSync(file, chunk, 0, Math.min(CHUNK_BYTES, size - at), at);
      if (count === 0) break;
      const bytes = chunk.subarray(0, count);
      reader.onChunk?.(bytes, at);
      scanner.push(bytes);
      at += count;
    }
    scanner.end();
  } catch (error) {
    if (!(error instanceof RangeError) || !/^line \d+$/.test(error.message)) throw error;
    const line = Number(error.message.slice("line ".length));
    const quote = format === "csv" ? ". A quote may not be closed" : ". Shorten it";
    throw new RowFault(line, `is longer than ${MAX_ROW_BYTES / 1024 / 1024} MiB${quote}`);
  }
}

function readRow(row: ScannedRow, reader: RowFileReader): void {
  const { offset, line, bytes } = row;
  if (!isUtf8(bytes)) throw new RowFault(line, "is no text in UTF-8. Save the file as UTF-8");
  const mark = offset === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  try {
    reader.onRow(bytes.toString("utf8", mark), offset + mark, row);
  } catch (error) {
    throw new RowFault(line, error instanceof Error ? error.message : String(error));
  }
}
