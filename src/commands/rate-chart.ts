import type { Profile } from "../plan/profile.js";
import { rateText } from "../plan/stage-name.js";

/** What of a profile is drawn, and into how much room. */
export interface RateChart {
  readonly profile: Profile;
  /** From 0 to here, in elapsed milliseconds; above 0. */
  readonly untilMs: number;
  /** The highest rate in that time, in starts a second. */
  readonly peakPerSecond: number;
  /** Characters in a line. */
  readonly width: number;
  /** What stands below the axis at a time. */
  readonly timeText: (elapsedMs: number) => string;
}

/**
 * Draws a rate over time, ten lines high. Each column is the mean rate over its share of the time,
 * so that the area is the number of starts and nothing short is overlooked.
 */
export function drawRate({
  profile,
  untilMs,
  peakPerSecond,
  width,
  ...chart
}: RateChart): string[] {
  const topPerSecond = roundAbove(peakPerSecond);
  const labels = Array.from({ length: ROWS }, (_, row) => {
    const isLabelled = row % 2 === 0;
    return isLabelled ? rateText((topPerSecond * (ROWS - row)) / ROWS) : "";
  });
  const labelWidth = Math.max(...labels.map((label) => label.length));
  const columns = Math.max(MIN_COLUMNS, width - labelWidth - 2);
  const heights = columnHeights(profile, untilMs, topPerSecond, columns);
  const rows = labels.map((label, row) => {
    const line = heights.map((height) => block(height - (ROWS - 1 - row) * EIGHTHS)).join("");
    return `${label.padStart(labelWidth)} ${label === "" ? "│" : "┤"}${line}`.trimEnd();
  });
  return [...rows, ...timeAxis(untilMs, columns, labelWidth, chart.timeText)];
}

/** A time as people say it: `2m30s`, `1h`, `7.5s`, `250ms`. Exact to the millisecond. */
export function timeText(elapsedMs: number): string {
  let leftMs = Math.round(elapsedMs);
  if (leftMs < 1000) return leftMs === 0 ? "0s" : `${leftMs}ms`;
  let text = "";
  for (const [unit, unitMs] of LONG_UNITS) {
    const count = Math.floor(leftMs / unitMs);
    if (count > 0) text += `${count}${unit}`;
    leftMs -= count * unitMs;
  }
  return leftMs > 0 ? `${text}${leftMs / 1000}s` : text;
}

const LONG_UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
] as const;

const TEN_MINUTES_MS = 600_000;

const ROWS = 8;
const EIGHTHS = 8;
const MIN_COLUMNS = 16;
const BLOCKS = " ▁▂▃▄▅▆▇█";

/** The part of a column that lies in one row: from nothing to a full block. */
function block(eighths: number): string {
  return BLOCKS[Math.min(Math.max(eighths, 0), EIGHTHS)]!;
}

function columnHeights(
  profile: Profile,
  untilMs: number,
  topPerSecond: number,
  columns: number,
): number[] {
  return Array.from({ length: columns }, (_, column) => {
    const fromMs = (untilMs * column) / columns;
    const toMs = (untilMs * (column + 1)) / columns;
    const starts = profile.startsBy(toMs) - profile.startsBy(fromMs);
    const ratePerSecond = (starts / (toMs - fromMs)) * 1000;
    const height = Math.round((ratePerSecond / topPerSecond) * ROWS * EIGHTHS);
    // A rate that is not 0 must not look like 0.
    return starts > 0 ? Math.max(1, height) : 0;
  });
}

/** The axis with a mark for each quarter, and the times below. */
function timeAxis(
  untilMs: number,
  columns: number,
  labelWidth: number,
  textOf: RateChart["timeText"],
): string[] {
  const marks = [0, 1, 2, 3, 4].map((quarter) => Math.round(((columns - 1) * quarter) / 4));
  const axis = Array.from({ length: columns }, (_, column) => (marks.includes(column) ? "┬" : "─"));
  // Fractions of a second say nothing on an axis of minutes.
  const precisionMs = untilMs < TEN_MINUTES_MS ? 1 : 1000;
  let times = "";
  for (const [quarter, mark] of marks.entries()) {
    const text = textOf(Math.round((untilMs * quarter) / 4 / precisionMs) * precisionMs);
    const isLast = quarter === marks.length - 1;
    const start = isLast ? columns - text.length : mark;
    const hasRoom = quarter === 0 || start > times.length;
    const leavesRoom = isLast || start + text.length < columns - textOf(untilMs).length;
    if (hasRoom && leavesRoom) times = times.padEnd(start) + text;
  }
  return [
    `${"0/s".padStart(labelWidth)} ┼${axis.join("")}`,
    `${" ".repeat(labelWidth + 2)}${times}`,
  ];
}

const ROUND_NUMBERS = [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10];

/** The least round number that is not below the peak, so that the labels are short. */
function roundAbove(peakPerSecond: number): number {
  if (peakPerSecond === 0) return 1;
  const magnitude = 10 ** Math.floor(Math.log10(peakPerSecond));
  return ROUND_NUMBERS.map((round) => round * magnitude).find((round) => round >= peakPerSecond)!;
}
