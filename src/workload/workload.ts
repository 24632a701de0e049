import { createHash } from "node:crypto";
import { brokerTraits, kindOf, type ServerKind } from "../celery/server-url.js";
import type { ConfigIssue } from "../config/config-issue.js";
import type { Config } from "../config/schema.js";
import type { EnginePlan, EntryPlan, ScenarioPlan } from "../engine/messages.js";
import { SERIES_OF_A_WORKER } from "../exposition/observer-metrics.js";
import type { Dimensions } from "../ledger/layout.js";
import type { ObservePlan } from "../observer/connection-observer.js";
import type { ResultsUse } from "../observer/worker-settings.js";
import { endOf, stagesOf } from "../plan/profile.js";
import type { Subject } from "../readings/subject.js";
import { capacityIssues, type Load, mostInFlight, seriesOf, slotsFor } from "./capacity.js";
import { planEntries } from "./entries.js";
import { planSlos } from "./objectives.js";

export interface PlanOptions {
  readonly config: Config;
  /** Ends the planning after this long; null = when the scenarios end by themselves. */
  readonly forMs: number | null;
  readonly countLimit: number | null;
  readonly templateLines: Readonly<Record<string, readonly string[]>>;
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
  options: PlanOptions,
): PlannedEngine | { readonly issues: readonly ConfigIssue[] } {
  const { config } = options;
  const connectionNames = Object.keys(config.connections);
  const { entries, startCount } = planEntries(config);
  const starts = entries.slice(0, startCount);
  const scenarios: ScenarioPlan[] = [];
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
      entries: own,
      weights: Object.values(scenario.mix),
      startAfterMs: scenario.startAfterMs,
      warmupMs: scenario.warmupMs,
      endMs: plannedEndOf(scenario, options.forMs),
      maxInFlight: scenario.maxInFlight,
      gracefulStopMs: scenario.gracefulStopMs,
    });
  }

  const slos = planSlos(config, starts);
  const subject: Subject = {
    scenarios: scenarios.map(({ name, profile }) => ({ name, stages: stagesOf(profile) })),
    entries: starts.map(({ scenario, name, queue }) => ({ scenario, task: name, queue })),
    members: entries.slice(startCount).map(({ name, memberOf }, index) => ({
      row: startCount + index,
      workflow: memberOf!,
      task: name,
    })),
    connections: connectionNames,
    slos: slos.subjects,
    exceptions: [],
    version: options.version,
    commit: options.commit,
    configHash: createHash("sha256").update(JSON.stringify(config)).digest("hex").slice(0, 12),
  };
  const queueSets = connectionNames.map(() => new Set<string>());
  for (const { connection, queue } of entries) queueSets[connection]!.add(queue);
  const queues = queueSets.map((names) => [...names]);
  const load = { config, subject, scenarios, entries, queues };
  const issues = capacityIssues(load);
  if (issues.length > 0) return { issues };
  const { maxWorkers, ...sizes } = dimensionsOf(load);
  const dimensions = { ...sizes, sloRows: slos.plans.length };
  return {
    subject,
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
    })),
    plan: {
      dimensions,
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
      countLimit: options.countLimit,
      seed: config.seed,
      tickMs: config.tickMs,
    },
  };
}

function plannedEndOf(
  scenario: { readonly durationMs: number | null; readonly startAfterMs: number },
  forMs: number | null,
): number {
  const ownMs = scenario.durationMs ?? Number.POSITIVE_INFINITY;
  return forMs === null ? ownMs : Math.max(0, Math.min(ownMs, forMs - scenario.startAfterMs));
}

/** Whether a run of the plan comes to its end when nobody stops it. */
export function endsByItself({ scenarios, countLimit }: EnginePlan): boolean {
  const ends = ({ endMs, profile }: ScenarioPlan) => Math.min(endMs, endOf(profile)) < Infinity;
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
    bucketsMs,
    phaseBucketsMs,
    exceptionRows: entries.length + Math.min(MAX_EXCEPTION_SERIES, exceptions),
    slots: slotsFor(mostInFlight(load)),
  };
}
