import { MAX_SLOTS } from "../celery/messages/task-id.js";
import { type ConfigIssue, unfit } from "../config/faults/config-issue.js";
import type { Config } from "../config/schema.js";
import type { EntryPlan, ScenarioPlan } from "../engine/messages.js";
import { fixedSeries } from "../exposition/fixed-series.js";
import { type Share, shareOf } from "../plan/share.js";
import type { Subject } from "../readings/subject.js";

/** What a configuration makes of an engine, before its size is known to fit. */
export interface Load {
  readonly config: Config;
  readonly subject: Subject;
  readonly scenarios: readonly ScenarioPlan[];
  readonly entries: readonly EntryPlan[];
  /** Of each connection, in its order. */
  readonly queues: readonly (readonly string[])[];
}

/** What of a configuration is more than a daemon can hold: series, places in flight, shares of them. Pure. */
export function capacityIssues(load: Load): ConfigIssue[] {
  return [...seriesIssues(load), ...shareIssues(load), ...slotIssues(load)];
}

/** Series that exist whatever happens. */
export function seriesOf(load: Load): number {
  return seriesIn(partsOf(load));
}

function seriesIn(parts: readonly SeriesPart[]): number {
  return parts.reduce((sum, { series }) => sum + series, 0);
}

/** Tasks that a thread may have in flight, members of workflows included; none has more than the first. */
export function mostInFlight({ config, scenarios, entries }: Load): number {
  const first = firstShare(config);
  const members = membersByStart(entries);
  return scenarios.reduce(
    (sum, scenario) =>
      sum + shareOf(scenario.maxInFlight, first) * slotsOfAStart(scenario, members),
    0,
  );
}

/** Slots of a thread: those beyond the limit keep finished tasks recognisable when the limit is reached. */
export function slotsFor(inFlight: number): number {
  return inFlight + Math.max(1_024, Math.ceil(inFlight / 4));
}

/** Something that series come from, what the user would call it, and what makes fewer of them. */
interface SeriesPart {
  readonly path: readonly string[];
  readonly series: number;
  readonly cause: string;
  readonly remedy: string;
}

function partsOf({ config, subject, scenarios, queues }: Load): SeriesPart[] {
  const { bucketsMs, phaseBucketsMs, slos, threads } = config;
  const connections = subject.connections.map((name, index) => ({ name, queues: queues[index]! }));
  const leases = Object.entries(config.scenarios).flatMap(([name, { leaseMs }]) =>
    leaseMs === null ? [] : [name],
  );
  const guards = config.guards.map(({ name }) => name);
  const parts = fixedSeries({
    ...{ subject, connections, leases, guards, threads, bucketsMs, phaseBucketsMs },
  });
  const ofScenarios = scenarios.flatMap(({ name, entries }, index): SeriesPart[] => {
    const { tasks, stages } = parts.scenarios[index]!;
    return [
      {
        path: ["scenarios", name, "profile"],
        series: stages,
        cause: `its ${count(subject.scenarios[index]!.stages.length, "stages")} make`,
        remedy: "Use fewer stages (steps with repeat: true go round)",
      },
      {
        path: ["scenarios", name, "mix"],
        series: tasks,
        cause: `its ${count(entries.length, "tasks")} with ${count(bucketsMs.length, "buckets")} each make`,
        remedy: "Use fewer tasks or buckets",
      },
    ];
  });
  return [
    ...ofScenarios,
    {
      path: ["slos"],
      series: parts.slos,
      cause: `the ${count(slos.length, "objectives")} make`,
      remedy: "Use fewer objectives, or name the scenario and the task of each",
    },
    {
      path: ["limits", "series"],
      series: parts.others,
      cause: "connections, queues and the daemon itself make",
      remedy: "Use fewer connections",
    },
  ];
}

/** One issue, at what makes the most of them. */
function seriesIssues(load: Load): ConfigIssue[] {
  const limit = load.config.limits.series;
  const parts = partsOf(load);
  const series = seriesIn(parts);
  if (series <= limit) return [];
  const largest = parts.reduce((most, part) => (part.series > most.series ? part : most));
  const most = largest.series > series / 10 ? largest : allScenarios(load, parts);
  // With some for workers and exceptions, which are counted when they are seen.
  const enough = Math.ceil((series + 1_000) / 1_000) * 1_000;
  const raise = enough > MAX_SERIES_LIMIT ? "" : `, or raise limits.series to ${enough}`;
  const message = `${most.cause} ${grouped(most.series)} of the ${grouped(series)} time series on /metrics, and limits.series is ${limit}`;
  return [unfit(most.path, message, `${most.remedy}${raise}.`)];
}

/** Where no part stands out it is the number of scenarios. */
function allScenarios({ scenarios }: Load, parts: readonly SeriesPart[]): SeriesPart {
  const own = parts.filter(({ path }) => path[0] === "scenarios");
  return {
    path: ["scenarios"],
    series: seriesIn(own),
    cause: `the ${count(scenarios.length, "scenarios")} together make`,
    remedy: "Use fewer scenarios, tasks or buckets",
  };
}

/** What `limits.series` can be. */
const MAX_SERIES_LIMIT = 1_000_000;

function shareIssues({ config, scenarios }: Load): ConfigIssue[] {
  const { of } = firstShare(config);
  return scenarios
    .filter(({ maxInFlight }) => maxInFlight < of)
    .map(({ name, maxInFlight }) =>
      unfit(
        ["scenarios", name, "maxInFlight"],
        `it is ${maxInFlight}, and ${of} threads and segments share it: some could have nothing in flight and would drop all`,
        `Raise it to ${of} or more, or use fewer threads or segments.`,
      ),
    );
}

/** One issue, at the scenario that takes the most. */
function slotIssues(load: Load): ConfigIssue[] {
  const { config, scenarios, entries } = load;
  const inFlight = mostInFlight(load);
  if (slotsFor(inFlight) <= MAX_SLOTS) return [];
  const members = membersByStart(entries);
  const slotsOf = (scenario: ScenarioPlan) =>
    shareOf(scenario.maxInFlight, firstShare(config)) * slotsOfAStart(scenario, members);
  const most = scenarios.reduce((a, b) => (slotsOf(b) > slotsOf(a) ? b : a));
  const share = config.segment.of * config.threads > 1 ? "a thread's share of " : "";
  return [
    unfit(
      ["scenarios", most.name, "maxInFlight"],
      `${share}all maxInFlight is ${grouped(inFlight)} tasks, members of workflows included, more than the ${grouped(Math.floor(MAX_SLOTS * 0.8))} that one thread can track`,
      "Lower it, or use more threads.",
    ),
  ];
}

/** Slots that a start of a scenario takes at most: one, and one for each member of a workflow. */
function slotsOfAStart({ entries }: ScenarioPlan, members: ReadonlyMap<number, number>): number {
  return entries.reduce((most, start) => Math.max(most, 1 + (members.get(start) ?? 0)), 1);
}

/** How many members a start has, of those that have any. */
function membersByStart(entries: readonly EntryPlan[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { memberOf } of entries) {
    if (memberOf !== null) counts.set(memberOf, (counts.get(memberOf) ?? 0) + 1);
  }
  return counts;
}

function firstShare({ segment, threads }: Config): Share {
  return { index: 0, of: segment.of * threads };
}

function count(value: number, noun: string): string {
  return `${grouped(value)} ${value === 1 ? noun.replace(/s$/, "") : noun}`;
}

function grouped(value: number): string {
  return value.toLocaleString("en-US");
}
