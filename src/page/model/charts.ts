import type { Series } from "../../history/answer.js";
import { countText, rateText, secondsText, shortSecondsText } from "./format.js";
import { columnOf, type Moments } from "./history.js";

/** A line of a chart. */
export interface Line {
  readonly label: string;
  /** Its place in the palette: a custom property of the style sheet. */
  readonly colour: Colour;
  /** Where its numbers are: their sum is drawn; null where none of them is known. */
  readonly columns: readonly number[];
  readonly isDashed?: boolean;
  readonly isFilled?: boolean;
}

export type Colour =
  | "target"
  | "achieved"
  | "bad"
  | "p50"
  | "p95"
  | "p99"
  | "flight"
  | `series-${1 | 2 | 3 | 4 | 5 | 6}`;

/** A chart: what it shows, and how its numbers are written. */
export interface Chart {
  readonly id: "rate" | "latency" | "errors" | "flight" | "queues";
  readonly title: string;
  readonly lines: readonly Line[];
  readonly isLogarithmic: boolean;
  /** There are whole numbers only. */
  readonly isCount: boolean;
  /** Each point is the mean of so long before it: what is rare would be all up and down. */
  readonly meanSeconds: number;
  readonly text: (value: number | null) => string;
  readonly axisText: (value: number) => string;
}

const MOST_LINES = 6;
const RARE_SECONDS = 10;

type Kind = Omit<Chart, "id" | "title" | "lines">;
const LINEAR = { isLogarithmic: false, isCount: false, meanSeconds: 1 };
const RATES: Kind = { ...LINEAR, text: rateText, axisText: rateText };
const COUNTS: Kind = { ...LINEAR, isCount: true, text: countText, axisText: countText };
/** What half of the tasks take and what the slowest take are decades apart. */
const TIMES: Kind = {
  ...{ ...LINEAR, isLogarithmic: true },
  ...{ text: secondsText, axisText: shortSecondsText },
};

/** The charts of all tasks, or of one. */
export function chartsOf(series: readonly Series[], task: string | null): Chart[] {
  const of = task === null ? "all" : "task";
  const name = task ?? "";
  const column = (what: Series["what"]) => columnOf(series, of, name, what);
  const line = (what: Series["what"], label: string, colour: Colour, more = {}): Line[] =>
    column(what) < 0 ? [] : [{ label, colour, columns: [column(what)], ...more }];
  const targets = columnsOf(series, "scenario", "target");
  const about = task === null ? "" : ` of ${task}`;
  return [
    {
      ...{ ...RATES, id: "rate" },
      title: task === null ? "Target and achieved" : `Rate${about}`,
      lines: [
        ...line("published", task === null ? "achieved" : "published", "achieved", {
          isFilled: true,
        }),
        ...(task === null
          ? [{ label: "target", colour: "target", columns: targets, isDashed: true } as const]
          : line("ended", "ended", "p50", { isDashed: true })),
        ...line("dropped", "dropped", "bad"),
      ],
    },
    {
      ...{ ...TIMES, id: "latency" },
      title: `Latency${about}`,
      lines: [
        ...line("p50", "p50", "p50"),
        ...line("p95", "p95", "p95"),
        ...line("p99", "p99", "p99"),
      ],
    },
    {
      ...{ ...RATES, id: "errors", meanSeconds: RARE_SECONDS },
      title: `Errors${about}, mean of ${RARE_SECONDS} s`,
      lines: task === null ? errorLines(series) : line("errors", "errors", "bad"),
    },
    {
      ...{ ...COUNTS, id: "flight" },
      title: `In flight${about}`,
      lines: line("inFlight", "in flight", "flight", { isFilled: true }),
    },
    {
      ...{ ...COUNTS, id: "queues" },
      title: "Queues",
      lines: numbered(queueNames(series), (queue) => [columnOf(series, "queue", queue, "ready")]),
    },
  ];
}

/** All of them together, and each class. */
function errorLines(series: readonly Series[]): Line[] {
  const names = series.flatMap(({ of, name }) => (of === "exception" ? [name] : []));
  const all: Line = {
    ...{ label: "all errors", colour: "bad", isFilled: true },
    columns: [columnOf(series, "all", "", "errors")],
  };
  return [all, ...numbered(names, (name) => [columnOf(series, "exception", name, "errors")])];
}

/** As many lines as can be told apart: the last one is all the rest. */
function numbered(
  names: readonly string[],
  columnsOf: (name: string) => readonly number[],
): Line[] {
  const own = names.length > MOST_LINES ? names.slice(0, MOST_LINES - 1) : names;
  const rest = names.slice(own.length);
  const lines = own.map((name) => ({ label: shortName(name, names), columns: columnsOf(name) }));
  const others = { label: `${rest.length} others`, columns: rest.flatMap(columnsOf) };
  return [...lines, ...(rest.length > 0 ? [others] : [])].map((line, index) => ({
    ...line,
    colour: `series-${(index + 1) as 1}`,
  }));
}

/** Of a queue without its connection, where that is clear. */
function shortName(name: string, names: readonly string[]): string {
  const short = name.slice(name.indexOf("/") + 1);
  const isClear = names.filter((each) => each.slice(each.indexOf("/") + 1) === short).length === 1;
  return isClear ? short : name;
}

function queueNames(series: readonly Series[]): string[] {
  return series.flatMap(({ of, name }) => (of === "queue" ? [name] : []));
}

function columnsOf(series: readonly Series[], of: Series["of"], what: Series["what"]): number[] {
  return series.flatMap((each, index) => (each.of === of && each.what === what ? [index] : []));
}

/** The numbers of a line, each the mean of those of so many seconds before it. */
export function valuesOf(line: Line, moments: Moments, meanSeconds = 1): (number | null)[] {
  const sums = sumsOf(line, moments);
  const { at } = moments;
  let first = 0;
  return sums.map((sum, row) => {
    if (sum === null) return null;
    while (at[row]! - at[first]! > meanSeconds - 0.5) first++;
    const known = sums.slice(first, row + 1).filter((each) => each !== null);
    return known.reduce((all, each) => all + each, 0) / known.length;
  });
}

function sumsOf({ columns }: Line, moments: Moments): (number | null)[] {
  const all = columns.map((column) => moments.columns[column]!);
  return moments.at.map((_, row) => {
    const known = all.map((each) => each[row]!).filter((each) => each !== null);
    return known.length === 0 ? null : known.reduce((sum, each) => sum + each, 0);
  });
}

/** The last number of a line that is known, null when none is. */
export function newestOf(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

/** From when to when. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Where this daemon was the bottleneck, so that what is drawn is not the workers' doing. */
export function saturatedIn(series: readonly Series[], { at, columns }: Moments): Stretch[] {
  const saturated = columns[columnOf(series, "all", "", "saturated")] ?? [];
  const stretches: Stretch[] = [];
  let from: number | null = null;
  for (const [row, time] of at.entries()) {
    const isSaturated = (saturated[row] ?? 0) > 0;
    if (isSaturated) from ??= at[row - 1] ?? time;
    else if (from !== null) {
      stretches.push({ from, to: at[row - 1]! });
      from = null;
    }
  }
  if (from !== null) stretches.push({ from, to: at.at(-1)! });
  return stretches;
}
