import { quantileMs } from "../ledger/histogram.js";
import { FINE } from "../ledger/layout.js";
import type { Effect, HistoryAnswer, Mark, Recent, Sample } from "./answer.js";
import { add, LatencyGrowth } from "./latencies.js";
import { type Followed, followed, type HistoryReading } from "./series.js";
import { jsonNumber, type Look, type Resolution, Tier } from "./tier.js";

/** Ten minutes to the second, two hours, two days: together below 10 MiB with 50 tasks. */
const RESOLUTIONS: readonly Resolution[] = [
  { stepSeconds: 1, rows: 600 },
  { stepSeconds: 10, rows: 720 },
  { stepSeconds: 120, rows: 1_440 },
];
const MOST_MARKS = 500;
/** How long before and after a change is compared. */
const EFFECT_SECONDS = 60;
/** A minute that was saturated for longer cannot be compared: as of verdicts, where so much may be excluded. */
const MOST_SATURATED_RATIO = 0.05;
/** What people read as now: long enough to be calm. */
const RECENT_SECONDS = 10;

/** A moment on both clocks: of a monotonic one, and Unix time in seconds. */
export interface Moment {
  readonly nowMs: number;
  readonly unixSeconds: number;
}

/** What was told, before it has a number. */
export type Told = Pick<Mark, "type" | "text" | "details">;

/** One of the two minutes of an effect. */
interface Minute {
  readonly p95Seconds: number;
  readonly queued: number;
  readonly saturated: number;
}

/**
 * What a run was like, second by second and back to two days, in rings of a fixed size: has no timer and no clock of
 * its own, and forgets with the process.
 */
export class History {
  readonly #growth = new LatencyGrowth();
  #layout = 0;
  #followed: readonly Followed[] = [];
  #tiers: readonly Tier[] = [];
  /** Latencies of all that ended in each of the last seconds. */
  #seconds: Uint32Array[] = [];
  readonly #marks: Mark[] = [];
  #newestMark = 0;
  #awaited: { readonly number: number; readonly dueMs: number; readonly before: Minute }[] = [];

  /** About once a second. Returns the moments that are complete with it, the finest first. */
  look(reading: HistoryReading, { nowMs, unixSeconds }: Moment): Sample[] {
    const ended = this.#growth.look(reading.ledger, reading.subject);
    this.#seconds = [...this.#seconds, ended.all].slice(-EFFECT_SECONDS);
    const lookOf = (series: readonly Followed[]): Look => ({
      ...{ nowMs, unixSeconds, ended },
      values: series.map((each) => (each.kind === "quantile" ? Number.NaN : each.read(reading))),
    });
    const series = followed(reading);
    if (!isSame(series, this.#followed)) {
      const last = this.#tiers.length === 0 ? [] : this.#samples(lookOf(this.#followed));
      this.#relay(series, lookOf(series));
      return last;
    }
    // A plan that took over counts in other places under the same names.
    this.#followed = series;
    return this.#samples(lookOf(series));
  }

  /** Keeps what was told, to be drawn beside the numbers. */
  mark(told: Told, { nowMs, unixSeconds }: Moment): Mark {
    const mark: Mark = { ...told, number: ++this.#newestMark, at: unixSeconds, effect: null };
    this.#marks.push(mark);
    if (this.#marks.length > MOST_MARKS) this.#marks.shift();
    if (told.type === "change") {
      const dueMs = nowMs + EFFECT_SECONDS * 1000;
      this.#awaited.push({ number: mark.number, dueMs, before: this.#lastMinute() });
    }
    return mark;
  }

  /** Changes whose first minute is over, with what came of them; each once. */
  effects(nowMs: number): Mark[] {
    const due = this.#awaited.filter(({ dueMs }) => dueMs <= nowMs);
    if (due.length === 0) return [];
    this.#awaited = this.#awaited.filter(({ dueMs }) => dueMs > nowMs);
    const after = this.#lastMinute();
    return due.flatMap(({ number, before }) => {
      const index = this.#marks.findIndex((mark) => mark.number === number);
      if (index < 0) return [];
      const mark = { ...this.#marks[index]!, effect: effectOf(before, after) };
      this.#marks[index] = mark;
      return [mark];
    });
  }

  answer(): HistoryAnswer {
    return {
      layout: this.#layout,
      series: this.#followed.map(({ of, name, what }) => ({ of, name, what })),
      tiers: this.#tiers.map((tier) => tier.answer()),
      marks: this.#marks,
    };
  }

  recent(): Recent {
    const counts = this.#endedIn(RECENT_SECONDS);
    const rate = (what: string) => {
      const column = this.#followed.findIndex((each) => each.of === "all" && each.what === what);
      return jsonNumber(this.#tiers[0]?.recentMean(column, RECENT_SECONDS) ?? Number.NaN);
    };
    const quantile = (q: number) => jsonNumber(quantileMs(counts, q) / 1000);
    return {
      published: rate("published"),
      ended: rate("ended"),
      errors: rate("errors"),
      dropped: rate("dropped"),
      p50: quantile(0.5),
      p95: quantile(0.95),
      p99: quantile(0.99),
    };
  }

  /** What the rings and tables take. */
  get bytes(): number {
    const tables = this.#seconds.length + new Set(this.#followed.map(({ name }) => name)).size * 2;
    return this.#tiers.reduce((sum, tier) => sum + tier.bytes, tables * FINE.size * 4);
  }

  #samples(look: Look): Sample[] {
    return this.#tiers.flatMap((tier) => {
      const row = tier.look(look);
      if (row === null) return [];
      const { stepSeconds } = tier;
      const at = Number(look.unixSeconds.toFixed(3));
      return [{ layout: this.#layout, stepSeconds, at, values: Array.from(row, jsonNumber) }];
    });
  }

  /** Other series from now on: a task, a queue or an exception class came or went. */
  #relay(series: readonly Followed[], first: Look): void {
    const keys = new Map(this.#followed.map((each, column) => [keyOf(each), column]));
    const columns = series.map((each) => keys.get(keyOf(each)) ?? -1);
    this.#tiers = RESOLUTIONS.map((resolution, index) => {
      const tier = new Tier(resolution, series, first);
      const old = this.#tiers[index];
      if (old !== undefined) tier.takeOver(old, columns);
      return tier;
    });
    this.#followed = series;
    this.#layout++;
  }

  /** Counts by latency of what ended in the last seconds. */
  #endedIn(seconds: number): Float64Array {
    const counts = new Float64Array(FINE.size);
    for (const second of this.#seconds.slice(-seconds)) add(counts, second);
    return counts;
  }

  #lastMinute(): Minute {
    const [finest] = this.#tiers;
    const mean = (isWanted: (each: Followed) => boolean) => {
      const columns = this.#followed.flatMap((each, column) => (isWanted(each) ? [column] : []));
      const means = columns.map((column) => finest?.recentMean(column, EFFECT_SECONDS) ?? NaN);
      return means.length === 0 ? Number.NaN : means.reduce((sum, each) => sum + each, 0);
    };
    return {
      p95Seconds: quantileMs(this.#endedIn(EFFECT_SECONDS), 0.95) / 1000,
      queued: mean(({ of }) => of === "queue"),
      saturated: mean(({ what }) => what === "saturated"),
    };
  }
}

function effectOf(before: Minute, after: Minute): Effect {
  const pair = (of: "p95Seconds" | "queued") => ({
    before: jsonNumber(before[of]),
    after: jsonNumber(after[of]),
  });
  return {
    p95Seconds: pair("p95Seconds"),
    queued: pair("queued"),
    isSaturated: Math.max(before.saturated, after.saturated) > MOST_SATURATED_RATIO,
  };
}

function isSame(a: readonly Followed[], b: readonly Followed[]): boolean {
  return a.length === b.length && a.every((each, index) => keyOf(each) === keyOf(b[index]!));
}

function keyOf({ of, name, what }: Followed): string {
  return `${of} ${what} ${name}`;
}
