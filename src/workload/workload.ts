import { createHash } from "node:crypto";
import { brokerTraits, kindOf, type ServerKind } from "../celery/urls/server-url.js";
import type { ConfigIssue } from "../config/faults/config-issue.js";
import type { Config } from "../config/schema.js";
import type { DataSource } from "../data/data-source.js";
import type { ThresholdPlan } from "../diagnosis/threshold-watch.js";
import type { EnginePlan, EntryPlan, ScenarioPlan } from "../engine/messages.js";
import { SERIES_OF_A_WORKER } from "../exposition/observer-metrics.js";
import type { FeedPlan } from "../feeds/feed-plan.js";
import type { GuardPlan } from "../guards/guard-plan.js";
import type { LeasePlan } from "../lease/lease-plan.js";
import type { Dimensions } from "../ledger/layout.js";
import type { ObservePlan } from "../observer/connection-observer.js";
import type { ResultsUse } from "../observer/worker-settings.js";
import { endOf, recordedKinds, stagesOf } from "../plan/profile.js";
import type { Subject } from "../readings/subject.js";
import { capacityIssues, type Load, mostInFlight, seriesOf, slotsFor } from "./capacity.js";
import { planEntries } from "./entries.js";
import { planFeeds } from "./feeds.js";
import { lookEveryMs, planGuards } from "./guards.js";
import { Modules } from "./modules.js";
import { planSlos } from "./objectives.js";
import { planThresholds } from "./thresholds.js";

export interface WorkloadOptions {
  readonly config: Config;
  /** Ends the planning after this long; null = when the scenarios end by themselves. */
  readonly forMs: number | null;
  readonly countLimit: number | null;
  readonly templateLines: Readonly<Record<string, readonly string[]>>;
  /** In the order of the configuration. */
  readonly data: readonly DataSource[];
  readonly version: string;
  readonly commit: string;
}

/** Exception classes that get a series of their own, over all tasks, at most. */
const MAX_EXCEPTION_SERIES = 1_000;

/** Workers of a connection that get series of their own, at most. */
const MAX_WORKERS = 200;

export interface PlannedEngine {
  readonly plan: EnginePlan;
  /** What the metrics call it. */
  readonly subject: Subject;
  /** What is observed beside it. */
  readonly observe: readonly ObservePlan[];
  /** Of the scenarios that have one. */
  readonly leases: readonly LeasePlan[];
  readonly guards: readonly GuardPlan[];
  /** Of the scenarios whose rate follows what is observed. */
  readonly feeds: readonly FeedPlan[];
  readonly thresholds: readonly ThresholdPlan[];
}

/** Null when nobody waits for results of a connection. */
function resultsUse(
  kind: ServerKind,
  entries: readonly EntryPlan[],
  connection: number,
): ResultsUse | null {
  const own = entries.filter((entry) => entry.connection === connection);
  if (kind === "disabled" || own.every(({ ignoreResult }) => ignoreResult === true)) return null;
  return {
    isStored: kind !== "rpc",
    isLeftToWorkers: own.some(({ ignoreResult }) => ignoreResult === null),
  };
}

/** What the engine does, from the configuration; or why it is more than an engine can hold. Pure. */
export function planEngine(
  options: WorkloadOptions,
): PlannedEngine | { readonly issues: readonly ConfigIssue[] } {
  const { config } = options;
  const connectionNames = Object.keys(config.connections);
  const modules = new Modules(config);
  const { entries, startCount } = planEntries(config, modules);
  const starts = entries.slice(0, startCount);
  const scenarios: ScenarioPlan[] = [];
  let leases = 0;
  const entriesOfScenarios = Object.keys(config.scenarios).map((): number[] => []);
  for (const [entry, { scenario }] of starts.entries()) entriesOfScenarios[scenario]!.push(entry);
  const connectionIndexes = new Map(connectionNames.map((name, index) => [name, index]));
  for (const [name, scenario] of Object.entries(config.scenarios)) {
    const own = entriesOfScenarios[scenarios.length]!;
    scenarios.push({
      name,
      connection: connectionIndexes.get(scenario.connection)!,
      profile: scenario.profile,
      arrival: scenario.arrival,
      choose: scenario.choose,
      entries: own,
      weights:
        recordedKinds(scenario.profile)?.map(({ starts }) => starts) ?? Object.values(scenario.mix),
      windows: scenario.windows,
      startAfterMs: scenario.startAfterMs,
      warmupMs: scenario.warmupMs,
      endMs: scenario.durationMs ?? Number.POSITIVE_INFINITY,
      untilMs: options.forMs ?? Number.POSITIVE_INFINITY,
      maxInFlight: scenario.maxInFlight,
      gracefulStopMs: scenario.gracefulStopMs,
      lease: scenario.leaseMs === null ? null : leases++,
      script: modules.numberOf(scenario.script),
    });
  }
  modules.use(scenarios, entries);

  const slos = planSlos(config, starts);
  if ("issues" in slos) return slos;
  const subject: Subject = {
    scenarios: scenarios.map(({ name, profile }) => ({ name, stages: stagesOf(profile) })),
    entries: starts.map(({ scenario, name, queue, userRow }) => ({
      ...{ scenario, task: name, queue, userRow },
    })),
    members: entries.slice(startCount).map(({ name, memberOf }, index) => ({
      row: startCount + index,
      workflow: memberOf!,
      task: name,
    })),
    connections: connectionNames,
    data: options.data.map(({ name, rowCount, take }, data) => ({
      name,
      rows: rowCount,
      endsScenarios:
        take === "once"
          ? scenarios
              .filter(
                ({ entries: own, name: scenario }) =>
                  own.some((entry) => starts[entry]!.data === data) ||
                  config.scenarios[scenario]!.data === name,
              )
              .map((scenario) => scenario.name)
          : [],
    })),
    modules: modules.plans.map(({ file, scripts }) => ({
      file,
      scripts: scripts.map(({ name }) => name),
    })),
    slos: slos.subjects,
    exceptions: [],
    version: options.version,
    commit: options.commit,
    configHash: hashOf(config),
  };
  const queueSets = connectionNames.map(() => new Set<string>());
  for (const { connection, queue } of entries) queueSets[connection]!.add(queue);
  const queues = queueSets.map((names) => [...names]);
  const load = { config, subject, scenarios, entries, queues };
  const issues = capacityIssues(load);
  if (issues.length > 0) return { issues };
  const planned = planGuards(load);
  if ("issues" in planned) return planned;
  const { guards } = planned;
  const { feeds, issues: feedIssues } = planFeeds(scenarios, entries);
  if (feedIssues.length > 0) return { issues: feedIssues };
  const { maxWorkers, ...sizes } = dimensionsOf(load);
  const dimensions = { ...sizes, sloRows: slos.plans.length };
  return {
    subject,
    leases: planLeases(config),
    guards,
    feeds,
    thresholds: planThresholds(config),
    observe: Object.entries(config.connections).map(([name, connection], index) => ({
      name,
      broker: connection.broker,
      transport: connection.options,
      redisBackend: brokerTraits(connection.backend)?.storesResults ? connection.backend : null,
      management: connection.management,
      events: connection.events,
      results: resultsUse(kindOf(connection.backend), entries, index),
      queues: queues[index]!,
      maxWorkers,
      lookEveryMs: lookEveryMs(guards, feeds, index),
    })),
    plan: {
      dimensions,
      ceilings: {
        maxInFlight: config.limits.maxInFlight,
        tasksPerDay: config.limits.tasksPerDay,
      },
      segment: config.segment,
      threads: config.threads,
      connections: Object.entries(config.connections).map(([name, connection]) => ({
        name,
        broker: connection.broker,
        backend: connection.backend,
        forget: connection.forget,
        client: connection.client,
        transport: connection.options,
        backendTransport: connection.backendOptions,
        sendTaskSentEvents: connection.sendTaskSentEvents,
      })),
      scenarios,
      entries,
      slos: slos.plans,
      templateLines: options.templateLines,
      data: options.data,
      modules: modules.plans,
      countLimit: options.countLimit,
      seed: config.seed,
      tickMs: config.tickMs,
    },
  };
}

/** Entry by entry: the text of a large configuration at once would take as much memory again. */
function hashOf(config: Config): string {
  const hash = createHash("sha256");
  for (const [section, value] of Object.entries(config)) {
    const parts = typeof value === "object" && value !== null ? Object.entries(value) : [value];
    hash.update(section);
    for (const part of parts) hash.update(JSON.stringify(part));
  }
  return hash.digest("hex").slice(0, 12);
}

function planLeases({ connections, scenarios, segment }: Config): LeasePlan[] {
  return Object.entries(scenarios).flatMap(([scenario, { connection, leaseMs }]) => {
    if (leaseMs === null) return [];
    const { broker, options: transport } = connections[connection]!;
    const part = `${segment.index + 1}/${segment.of}`;
    return [{ scenario, connection, broker, transport, segment: part, leaseMs }];
  });
}

/** Whether a run of the plan comes to its end when nobody stops it. */
export function endsByItself({
  scenarios,
  countLimit,
  entries,
  data,
  modules,
}: EnginePlan): boolean {
  const isOnce = (number: number | null) => data[number ?? -1]?.take === "once";
  const ends = ({ endMs, untilMs, profile, entries: own, script, name }: ScenarioPlan) =>
    Math.min(endMs, untilMs, endOf(profile)) < Infinity ||
    own.some((entry) => isOnce(entries[entry]!.data)) ||
    (modules[script ?? -1]?.scripts.some((use) => use.name === name && isOnce(use.data)) ?? false);
  return countLimit !== null || scenarios.every(ends);
}

function dimensionsOf(load: Load): Omit<Dimensions, "sloRows"> & { readonly maxWorkers: number } {
  const { config, subject, scenarios, entries } = load;
  const { bucketsMs, phaseBucketsMs } = config;
  // Half of what is left is for workers at most, the rest for exception classes.
  const left = config.limits.series - seriesOf(load);
  const connections = subject.connections.length;
  const maxWorkers = Math.min(MAX_WORKERS, Math.floor(left / 2 / SERIES_OF_A_WORKER / connections));
  const exceptions = left - maxWorkers * SERIES_OF_A_WORKER * connections;
  return {
    maxWorkers,
    entries: entries.length,
    scenarios: scenarios.length,
    connections,
    data: subject.data.length,
    bucketsMs,
    phaseBucketsMs,
    userRows: entries.filter(({ userRow }) => userRow !== null).length,
    exceptionRows: entries.length + Math.min(MAX_EXCEPTION_SERIES, exceptions),
    slots: slotsFor(mostInFlight(load)),
  };
}
