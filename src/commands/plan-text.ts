import {
  type Config,
  isWorkflow,
  type ScenarioConfig,
  type TaskConfig,
  type WorkflowConfig,
} from "../config/schema.js";
import { startsAt } from "../plan/arrival.js";
import { clockText, type LocalDay, localDate, localDay } from "../plan/clock/local-day.js";
import { type Windows, withinWindows } from "../plan/clock/windows.js";
import { countShares } from "../plan/mix.js";
import {
  createProfile,
  hasRate,
  isFed,
  type Profile,
  type RatedSpec,
  recordedKinds,
} from "../plan/profile.js";
import { mostUsers, type UsersSpec, userNumbers } from "../plan/profiles/users.js";
import { durationText, rateText } from "../plan/stage-name.js";
import { padEnd, shortened, widthOf, wrappedText } from "../terminal/text.js";
import { type EndOfRows, endOfRows } from "./end-of-rows.js";
import { drawRate, timeText } from "./rate-chart.js";

export interface PlanTextOptions {
  readonly config: Config;
  /** `--for`: when the run ends by itself; null when it does not. */
  readonly forMs: number | null;
  /** `--on`: the day that is drawn of what follows a zone, its midnight as if it were in UTC; null: today. */
  readonly on: number | null;
  readonly nowUnixMs: number;
  /** How many rows there are of each data that gives each row once. */
  readonly rowsOf: ReadonlyMap<string, number>;
  /** Characters in a line of the drawing. */
  readonly width: number;
  /** In which the text is wrapped. */
  readonly columns: number;
}

/**
 * Shows what a configuration would send before anything is sent: for each scenario the rate over
 * time, its stages, and the totals. Pure.
 */
export function planText(options: PlanTextOptions): string {
  const sections = Object.entries(options.config.scenarios).map(([name, scenario]) =>
    sectionOf(name, scenario, options),
  );
  const lines = sections.flatMap(({ lines }) => [...lines, ""]);
  return wrappedText([...lines, ...summaryOf(sections)].join("\n"), options.columns);
}

/** The text about one scenario, and its mean and highest rates of starts (null: it has none). */
interface Section {
  readonly lines: readonly string[];
  readonly rates: Rates | null;
}

interface Rates {
  readonly meanPerSecond: number;
  readonly peakPerSecond: number;
  /** Messages of a start on the average. */
  readonly perStart: Messages;
}

/** Messages of a start: one for each of its tasks. */
interface Messages {
  readonly all: number;
  /** Those that the daemon itself publishes; workers send what follows in a workflow. */
  readonly own: number;
}

function sectionOf(name: string, scenario: ScenarioConfig, options: PlanTextOptions): Section {
  const { config, forMs, width, columns } = options;
  const { profile: spec } = scenario;
  const end = endOfRows(scenario, config, options.rowsOf);
  if (!hasRate(spec)) {
    const lines =
      spec.kind === "max" ? maxLines(name, scenario, end) : usersLines(name, spec, scenario, end);
    return { lines, rates: null };
  }
  const shape = createProfile(spec);
  if (isFed(spec)) return { lines: fedLines(name, shape, scenario, end), rates: null };
  const { windows } = scenario;
  const day = dayOf(shape, windows, options);
  const beginUnixMs = day?.fromUnixMs ?? options.nowUnixMs;
  const base = shape.since(beginUnixMs);
  const profile =
    windows === null ? base : { ...base, ...withinWindows(base, windows, beginUnixMs) };
  const activeMs = Math.min(
    profile.endMs,
    end === null ? Infinity : profile.timeOf(end.starts),
    scenario.durationMs ?? Infinity,
    forMs === null ? Infinity : Math.max(0, forMs - scenario.startAfterMs),
  );
  if (activeMs === 0) return { lines: neverActive(name, scenario, forMs), rates: null };
  const span = day === null ? spanOf(profile, activeMs) : spanOfDay(day);
  const starts = startsAt(wholeStarts(profile.startsBy(span.totalMs)), scenario.arrival);
  const peakPerSecond = day === null ? profile.peakBy(span.totalMs) : peakOfDay(profile, day);
  const meanPerSecond = (profile.startsBy(span.totalMs) / span.totalMs) * 1000;
  const rates = { meanPerSecond, peakPerSecond, perStart: messagesPerStart(scenario, config) };
  const lines = [
    `${name}: ${profile.title}, ${arrivals(scenario)}`,
    ...indented([
      ...recordedRows(spec),
      ...delays(scenario),
      ...lastRow(end),
      `drawn: ${span.sentence}`,
    ]),
    "",
    ...indented(
      drawRate({
        ...{ profile, untilMs: span.drawnMs, peakPerSecond, width: width - INDENT.length },
        timeText: day === null ? timeText : (ms) => clockText(day.zone, day.fromUnixMs + ms),
      }),
    ),
    "",
    ...(day === null ? [...indented(stageTable(profile, span.totalMs)), ""] : []),
    ...indented([
      ...startsTable(scenario, config, starts, span.totalMs, columns),
      `rate: mean ${meanText(meanPerSecond)}, peak ${meanText(peakPerSecond)}`,
      ...hourly([rates]),
    ]),
  ];
  return { lines, rates };
}

/** Starts and messages are the same number until there is a workflow. */
function hourly(rates: readonly Rates[]): string[] {
  const sumOf = (count: (rates: Rates) => number) =>
    rates.reduce((sum, each) => sum + each.meanPerSecond * count(each), 0) * 3600;
  const starts = sumOf(() => 1);
  const all = sumOf(({ perStart }) => perStart.all);
  const own = sumOf(({ perStart }) => perStart.own);
  if (all === starts) return [`messages an hour: ${grouped(all)}`];
  const parts =
    own === all ? "" : `: ${grouped(own)} from here, ${grouped(all - own)} from workers`;
  return [
    `starts an hour: ${grouped(starts)}`,
    `messages an hour: ${grouped(all)}, one for each task${parts}`,
  ];
}

/** On the average, as the mix has it. */
function messagesPerStart({ mix }: ScenarioConfig, config: Config): Messages {
  const weights = Object.values(mix).reduce((sum, weight) => sum + weight, 0);
  const mean = (count: (messages: Messages) => number) =>
    Object.entries(mix).reduce(
      (sum, [key, weight]) => sum + count(messagesOf(config.tasks[key]!)) * weight,
      0,
    ) / weights;
  return { all: mean(({ all }) => all), own: mean(({ own }) => own) };
}

function messagesOf(entry: TaskConfig | WorkflowConfig): Messages {
  if (!isWorkflow(entry)) return { all: 1 + entry.link.length, own: 1 };
  return { all: entry.stages.flat().length, own: entry.stages[0]!.length };
}

function usersLines(
  name: string,
  spec: UsersSpec,
  scenario: ScenarioConfig,
  end: EndOfRows | null,
): string[] {
  const { stages, title } = userNumbers(spec);
  const { waitMs, maxPerSecond, spawnPerSecond } = spec;
  const wait =
    waitMs.least === waitMs.most
      ? durationText(waitMs.least)
      : `${durationText(waitMs.least)} to ${durationText(waitMs.most)}`;
  const limit = maxPerSecond === null ? "" : `, all together at most ${rateText(maxPerSecond)}`;
  const spawn = spawnPerSecond === null ? "" : `; they come at ${rateText(spawnPerSecond)}`;
  const most = mostStarts(spec);
  return [
    `${name}: ${title}, a closed loop`,
    ...indented([
      ...delays(scenario),
      ...(stages.length === 1 ? [] : stages.map((stage, index) => `${index + 1}: ${stage.name}`)),
      `each user starts a task, waits for its end, then for ${wait}, and starts the next${limit}${spawn}`,
      `no rate of its own: the workers decide how many they start${most}`,
      ...lastRow(end),
    ]),
  ];
}

/** With workers that take no time. */
function mostStarts(spec: UsersSpec): string {
  const meanMs = (spec.waitMs.least + spec.waitMs.most) / 2;
  const perSecond = Math.min(
    meanMs === 0 ? Infinity : (mostUsers(spec) * 1000) / meanMs,
    spec.maxPerSecond ?? Infinity,
  );
  return perSecond === Infinity ? "" : `, ${meanText(perSecond)} if tasks took no time`;
}

function maxLines(name: string, { maxInFlight }: ScenarioConfig, end: EndOfRows | null): string[] {
  return [
    `${name}: max, a closed loop`,
    ...indented([
      `no rate of its own: it keeps ${grouped(maxInFlight)} tasks in flight and starts the next when one ends,`,
      "so that the workers decide how many it starts, and there is nothing to draw",
      ...lastRow(end),
    ]),
  ];
}

function fedLines(
  name: string,
  { title, peakBy }: Profile,
  scenario: ScenarioConfig,
  end: EndOfRows | null,
): string[] {
  return [
    `${name}: ${title}`,
    ...indented([
      ...delays(scenario),
      `its rate follows what is observed, up to ${rateText(peakBy(Infinity))}, and there is nothing to draw`,
      ...lastRow(end),
    ]),
  ];
}

function neverActive(
  name: string,
  { startAfterMs }: ScenarioConfig,
  forMs: number | null,
): string[] {
  const isLate = forMs !== null && startAfterMs >= forMs;
  const reason = isLate
    ? `it starts after ${timeText(startAfterMs)} and the run ends after ${timeText(forMs)}`
    : "it lasts 0s";
  return [`${name}: starts nothing, as ${reason}`];
}

/** How much of a scenario is drawn, how much is counted, and a sentence that says which. */
interface Span {
  readonly drawnMs: number;
  readonly totalMs: number;
  readonly sentence: string;
}

/** With more cycles than this in one drawing, the steps are too narrow to be seen. */
const MOST_CYCLES_DRAWN = 8;
const HOUR_MS = 3_600_000;

function spanOf({ cycleMs, endMs }: Profile, activeMs: number): Span {
  if (cycleMs < Infinity) {
    const cycle = `the first cycle of ${timeText(cycleMs)}`;
    if (activeMs === Infinity) {
      return {
        drawnMs: cycleMs,
        totalMs: cycleMs,
        sentence: `${cycle}; it repeats until it is stopped`,
      };
    }
    if (activeMs > MOST_CYCLES_DRAWN * cycleMs) {
      return {
        drawnMs: cycleMs,
        totalMs: activeMs,
        sentence: `${cycle}; it repeats for ${timeText(activeMs)}`,
      };
    }
  }
  if (activeMs === Infinity) {
    return { drawnMs: HOUR_MS, totalMs: HOUR_MS, sentence: "the first hour; it has no end" };
  }
  const isCut = activeMs < endMs && endMs < Infinity;
  const part = isCut ? `${timeText(activeMs)} of ${timeText(endMs)}` : timeText(activeMs);
  return {
    drawnMs: activeMs,
    totalMs: activeMs,
    sentence: isCut ? `the part that is run, ${part}` : `all of it, ${part}`,
  };
}

/** A day that is drawn, of a profile that follows the clocks of a zone. */
interface DrawnDay extends LocalDay {
  readonly zone: string;
  readonly date: string;
}

/** null: the profile follows the plan's own time. What goes on at one rate, within windows, is drawn as a day as well. */
function dayOf(
  { zone: own, stages }: Profile,
  windows: Windows | null,
  { on, nowUnixMs }: PlanTextOptions,
): DrawnDay | null {
  const isEndless = stages[0]!.durationMs === Infinity;
  const zone = own ?? (isEndless ? (windows?.zone ?? null) : null);
  if (zone === null) return null;
  const date = on ?? localDate(zone, nowUnixMs);
  return { ...localDay(zone, date), zone, date: new Date(date).toISOString().slice(0, 10) };
}

function spanOfDay({ date, zone, fromUnixMs, untilUnixMs }: DrawnDay): Span {
  const lengthMs = untilUnixMs - fromUnixMs;
  const isUsual = lengthMs === 24 * HOUR_MS;
  const length = isUsual ? "" : `, a day of ${lengthMs / HOUR_MS}h as the clocks are changed`;
  const sentence = `${date} by the clocks of ${zone}${length}`;
  return { drawnMs: lengthMs, totalMs: lengthMs, sentence };
}

const MINUTE_MS = 60_000;

/** Rates of a zone have their peaks at times that people write. */
function peakOfDay(profile: Profile, { fromUnixMs, untilUnixMs }: DrawnDay): number {
  let peakPerSecond = 0;
  for (let ms = 0; ms < untilUnixMs - fromUnixMs; ms += MINUTE_MS) {
    peakPerSecond = Math.max(peakPerSecond, profile.rateAt(ms));
  }
  return peakPerSecond;
}

function delays({ startAfterMs, warmupMs, windows }: ScenarioConfig): string[] {
  const lines: string[] = [];
  if (windows !== null) {
    lines.push(`starts come within its windows only, by the clocks of ${windows.zone}`);
  }
  if (startAfterMs > 0) lines.push(`starts after ${timeText(startAfterMs)}; times below from then`);
  if (warmupMs > 0) {
    lines.push(`warm-up: ${timeText(warmupMs)}, counted but not in the latency histograms`);
  }
  return lines;
}

/** What became of the rows of a replay's file. */
function recordedRows(spec: RatedSpec): string[] {
  if (spec.kind !== "replay" || spec.recording === null) return [];
  const { used, skipped, outOfOrder, skippedTasks } = spec.recording.rows;
  const names = skippedTasks.join(", ");
  const parts = [
    `${grouped(used)} rows of ${spec.file}${spec.speed === 1 ? "" : `, ${spec.speed} times as fast`}`,
    ...(outOfOrder === 0 ? [] : [`${grouped(outOfOrder)} of them put in order`]),
    ...(skipped === 0
      ? []
      : [`${grouped(skipped)} more left out, of tasks not in the mix: ${names}`]),
  ];
  return [parts.join("; ")];
}

function lastRow(end: EndOfRows | null): string[] {
  if (end === null) return [];
  const { data, rows, starts } = end;
  return [
    `ends with the last of ${grouped(rows)} rows of ${data}, after ${grouped(starts)} starts`,
  ];
}

function stageTable(profile: Profile, totalMs: number): string[] {
  let startMs = 0;
  const rows = profile.stages.map((stage) => {
    const endMs = startMs + stage.durationMs;
    const end = endMs === Infinity ? "no end" : timeText(endMs);
    const reached = startMs < totalMs ? "" : "  (not reached)";
    const row = [timeText(startMs), end, `${stage.name}${reached}`] as const;
    startMs = endMs;
    return row;
  });
  const [fromWidth, toWidth] = [0, 1].map((column) =>
    Math.max(...rows.map((row) => row[column]!.length)),
  ) as [number, number];
  return [
    profile.endMs === Infinity && startMs < Infinity ? "stages of a cycle:" : "stages:",
    ...rows.map(
      ([from, to, stage]) => `  ${from.padStart(fromWidth)} to ${to.padStart(toWidth)}  ${stage}`,
    ),
  ];
}

function startsTable(
  scenario: ScenarioConfig,
  config: Config,
  starts: number,
  totalMs: number,
  columns: number,
): string[] {
  const { arrival, choose } = scenario;
  const parts = partsOf(scenario);
  const shares = countShares(
    parts.map(({ weight }) => weight),
    starts,
  );
  const counts = shares.map(grouped);
  const names = parts.map(({ key, route }) => {
    const task = config.tasks[key]!;
    return (isWorkflow(task) || task.name === key ? key : `${key} (${task.name})`) + route;
  });
  const sizes = parts.map(({ key }) => {
    const { all } = messagesOf(config.tasks[key]!);
    return all === 1 ? "" : `  of ${all} tasks each`;
  });
  const countWidth = Math.max(...counts.map((count) => count.length));
  // Two indents before the name, and two columns between it and the count.
  const behind = countWidth + Math.max(...sizes.map((size) => size.length));
  const room = columns - 2 * INDENT.length - 2 - behind;
  const nameWidth = Math.min(room, Math.max(...names.map(widthOf)));
  const spread = Math.round(Math.sqrt(starts));
  const expected = arrival === "poisson" ? ` expected, give or take ${grouped(spread)}` : "";
  const isDrawn = choose === "random" && parts.length > 1;
  return [
    `starts in ${timeText(totalMs)}: ${grouped(starts)}${expected}${isDrawn ? ", drawn from the mix, as expected:" : ""}`,
    ...names.map((name, index) => {
      const fitted = padEnd(shortened(name, nameWidth), nameWidth);
      return `  ${fitted}  ${counts[index]!.padStart(countWidth)}${sizes[index]}`;
    }),
  ];
}

/** What is started, and how often beside the others; of a replay what its rows name. */
function partsOf({ mix, profile }: ScenarioConfig): {
  readonly key: string;
  readonly weight: number;
  readonly route: string;
}[] {
  const kinds = recordedKinds(profile);
  if (kinds === null) {
    return Object.entries(mix).map(([key, weight]) => ({ key, weight, route: "" }));
  }
  return kinds.map(({ task, queue, priority, starts }) => {
    const to = queue === null ? "" : ` to ${queue}`;
    const at = priority === null ? "" : ` at priority ${priority}`;
    return { key: task, weight: starts, route: to + at };
  });
}

function summaryOf(sections: readonly Section[]): string[] {
  const rates = sections.flatMap((section) => (section.rates === null ? [] : [section.rates]));
  if (rates.length < 2) return [];
  const meanPerSecond = rates.reduce((sum, rate) => sum + rate.meanPerSecond, 0);
  const peakPerSecond = rates.reduce((sum, rate) => sum + rate.peakPerSecond, 0);
  return [
    `all scenarios with a rate, while they run together: mean ${meanText(meanPerSecond)}, never above ${meanText(peakPerSecond)}`,
    ...hourly(rates),
    "",
  ];
}

function arrivals({ profile, arrival }: ScenarioConfig): string {
  if (profile.kind === "replay" && profile.recording?.counts === null) return "at its times";
  return typeof arrival === "string" ? `${arrival} arrivals` : `bursts of ${arrival.burstOf}`;
}

/** Starts are whole; what only rounding keeps from the next whole number has reached it. */
function wholeStarts(expected: number): number {
  return Math.floor(expected * (1 + 8 * Number.EPSILON));
}

const INDENT = "  ";

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => (line === "" ? line : `${INDENT}${line}`));
}

/** A computed rate, to two digits after the point. */
function meanText(perSecond: number): string {
  return perSecond < 1 ? rateText(perSecond) : `${Number(perSecond.toFixed(2))}/s`;
}

/** 1234567 as 1,234,567; fractions only where there is little else. */
function grouped(value: number): string {
  const digits = value < 10 ? 2 : 0;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}
