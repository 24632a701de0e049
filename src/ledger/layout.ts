import { countersOf, DROPS, OUTCOMES, PUBLISH_FAILURES } from "./ends.js";

/**
 * Names, order and place of every cell that an engine shares with the main thread. One writer (the
 * engine), any number of readers; both sides build the same `Layout` from the same `Dimensions`.
 *
 * The memory is two halves: the engine counts in the live one and copies it to the snapshot one when
 * asked (all but the fine tables of the phases), so that every reading is consistent. All cells are Float64: exact up to 2^53, which at
 * 10,000 tasks a second comes after 28,000 years.
 */

/** Counters of one mix entry, in memory order. */
export const ENTRY_COUNTERS = [
  "planned",
  "published",
  // Of those, without the broker's answer.
  "unconfirmed",
  ...countersOf(DROPS),
  ...countersOf(PUBLISH_FAILURES),
  ...countersOf(OUTCOMES),
  // Members of workflows only: what ran before them had failed.
  "notRun",
  "retries",
  "late",
  "duplicate",
  "recovered",
  // Answers that are too large to be held against what is expected.
  "unchecked",
  // Phases of which the worker's clock makes more than half uncertain.
  "uncertainQueue",
  "uncertainDelivery",
  // Phases that a clock was set within: in no histogram.
  "leftOutWork",
  "leftOutQueue",
  "leftOutDelivery",
] as const;
export type EntryCounter = (typeof ENTRY_COUNTERS)[number];

/** Histograms of one mix entry, in memory order. Each also has a fine table, for quantiles and reports. */
export const ENTRY_HISTOGRAMS = [
  "latencySucceeded",
  "latencyFailed",
  "dispatch",
  "publish",
  "work",
  "queue",
  "run",
  "delivery",
] as const;
export type EntryHistogram = (typeof ENTRY_HISTOGRAMS)[number];

/**
 * Counters of the starts of one entry as events of one SLO, in memory order: those that count, those of
 * them that are bad, and those that do not count, by the reason.
 */
export const SLO_COUNTERS = [
  "events",
  "bad",
  "excludedWarmup",
  "excludedSaturated",
  "excludedStopped",
  "excludedInvalid",
] as const;
export type SloCounter = (typeof SLO_COUNTERS)[number];

/** Cells of one scenario. Times are Unix seconds, `state` is an index into SCENARIO_STATES. */
export const SCENARIO_CELLS = [
  "state",
  "targetRate",
  "stage",
  "stageRemainingSeconds",
  "remainingSeconds",
  "startedAt",
  "stageChangedAt",
  // Of the users of a closed loop, those that are there now.
  "users",
] as const;
export type ScenarioCell = (typeof SCENARIO_CELLS)[number];

export const SCENARIO_STATES = [
  "waiting",
  "warming",
  "running",
  "paused",
  "draining",
  "stopped",
] as const;
export type ScenarioState = (typeof SCENARIO_STATES)[number];

/** Counted where exception classes are: of tasks that have succeeded with a wrong answer. */
export const WRONG_ANSWER = "check";

/** Cells of the rows of one data: those that a start has taken, and those whose start was dropped. */
export const DATA_CELLS = ["used", "skipped"] as const;
export type DataCell = (typeof DATA_CELLS)[number];

/** Cells of one connection. `up` is 0 or 1. */
export const CONNECTION_CELLS = [
  "brokerUp",
  "backendUp",
  "brokerReconnects",
  "backendReconnects",
  "restartedEmpty",
  "failover",
  "purged",
  "replyQueueDeleted",
  "brokerBlocked",
] as const;
export type ConnectionCell = (typeof CONNECTION_CELLS)[number];

/** Cells of the engine itself. `lastTurnSeconds` is `process.hrtime`, the clock that threads share. */
export const ENGINE_CELLS = [
  "lastTurnSeconds",
  "dispatchLagMaxSeconds",
  "dispatchLagLastSecond",
  "eventLoopUtilization",
  "saturatedDispatchLag",
  "saturatedEventLoop",
  "malformedResults",
  "unmatchedResults",
  "foldedExceptions",
  // Seconds in which the generator was saturated.
  "saturatedSeconds",
  // Starts of this day of UTC.
  "startsToday",
] as const;
export type EngineCell = (typeof ENGINE_CELLS)[number];

/** Sizes that decide the layout. */
export interface Dimensions {
  readonly entries: number;
  readonly scenarios: number;
  readonly connections: number;
  readonly data: number;
  /** Upper bounds of the classic latency buckets, milliseconds, ascending; +Inf is implied. */
  readonly bucketsMs: readonly number[];
  /** Upper bounds of the short phases' buckets: every second one of the latencies'. */
  readonly phaseBucketsMs: readonly number[];
  /** Places for counts by exception class; the first `entries` of them are each entry's `other`. */
  readonly exceptionRows: number;
  /** Pairs of an SLO and an entry that it is about. */
  readonly sloRows: number;
  /** Entries whose starts come from users of a closed loop: each has a histogram of compensated latencies. */
  readonly userRows: number;
  /** Slots of the in-flight table. */
  readonly slots: number;
}

/** Offsets into the Float64 cells of one half. */
export interface Layout {
  readonly dimensions: Dimensions;
  entryCounter(entry: number, counter: EntryCounter): number;
  entryHistogram(entry: number, histogram: EntryHistogram): HistogramPlace;
  scenario(scenario: number, cell: ScenarioCell): number;
  connection(connection: number, cell: ConnectionCell): number;
  data(data: number, cell: DataCell): number;
  engine(cell: EngineCell): number;
  exception(row: number): number;
  slo(row: number, counter: SloCounter): number;
  compensated(userRow: number): HistogramPlace;
  /** Float64 cells that a snapshot copies. */
  readonly cellCount: number;
  /** The fine tables, most of those cells, are the last of them, from here on: a scrape does without. */
  readonly fineAt: number;
  /** Float64 cells of the live half: behind those of a snapshot it has the fine tables of the phases. */
  readonly liveCellCount: number;
}

/** Where a histogram lies: one count a bucket and +Inf, then the sum (ms); the fine table is elsewhere. */
export interface HistogramPlace {
  readonly offset: number;
  readonly boundsMs: readonly number[];
  /** Offset of the fine table; those of phases are in the live half only. */
  readonly fineOffset: number;
}

/** Log-linear table for quantiles: 64 steps an octave, at most 0.8 % off, from 2^-4 ms to 2^22 ms. */
export const FINE = { stepsBits: 6, minExponent: -4, maxExponent: 22, size: 26 * 64 } as const;

/** Those whose fine table is in every whole snapshot. Those of the phases only reports read, now and then. */
const LATENCIES: readonly EntryHistogram[] = ["latencySucceeded", "latencyFailed"];
const PHASES = ENTRY_HISTOGRAMS.filter((name) => !LATENCIES.includes(name));

/** What a daemon and its servers take: short, unless something is wrong. */
const SHORT_PHASES: ReadonlySet<EntryHistogram> = new Set(["dispatch", "publish", "delivery"]);

/** Upper bounds of a histogram's buckets: what workers take can be all of the latency, and needs its own. */
export function boundsOf(
  { bucketsMs, phaseBucketsMs }: Pick<Dimensions, "bucketsMs" | "phaseBucketsMs">,
  name: EntryHistogram,
): readonly number[] {
  return SHORT_PHASES.has(name) ? phaseBucketsMs : bucketsMs;
}

export function createLayout(dimensions: Dimensions): Layout {
  // One entry's block: its counters, then its histograms.
  const histograms = new Map<EntryHistogram, { offset: number; boundsMs: readonly number[] }>();
  let entrySize: number = ENTRY_COUNTERS.length;
  for (const name of ENTRY_HISTOGRAMS) {
    const boundsMs = boundsOf(dimensions, name);
    histograms.set(name, { offset: entrySize, boundsMs });
    entrySize += boundsMs.length + 2;
  }

  const scenariosAt = ENGINE_CELLS.length;
  const connectionsAt = scenariosAt + dimensions.scenarios * SCENARIO_CELLS.length;
  const dataAt = connectionsAt + dimensions.connections * CONNECTION_CELLS.length;
  const exceptionsAt = dataAt + dimensions.data * DATA_CELLS.length;
  const slosAt = exceptionsAt + dimensions.exceptionRows;
  const entriesAt = slosAt + dimensions.sloRows * SLO_COUNTERS.length;
  const usersAt = entriesAt + dimensions.entries * entrySize;
  const userSize = dimensions.bucketsMs.length + 2;
  const fineAt = usersAt + dimensions.userRows * userSize;
  const userFineAt = fineAt + dimensions.entries * LATENCIES.length * FINE.size;
  const phasesFineAt = userFineAt + dimensions.userRows * FINE.size;
  return {
    dimensions,
    cellCount: phasesFineAt,
    fineAt,
    liveCellCount: phasesFineAt + dimensions.entries * PHASES.length * FINE.size,
    entryCounter: (entry, counter) =>
      entriesAt + entry * entrySize + ENTRY_COUNTERS.indexOf(counter),
    entryHistogram(entry, histogram) {
      const { offset, boundsMs } = histograms.get(histogram)!;
      const isPhase = PHASES.includes(histogram);
      const [firstAt, all] = isPhase ? [phasesFineAt, PHASES] : [fineAt, LATENCIES];
      return {
        offset: entriesAt + entry * entrySize + offset,
        boundsMs,
        fineOffset: firstAt + (entry * all.length + all.indexOf(histogram)) * FINE.size,
      };
    },
    scenario: (scenario, cell) =>
      scenariosAt + scenario * SCENARIO_CELLS.length + SCENARIO_CELLS.indexOf(cell),
    connection: (connection, cell) =>
      connectionsAt + connection * CONNECTION_CELLS.length + CONNECTION_CELLS.indexOf(cell),
    data: (data, cell) => dataAt + data * DATA_CELLS.length + DATA_CELLS.indexOf(cell),
    engine: (cell) => ENGINE_CELLS.indexOf(cell),
    exception: (row) => exceptionsAt + row,
    slo: (row, counter) => slosAt + row * SLO_COUNTERS.length + SLO_COUNTERS.indexOf(counter),
    compensated: (userRow) => ({
      offset: usersAt + userRow * userSize,
      boundsMs: dimensions.bucketsMs,
      fineOffset: userFineAt + userRow * FINE.size,
    }),
  };
}
