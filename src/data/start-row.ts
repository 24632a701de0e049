import { isMapping } from "../mapping.js";
import { csvCells } from "./csv.js";
import type { DataFormat } from "./data-source.js";
import type { StartRow } from "./recording.js";

/** What each column may be called. */
const COLUMNS = {
  time: ["time", "t", "timestamp"],
  task: ["task", "name"],
  queue: ["queue"],
  priority: ["priority"],
  count: ["count"],
} as const;
type Column = keyof typeof COLUMNS;
const NAMES = Object.keys(COLUMNS) as Column[];

const TIME_REMEDY =
  "Write seconds, a Unix time, or a date and time such as 2026-11-30T12:00:00.250Z";

/**
 * Reads the rows of a file of starts one after another; what it does not know it leaves alone, as the line of a log has
 * more than that. Pure.
 */
export class StartRows {
  readonly #format: DataFormat;
  /** Of CSV: where each column stands; null: the first line has not been read. */
  #places: Partial<Record<Column, number>> | null = null;
  #cells = 0;

  constructor(format: DataFormat) {
    this.#format = format;
  }

  /**
   * @returns null for the line that names the columns
   * @throws {Error} that says what is wrong with the row, and what to do
   */
  read(text: string): StartRow | null {
    if (this.#format === "lines") return startOf({ time: text.trim() });
    if (this.#format === "jsonl") return startOf(columnsOf(text));
    const cells = csvCells(text);
    if (cells === undefined) throw new Error("has a quote inside of a cell");
    if (this.#places === null) {
      this.#places = placesOf(cells);
      this.#cells = cells.length;
      return null;
    }
    if (cells.length !== this.#cells) {
      throw new Error(`has ${cells.length} cells, and the first line names ${this.#cells} columns`);
    }
    const places = Object.entries(this.#places);
    return startOf(Object.fromEntries(places.map(([name, place]) => [name, cells[place]])));
  }
}

function placesOf(header: readonly string[]): Partial<Record<Column, number>> {
  const names = header.map((name) => name.trim().toLowerCase());
  const places: Partial<Record<Column, number>> = {};
  for (const column of NAMES) {
    const place = names.findIndex((name) => (COLUMNS[column] as readonly string[]).includes(name));
    if (place >= 0) places[column] = place;
  }
  if (places.time !== undefined) return places;
  throw new Error("names no column time. Put the names of the columns into the first line");
}

function columnsOf(text: string): Partial<Record<Column, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("is no JSON. Write one mapping on each line");
  }
  if (!isMapping(value)) throw new Error('is no mapping. Write it like {"time": 12.5}');
  const columns: Partial<Record<Column, unknown>> = {};
  for (const column of NAMES) {
    const name = COLUMNS[column].find((each) => Object.hasOwn(value, each));
    if (name !== undefined) columns[column] = value[name];
  }
  return columns;
}

function startOf(columns: Partial<Record<Column, unknown>>): StartRow {
  return {
    timeMs: timeOf(columns.time),
    task: textOf(columns.task, "task"),
    queue: textOf(columns.queue, "queue"),
    priority: numberOf(columns.priority, "priority", 255),
    count: numberOf(columns.count, "count", 1_000_000_000),
  };
}

function isMissing(value: unknown): value is undefined | null | "" {
  return value === undefined || value === null || value === "";
}

function textOf(value: unknown, column: Column): string | null {
  if (isMissing(value)) return null;
  if (typeof value === "string") return value;
  throw new Error(`has ${JSON.stringify(value)} as its ${column}, which must be text`);
}

function numberOf(value: unknown, column: Column, most: number): number | null {
  if (isMissing(value)) return null;
  const number = typeof value === "string" && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
  if (Number.isInteger(number) && Number(number) >= 0 && Number(number) <= most) {
    return Number(number);
  }
  throw new Error(
    `has ${JSON.stringify(value)} as its ${column}, which must be a whole number from 0 to ${most}`,
  );
}

/** Unix times are told by their size: in seconds they have ten digits for the next 250 years. */
const UNITS_MS = [
  [1e17, 1e-6],
  [1e14, 1e-3],
  [1e11, 1],
  [0, 1_000],
] as const;

/** Milliseconds. */
function timeOf(value: unknown): number {
  if (isMissing(value)) throw new Error(`has no time. ${TIME_REMEDY}`);
  const number = typeof value === "string" ? numberIn(value) : value;
  if (typeof number === "number" && Number.isFinite(number) && number >= 0) {
    const [, unitMs] = UNITS_MS.find(([from]) => number >= from)!;
    return number * unitMs;
  }
  const timeMs = typeof value === "string" ? dateTimeMs(value) : Number.NaN;
  if (Number.isFinite(timeMs)) return timeMs;
  throw new Error(`has ${JSON.stringify(value).slice(0, 60)} as its time. ${TIME_REMEDY}`);
}

function numberIn(text: string): number {
  return /^\s*\d+(?:\.\d+)?(?:e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : Number.NaN;
}

/** RFC 3339, or as Python's logging writes it; without an offset it is UTC. Finer than a millisecond. */
const DATE_TIME =
  /^\s*(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?\s*(Z|[+-]\d{2}:?\d{2})?\s*$/i;

function dateTimeMs(text: string): number {
  const [, date, time, fraction = "", offset = "Z"] = DATE_TIME.exec(text) ?? [];
  if (date === undefined) return Number.NaN;
  const zone = /^z$/i.test(offset) ? "Z" : offset.replace(/^(.\d{2}):?/, "$1:");
  return Date.parse(`${date}T${time}${zone}`) + Number(`0.${fraction || 0}`) * 1_000;
}
