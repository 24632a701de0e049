import { closeSync, openSync, read } from "node:fs";
import type { Row } from "../celery/messages/body-text.js";
import type { DataSource } from "./data-source.js";
import { readerOf } from "./row-values.js";

/**
 * Rows are read ahead in windows of this many; the row that a start takes is there before it is due, as nothing on
 * that way waits for a disk.
 */
const WINDOW = 512;
/** Windows that are read ahead, beside those of the starts of other threads in between. */
const AHEAD = 6;

/** Row numbers of a window that follow one another, and their bytes. */
interface Run {
  readonly firstRow: number;
  readonly bytes: Buffer;
}

/**
 * The rows of one scenario's starts in one thread, by the number of the start among those that take rows of this data:
 * the same number has the same row in all threads and segments. Rows at random need no number: each thread draws its
 * own.
 */
export class RowReader {
  readonly #source: DataSource;
  readonly #offsets: Uint32Array;
  readonly #content: Buffer | null;
  readonly #rowOf: (ordinal: number) => number;
  readonly #parse: (text: string) => Row;
  readonly #ahead: number;
  /** By number; null: it is being read. */
  readonly #windows = new Map<number, readonly Run[] | null>();
  readonly #file: number | null;
  #drawn = 0;
  #lastWindow = -1;

  /**
   * @param random a number from 0 up to 1 for each row that is drawn, always the same one
   * @param turn how many starts lie between this thread's blocks of starts
   */
  constructor(source: DataSource, random: (ordinal: number) => number, turn: number) {
    const { rowCount, take, offsets, content } = source;
    this.#source = source;
    this.#offsets = new Uint32Array(offsets);
    this.#content = content === null ? null : Buffer.from(content);
    this.#rowOf =
      take === "random"
        ? (ordinal) => Math.floor(random(ordinal) * rowCount)
        : (ordinal) => ordinal % rowCount;
    this.#parse = readerOf(source);
    this.#ahead = AHEAD + Math.ceil(turn / WINDOW);
    this.#file = content === null ? openSync(source.path, "r") : null;
  }

  /** True when `take` can give the row of a start; what follows it is read meanwhile. */
  has(ordinal: number): boolean {
    if (this.#content !== null) return true;
    const window = Math.floor(this.#numberOf(ordinal) / WINDOW);
    this.#readAhead(window);
    return (this.#windows.get(window) ?? null) !== null;
  }

  /**
   * The values of the row of a start, which `has` it.
   * @throws {Error} when the row is not what it was when the file was checked
   */
  take(ordinal: number): Row {
    const number = this.#numberOf(ordinal);
    if (this.#source.take === "random") this.#drawn++;
    const row = this.#rowOf(number);
    try {
      return this.#parse(this.#textOf(number, row));
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      throw new Error(`row ${row + 1} of data ${this.#source.name} ${cause}`);
    }
  }

  /** A start that takes no row: it is passed over. */
  skip(): void {
    if (this.#source.take === "random") this.#drawn++;
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
  }

  #numberOf(ordinal: number): number {
    return this.#source.take === "random" ? this.#drawn : ordinal;
  }

  #textOf(number: number, row: number): string {
    const from = this.#offsets[row]!;
    const end = this.#offsets[row + 1]!;
    if (this.#content !== null) return withoutEnd(this.#content.toString("utf8", from, end));
    const runs = this.#windows.get(Math.floor(number / WINDOW))!;
    const run =
      runs.length === WINDOW
        ? runs[number % WINDOW]!
        : runs.find(({ firstRow, bytes }) => {
            const at = from - this.#offsets[firstRow]!;
            return at >= 0 && at < bytes.length;
          });
    if (run === undefined)
      throw new Error("is not there any more. Do not change the file while it is used");
    const start = from - this.#offsets[run.firstRow]!;
    return withoutEnd(run.bytes.toString("utf8", start, start + (end - from)));
  }

  #readAhead(window: number): void {
    if (window === this.#lastWindow) return;
    this.#lastWindow = window;
    for (const number of this.#windows.keys()) if (number < window) this.#windows.delete(number);
    for (let number = window; number <= window + this.#ahead; number++) {
      if (this.#windows.has(number)) continue;
      this.#windows.set(number, null);
      this.#read(number);
    }
  }

  #read(number: number): void {
    const spans = this.#spansOf(number);
    const runs = new Array<Run>(spans.length);
    let left = spans.length;
    for (const [index, { firstRow, from, end }] of spans.entries()) {
      const bytes = Buffer.allocUnsafe(end - from);
      read(this.#file!, bytes, 0, bytes.length, from, (_error, count) => {
        // What was not read shows when a row is made of it.
        runs[index] = { firstRow, bytes: bytes.subarray(0, count ?? 0) };
        left--;
        if (left === 0 && this.#windows.has(number)) this.#windows.set(number, runs);
      });
    }
  }

  /** The bytes of a window's rows, those together that follow one another. */
  #spansOf(window: number): { firstRow: number; from: number; end: number }[] {
    const spans: { firstRow: number; from: number; end: number }[] = [];
    let last = -1;
    for (let ordinal = window * WINDOW; ordinal < (window + 1) * WINDOW; ordinal++) {
      const row = this.#rowOf(ordinal);
      const end = this.#offsets[row + 1]!;
      const isNext = row === last + 1 && this.#source.take !== "random" && spans.length > 0;
      if (isNext) spans.at(-1)!.end = end;
      else spans.push({ firstRow: row, from: this.#offsets[row]!, end });
      last = row;
    }
    return spans;
  }
}

/** Of its line, and the empty ones that follow. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && (text.charCodeAt(end - 1) === 10 || text.charCodeAt(end - 1) === 13)) end--;
  return end === text.length ? text : text.slice(0, end);
}
