import { quantileMs } from "../ledger/histogram.js";
import { FINE } from "../ledger/layout.js";
import type { Series } from "./answer.js";
import { Condensed } from "./condensed.js";
import type { Moment } from "./history.js";
import { LatencyGrowth } from "./latencies.js";
import { type Followed, followed, type HistoryReading } from "./series.js";
import { addSparse, type Sparse, sparseGrowth, sparseSum } from "./sparse.js";
import { jsonNumber } from "./tier.js";

/** The whole of a run in columns of one length. */
export interface TimelineAnswer {
  readonly stepSeconds: number;
  /** When each column ended, Unix seconds, and how long it was: the last one may be shorter. */
  readonly at: readonly number[];
  readonly seconds: readonly number[];
  readonly series: readonly (Series & {
    /** By column; null: not known. */
    readonly values: readonly (number | null)[];
  })[];
}

/** Up to 40 minutes in seconds; a run of a day in minutes. */
const STEPS_SECONDS = [1, 2, 10, 30];
const MOST_COLUMNS = 2_400;
/** 6 bytes each. */
const MOST_CELLS = 1_000_000;

/** A column: of each series its growth, or the sum and number of what was seen. */
interface Column {
  readonly at: number;
  readonly seconds: number;
  readonly sums: readonly number[];
  readonly known: readonly number[];
  /** Of what ended, by task; null: of all. */
  readonly ended: ReadonlyMap<string | null, Sparse>;
}

/** What a run was like from its first second to its last, in bounded memory. Has no timer and no clock of its own. */
export class Timeline {
  readonly #growth = new LatencyGrowth(true);
  /** Every series that there has been, in the order in which they came. */
  readonly #series: Followed[] = [];
  readonly #places = new Map<string, number>();
  readonly #kept = new Condensed<Column>({
    steps: STEPS_SECONDS,
    mostItems: MOST_COLUMNS,
    mostCells: MOST_CELLS,
    cellsOf: ({ ended }) => [...ended.values()].reduce((sum, { cells }) => sum + cells.length, 0),
    join,
  });
  #before: readonly number[] = [];
  /** Looks of the column that is under way. */
  #open: Column[] = [];
  #sinceMs: number;

  /** `nowMs`: when the run began, on a monotonic clock. */
  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** About once a second. */
  look(reading: HistoryReading, { nowMs, unixSeconds }: Moment): void {
    const seconds = (nowMs - this.#sinceMs) / 1000;
    this.#sinceMs = nowMs;
    const now: number[] = [];
    const sums: number[] = [];
    const known: number[] = [];
    for (const each of followed(reading)) {
      const place = this.#placeOf(each);
      if (each.kind === "quantile") continue;
      const value = each.read(reading);
      now[place] = value;
      if (each.kind === "rate") sums[place] = Math.max(0, value - (this.#before[place] ?? 0));
      else if (!Number.isNaN(value)) [sums[place], known[place]] = [value, 1];
    }
    this.#before = now;
    this.#open.push({ at: unixSeconds, seconds, sums, known, ended: this.#ended(reading) });
    const open = this.#open.reduce((sum, column) => sum + column.seconds, 0);
    if (open >= this.#kept.stepSeconds - 0.5) this.close();
  }

  /** The column that is under way is the last one. */
  close(): void {
    if (this.#open.length > 0) this.#kept.push(join(this.#open));
    this.#open = [];
  }

  answer(): TimelineAnswer {
    const columns = this.#kept.items;
    return {
      stepSeconds: this.#kept.stepSeconds,
      at: columns.map(({ at }) => Number(at.toFixed(3))),
      seconds: columns.map(({ seconds }) => Number(seconds.toFixed(3))),
      series: this.#series.map((series, place) => ({
        ...{ of: series.of, name: series.name, what: series.what },
        values: columns.map((column) => jsonNumber(measured(series, place, column))),
      })),
    };
  }

  #placeOf(series: Followed): number {
    const key = `${series.of} ${series.what} ${series.name}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.#series.push(series) - 1;
    this.#places.set(key, place);
    return place;
  }

  #ended({ ledger, subject }: HistoryReading): Column["ended"] {
    const { byTask, all } = this.#growth.look(ledger, subject);
    const sparse = (counts: Uint32Array) => sparseGrowth(NOTHING, counts, 0);
    const tasks = [...byTask].filter(([task]) => this.#places.has(`task p50 ${task}`));
    return new Map<string | null, Sparse>([
      [null, sparse(all)],
      ...tasks.map(([task, counts]) => [task, sparse(counts)] as const),
    ]);
  }
}

const NOTHING = new Float64Array(FINE.size);

function measured(series: Followed, place: number, column: Column): number {
  switch (series.kind) {
    case "rate":
      return column.seconds > 0 ? (column.sums[place] ?? Number.NaN) / column.seconds : Number.NaN;
    case "mean":
      return (column.sums[place] ?? 0) / (column.known[place] ?? 0);
    case "quantile": {
      const ended = column.ended.get(series.task);
      if (ended === undefined) return Number.NaN;
      const counts = new Float64Array(FINE.size);
      addSparse(counts, ended);
      return quantileMs(counts, series.q) / 1000;
    }
  }
}

function join(columns: readonly Column[]): Column {
  const [first] = columns;
  if (columns.length === 1) return first!;
  const places = Math.max(...columns.map(({ sums }) => sums.length));
  const keys = new Set(columns.flatMap(({ ended }) => [...ended.keys()]));
  return {
    at: columns.at(-1)!.at,
    seconds: columns.reduce((sum, { seconds }) => sum + seconds, 0),
    sums: added(columns, places, ({ sums }) => sums),
    known: added(columns, places, ({ known }) => known),
    ended: new Map(
      [...keys].map((key) => [
        key,
        sparseSum(
          columns.flatMap(({ ended }) => ended.get(key) ?? []),
          FINE.size,
        ),
      ]),
    ),
  };
}

/** By place; what no column knows stays unknown. */
function added(
  columns: readonly Column[],
  places: number,
  read: (column: Column) => readonly number[],
): number[] {
  const sums: number[] = [];
  for (const column of columns) {
    const values = read(column);
    for (let place = 0; place < places; place++) {
      const value = values[place];
      if (value !== undefined) sums[place] = (sums[place] ?? 0) + value;
    }
  }
  return sums;
}
