import { createHash } from "node:crypto";
import { kindOf } from "../celery/server-url.js";
import { MAX_SLOTS } from "../celery/task-id.js";
import type { Config } from "../config/schema.js";
import type { EnginePlan, EntryPlan, ScenarioPlan } from "../engine/messages.js";
import { ConfigError } from "../errors.js";
import { fixedSeries } from "../exposition/fixed-series.js";
import { SERIES_OF_A_QUEUE, SERIES_OF_A_WORKER } from "../exposition/observer-metrics.js";
import type { Subject } from "../exposition/subject.js";
import type { Dimensions } from "../ledger/layout.js";
import type { ObservePlan } from "../observer/connection-observer.js";
import { createProfile, type ProfileSpec, type Stage } from "../plan/profile.js";
import { shareOf } from "../plan/share.js";
import { planEntries } from "./entry-plans.js";
import { planSlos } from "./slo-plans.js";

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

/**
 * What the engine does, what is observed beside it, and what the metrics call it, from the configuration.
 * @throws {ConfigError} when the known series alone are more than `limits.series`, or so many shares of the plan are made
 * that one may have nothing in flight.
 */
export function planEngine(options: PlanOptions): {
  plan: EnginePlan;
  subject: Subject;
  observe: readonly ObservePlan[];
} {
  const { config } = options;
  const connectionNames = Object.keys(config.connections);
  const { entries, startCount } = planEntries(config);
  const starts = entries.slice(0, startCount);
  const scenarios: ScenarioPlan[] = [];
  for (const [name, scenario] of Object.entries(config.scenarios)) {
    const index = scenarios.length;
    const own = [...starts.keys()].filter((entry) => starts[entry]!.scenario === index);
    scenarios.push({
      name,
      connection: connectionNames.indexOf(scenario.connection),
      profile: scenario.profile,
      arrival: scenario.arrival,
      entries: own,
      weights: Object.values(scenario.mix),
      startAfterMs: scenario.startAfterMs,
      warmupMs: scenario.warmupMs,
      endMs: endOf(scenario, options.forMs),
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
  const queues = connectionNames.map((_, index) => [
    ...new Set(entries.filter(({ connection }) => connection === index).map(({ queue }) => queue)),
  ]);
  const { maxWorkers, ...sizes } = dimensionsOf(config, subject, scenarios, entries, queues);
  const dimensions = { ...sizes, sloRows: slos.plans.length };
  return {
    subject,
    observe: Object.entries(config.connections).map(([name, connection], index) => ({
      name,
      broker: connection.broker,
      transport: connection.options,
      redisBackend: kindOf(connection.backend) === "redis" ? connection.backend : null,
      management: connection.management,
      events: connection.events,
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

/** Slots that a start of a scenario takes at most: one, and one for each member of a workflow. */
function slotsOfAStart(scenario: ScenarioPlan, entries: readonly EntryPlan[]): number {
  const membersOf = (start: number) => entries.filter(({ memberOf }) => memberOf === start).length;
  return 1 + Math.max(...scenario.entries.map(membersOf));
}

/** `max` has one stage, which is not one of rate. */
export function stagesOf(profile: ProfileSpec): readonly Stage[] {
  if (profile.kind !== "max") return createProfile(profile).stages;
  return [
    {
      name: "max",
      kind: "hold",
      fromPerSecond: Number.NaN,
      toPerSecond: Number.NaN,
      durationMs: Number.POSITIVE_INFINITY,
    },
  ];
}

function endOf(
  scenario: { readonly durationMs: number | null; readonly startAfterMs: number },
  forMs: number | null,
): number {
  const ownMs = scenario.durationMs ?? Number.POSITIVE_INFINITY;
  return forMs === null ? ownMs : Math.max(0, Math.min(ownMs, forMs - scenario.startAfterMs));
}

/** Whether a run of the plan comes to its end when nobody stops it. */
export function endsByItself({ scenarios, countLimit }: EnginePlan): boolean {
  const ends = ({ endMs, profile }: ScenarioPlan) =>
    endMs < Infinity || (profile.kind !== "max" && createProfile(profile).endMs < Infinity);
  return countLimit !== null || scenarios.every(ends);
}

function dimensionsOf(
  config: Config,
  subject: Subject,
  scenarios: readonly ScenarioPlan[],
  entries: readonly EntryPlan[],
  queues: readonly (readonly string[])[],
): Omit<Dimensions, "sloRows"> & { readonly maxWorkers: number } {
  const { bucketsMs, phaseBucketsMs } = config;
  const series =
    fixedSeries(subject, { bucketsMs, phaseBucketsMs }) + queues.flat().length * SERIES_OF_A_QUEUE;
  if (series > config.limits.series) {
    throw new ConfigError([
      {
        place: "limits.series",
        message: `the scenarios, tasks and buckets of this configuration make ${series} series, more than the limit of ${config.limits.series}. Raise limits.series, or use fewer buckets.`,
      },
    ]);
  }
  // A thread's; none has more than the first.
  const first = { index: 0, of: config.segment.of * config.threads };
  checkShares(scenarios, first.of);
  const inFlight = scenarios.reduce(
    (sum, scenario) =>
      sum + shareOf(scenario.maxInFlight, first) * slotsOfAStart(scenario, entries),
    0,
  );
  // Slots beyond the limit keep finished tasks recognisable when the limit is reached.
  const slots = inFlight + Math.max(1_024, Math.ceil(inFlight / 4));
  if (slots > MAX_SLOTS) {
    throw new ConfigError([
      {
        place: "scenarios",
        message: `maxInFlight adds up to ${inFlight} tasks, members of workflows included, more than the ${Math.floor(MAX_SLOTS * 0.8)} that one thread can track. Lower maxInFlight.`,
      },
    ]);
  }
  // Half of what is left is for workers at most, the rest for exception classes.
  const left = config.limits.series - series;
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
    slots,
  };
}

/** @throws {ConfigError} */
function checkShares(scenarios: readonly ScenarioPlan[], shares: number): void {
  const issues = scenarios
    .filter(({ maxInFlight }) => maxInFlight < shares)
    .map(({ name, maxInFlight }) => ({
      place: `scenarios.${name}.maxInFlight`,
      message: `is ${maxInFlight}, and ${shares} threads and segments share it: some could have nothing in flight and would drop all. Raise it to ${shares} or more, or use fewer.`,
    }));
  if (issues.length > 0) throw new ConfigError(issues);
}
