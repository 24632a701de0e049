import type { DataFormat } from "./data-source.js";

/** A row as it stands in its file. */
export interface ScannedRow {
  /** Where it begins. */
  readonly offset: number;
  /** Number of its first line, from 1. */
  readonly line: number;
  /** Without the end of its line. */
  readonly bytes: Buffer;
}

const NEWLINE = 10;
const RETURN = 13;
const QUOTE = 34;

/** No row is longer: what is sent of it is limited, and is held in memory. */
export const MAX_ROW_BYTES = 1024 * 1024;

/**
 * Finds the rows in the bytes of a file, however they are cut into chunks: a row is a line, and of CSV a line with an
 * even number of quotes. Empty lines are none. Pure.
 */
export class RowScanner {
  readonly #isCsv: boolean;
  readonly #onRow: (row: ScannedRow) => void;
  /** What was read of a row that has not ended. */
  #open = Buffer.alloc(0);
  /** Of `#open` in the file. */
  #offset = 0;
  #line = 1;

  constructor(format: DataFormat, onRow: (row: ScannedRow) => void) {
    this.#isCsv = format === "csv";
    this.#onRow = onRow;
  }

  /** @throws {RangeError} for a row that is too long, with its line */
  push(chunk: Buffer): void {
    const bytes = this.#open.length === 0 ? chunk : Buffer.concat([this.#open, chunk]);
    let from = 0;
    let searchFrom = this.#isCsv ? 0 : this.#open.length;
    for (;;) {
      const end = this.#endOfRow(bytes, from, searchFrom);
      if (end < 0) break;
      this.#row(bytes, from, end);
      from = end + 1;
      searchFrom = from;
    }
    this.#offset += from;
    this.#open = Buffer.from(bytes.subarray(from));
    if (this.#open.length > MAX_ROW_BYTES) throw new RangeError(`line ${this.#line}`);
  }

  /** The last row may have no end of its line. */
  end(): void {
    if (this.#open.length > 0) this.#row(this.#open, 0, this.#open.length);
  }

  #endOfRow(bytes: Buffer, from: number, searchFrom: number): number {
    let end = bytes.indexOf(NEWLINE, searchFrom);
    if (!this.#isCsv) return end;
    let quotes = 0;
    let counted = from;
    for (; end >= 0; end = bytes.indexOf(NEWLINE, end + 1)) {
      for (
        let at = bytes.indexOf(QUOTE, counted);
        at >= 0 && at < end;
        at = bytes.indexOf(QUOTE, at + 1)
      ) {
        quotes++;
      }
      counted = end;
      if (quotes % 2 === 0) return end;
    }
    return -1;
  }

  #row(bytes: Buffer, from: number, end: number): void {
    const last = end > from && bytes[end - 1] === RETURN ? end - 1 : end;
    const line = this.#line;
    this.#line += 1;
    if (last === from) return;
    const row = bytes.subarray(from, last);
    if (row.length > MAX_ROW_BYTES) throw new RangeError(`line ${line}`);
    if (this.#isCsv) {
      for (let at = row.indexOf(NEWLINE); at >= 0; at = row.indexOf(NEWLINE, at + 1)) this.#line++;
    }
    this.#onRow({ offset: this.#offset + from, line, bytes: row });
  }
}
