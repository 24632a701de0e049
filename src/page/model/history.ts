import type { HistoryAnswer, Mark, Sample, Series } from "../../history/answer.js";

/** Numbers over time, the oldest first, as charts and tables take them: null is a gap. */
export interface Moments {
  readonly at: readonly number[];
  /** By series. */
  readonly columns: readonly (readonly (number | null)[])[];
}

interface Tier {
  readonly stepSeconds: number;
  /** As many moments as the daemon keeps. */
  readonly most: number;
  at: number[];
  columns: (number | null)[][];
}

/** The same rings as in the daemon, so that a page that stays open for weeks holds no more than a new one. */
const MOST_ROWS: Readonly<Record<number, number>> = { 1: 600, 10: 720, 120: 1_440 };
const MOST_MARKS = 500;
/** More points than pixels say nothing. */
const MOST_POINTS = 1_500;

/** What the page knows of the past: what the daemon had when it was opened, and each moment since. */
export class PageHistory {
  readonly layout: number;
  readonly series: readonly Series[];
  readonly #tiers: readonly Tier[];
  #marks: readonly Mark[];

  constructor({ layout, series, tiers, marks }: HistoryAnswer) {
    this.layout = layout;
    this.series = series;
    this.#marks = marks;
    this.#tiers = tiers.map(({ stepSeconds, at, columns }) => ({
      stepSeconds,
      most: MOST_ROWS[stepSeconds] ?? at.length,
      at: [...at],
      columns: columns.map((column) => [...column]),
    }));
  }

  /** The oldest first. */
  get marks(): readonly Mark[] {
    return this.#marks;
  }

  /** Adds a moment; false: it is of another layout, and all has to be read again. */
  add({ layout, stepSeconds, at, values }: Sample): boolean {
    if (layout !== this.layout) return false;
    const tier = this.#tiers.find((each) => each.stepSeconds === stepSeconds);
    if (tier === undefined || at <= (tier.at.at(-1) ?? 0)) return true;
    tier.at.push(at);
    for (const [index, column] of tier.columns.entries()) column.push(values[index] ?? null);
    if (tier.at.length > tier.most) {
      tier.at.shift();
      for (const column of tier.columns) column.shift();
    }
    return true;
  }

  /** Adds a mark, or puts it in the place of what it was before. */
  mark(mark: Mark): void {
    const others = this.#marks.filter(({ number }) => number !== mark.number);
    this.#marks = [...others, mark].sort((a, b) => a.number - b.number).slice(-MOST_MARKS);
  }

  /** When the newest moment was. */
  get newestAt(): number | null {
    return this.#tiers[0]?.at.at(-1) ?? null;
  }

  get oldestAt(): number | null {
    const first = this.#tiers.flatMap(({ at }) => at.slice(0, 1));
    return first.length === 0 ? null : Math.min(...first);
  }

  /** The newest moment of about ten seconds, by series; of one second as long as there is none. */
  get recent(): readonly (number | null)[] {
    const tier = this.#tiers.find(({ at, stepSeconds }) => stepSeconds === 10 && at.length > 0);
    return (tier ?? this.#tiers[0])?.columns.map((column) => column.at(-1) ?? null) ?? [];
  }

  /** Mean of a column over its newest seconds; null: none of them is known. */
  mean(column: number, seconds: number): number | null {
    const values = this.#tiers[0]?.columns[column]?.slice(-seconds) ?? [];
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, each) => sum + each, 0) / known.length;
  }

  /**
   * What there is of a time, at one resolution: the finest that reaches back so far; what has not made a moment of
   * that yet comes from the finer ones. Where moments are missing a null stands between their neighbours.
   */
  moments(from: number, to: number): Moments {
    const chosen = this.#tierFor(from, to);
    const at: number[] = [];
    const columns: (number | null)[][] = this.series.map(() => []);
    const push = (time: number, values: (column: number) => number | null) => {
      at.push(time);
      for (const [index, column] of columns.entries()) column.push(values(index));
    };
    for (let index = chosen; index >= 0; index--) {
      const tier = this.#tiers[index]!;
      for (let row = 0; row < tier.at.length; row++) {
        const time = tier.at[row]!;
        const last = at.at(-1);
        if (time < from || time > to || (last !== undefined && time <= last)) continue;
        if (last !== undefined && time - last > 1.5 * tier.stepSeconds + 0.5) {
          push((last + time) / 2, () => null);
        }
        push(time, (column) => tier.columns[column]![row]!);
      }
    }
    return { at, columns };
  }

  #tierFor(from: number, to: number): number {
    const last = this.#tiers.length - 1;
    for (const [index, { at, most, stepSeconds }] of this.#tiers.entries()) {
      const reachesBack = at.length < most || (at[0] ?? 0) <= from;
      if (index === last || (reachesBack && (to - from) / stepSeconds <= MOST_POINTS)) {
        return index;
      }
    }
    return last;
  }
}

/** The column of a series, -1 when there is none. */
export function columnOf(
  series: readonly Series[],
  of: Series["of"],
  name: string,
  what: Series["what"],
): number {
  return series.findIndex((each) => each.of === of && each.name === name && each.what === what);
}
