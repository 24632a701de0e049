import { unsteered } from "../control/steering-reading.js";
import type { WatchedDrift } from "../diagnosis/drift.js";
import { DriftWatch } from "../diagnosis/drift-watch.js";
import type { GuardStanding } from "../guards/guard-watch.js";
import { createLayout, type Dimensions } from "../ledger/layout.js";
import type { Half } from "../ledger/snapshot.js";
import type { ObservedConnection } from "../observer/connection-observer.js";
import { type Group, groupByMember, groupByQueue, groupByTask } from "../readings/entry-groups.js";
import type { LeaseReading } from "../readings/lease-reading.js";
import { LedgerView } from "../readings/ledger-view.js";
import { NO_SCRIPTS } from "../readings/script-reading.js";
import { haveUsers, type Subject } from "../readings/subject.js";
import { entriesByTask } from "../readings/summary.js";
import { engineMetrics } from "./engine-metrics.js";
import { sloParts } from "./slo-metrics.js";

/** Series that exist whatever happens, and what makes them: what `limits.series` must at least hold. */
export interface SeriesParts {
  /** Of each scenario, by its number: for itself and its tasks with their workflows' members, and for its stages. */
  readonly scenarios: readonly { readonly tasks: number; readonly stages: number }[];
  readonly slos: number;
  /** Connections, queues, and the daemon itself. */
  readonly others: number;
}

/** What decides how many series a page has. */
export interface PageSize extends Pick<Dimensions, "bucketsMs" | "phaseBucketsMs"> {
  readonly subject: Subject;
  readonly connections: readonly { readonly name: string; readonly queues: readonly string[] }[];
  readonly threads: number;
  /** Names of the scenarios that have a lease. */
  readonly leases: readonly string[];
  /** Names of the guards. */
  readonly guards: readonly string[];
}

/**
 * Counts the series of the page that a daemon makes when everything is known of it, without workers and
 * exceptions, which are counted as they are seen. Nobody keeps numbers beside the metrics: they are asked for a page
 * with one thing of each kind, and all things of a kind make as many.
 * A page that is scraped has a few less: nobody knows a server's unacknowledged messages of each queue and of all
 * queues together, an exporter may not be told, and a slope needs hours of points.
 */
export function fixedSeries({
  subject,
  connections,
  threads,
  leases,
  guards,
  ...buckets
}: PageSize): SeriesParts {
  const one = seriesOfOne(ONE, buckets);
  const hasUsers = haveUsers(subject);
  const oneOfUsers = hasUsers.includes(true) ? seriesOfOne(ONE_OF_USERS, buckets) : one;
  const oneOf = (scenario: number) => (hasUsers[scenario] ? oneOfUsers : one);
  const scenarios = subject.scenarios.map(({ stages }, scenario) => ({
    tasks: oneOf(scenario).scenario,
    stages: stages.length * one.stage,
  }));
  const numbers = new Map(subject.scenarios.map(({ name }, number) => [name, number]));
  const add = (kind: Kind, groups: readonly Group[]) => {
    for (const { labels } of groups) {
      const scenario = numbers.get(labels.scenario!)!;
      scenarios[scenario]!.tasks += oneOf(scenario)[kind];
    }
  };
  add("task", groupByTask(subject));
  add("taskInQueue", groupByQueue(subject));
  add("member", groupByMember(subject));
  // What a task has in all scenarios together is the first one's that has it.
  for (const [first] of entriesByTask(subject).values()) {
    scenarios[subject.entries[first!]!.scenario]!.tasks += one.taskAnywhere;
  }
  const perSloPart = sloParts(subject).map(({ slo }) =>
    slo.latencyMs === null ? one.sloOfTask : one.latencyOfTask,
  );
  return {
    scenarios,
    slos: perSloPart.reduce((sum, series) => sum + series, subject.slos.length * one.slo),
    others:
      one.daemon +
      threads * one.thread +
      connections.length * one.connection +
      connections.flatMap(({ queues }) => queues).length * one.queue +
      leases.length * one.lease +
      subject.data.length * one.data +
      subject.modules.length * one.module +
      subject.modules.flatMap(({ scripts }) => scripts).length * one.script +
      guards.length * one.guard,
  };
}

/** One thing of each kind that a page can have any number of, by names that tell them apart. */
const ONE: Subject = {
  scenarios: [
    {
      name: "scenario",
      stages: [{ name: "stage", kind: "hold", durationMs: Infinity }],
    },
  ],
  entries: [{ scenario: 0, task: "task", queue: "queue", userRow: null }],
  members: [{ row: 1, workflow: 0, task: "member" }],
  connections: ["connection"],
  data: [{ name: "data", rows: 1, endsScenarios: [] }],
  modules: [{ file: "module", scripts: ["script"] }],
  slos: [
    { name: "slo", objectiveRatio: 1, latencyMs: null, windowMs: 1, rows: [{ row: 0, entry: 0 }] },
    { name: "latency", objectiveRatio: 1, latencyMs: 1, windowMs: 1, rows: [{ row: 1, entry: 0 }] },
  ],
  exceptions: [],
  version: "",
  commit: "",
  configHash: "",
};

const ONE_OF_USERS: Subject = { ...ONE, entries: [{ ...ONE.entries[0]!, userRow: 0 }] };

type Labels = Readonly<Record<string, string>>;

/** Which labels the series of a kind have in a page of `ONE`; a series is of the first kind that it fits. */
const KINDS = {
  member: ({ workflow }) => workflow !== undefined,
  sloOfTask: ({ slo, task }) => slo === "slo" && task !== undefined,
  latencyOfTask: ({ slo, task }) => slo === "latency" && task !== undefined,
  slo: ({ slo }) => slo === "slo",
  ofSecondSlo: ({ slo }) => slo === "latency",
  lease: ({ scenario }) => scenario === "lease",
  script: ({ scenario }) => scenario === "script",
  module: ({ module }) => module !== undefined,
  guard: ({ guard }) => guard !== undefined,
  data: ({ data }) => data !== undefined,
  thread: ({ thread }) => thread !== undefined,
  stage: ({ stage }) => stage !== undefined,
  taskInQueue: ({ scenario, queue }) => scenario !== undefined && queue !== undefined,
  task: ({ scenario, task }) => scenario !== undefined && task !== undefined,
  scenario: ({ scenario }) => scenario !== undefined,
  taskAnywhere: ({ task }) => task === "task",
  queue: ({ queue }) => queue === "queue",
  connection: ({ connection }) => connection === "connection",
  daemon: () => true,
} as const satisfies Record<string, (labels: Labels) => boolean>;

type Kind = keyof typeof KINDS;

/** How many series one thing of each kind makes. */
function seriesOfOne(
  subject: Subject,
  buckets: Pick<Dimensions, "bucketsMs" | "phaseBucketsMs">,
): Readonly<Record<Kind, number>> {
  const kinds = Object.keys(KINDS) as Kind[];
  const counts = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>;
  const connections = [{ name: "connection", queues: ["queue"] }];
  const view = emptyLedger(subject, buckets);
  const drifts = driftsOf(subject, connections);
  const metrics = engineMetrics(subject, {
    view: () => view,
    observed: () => connections.map(allKnown),
    sides: () => new Map([["task", "none"]]),
    drifts: () => drifts,
    scripts: () => NO_SCRIPTS,
    leases: () => [leaseOf("lease")],
    guards: () => [guardOf("guard")],
    steering: () => unsteered(["scenario"]),
    reload: () => ({ revision: 1, isLastDone: true, doneUnixMs: 0 }),
  });
  for (const metric of metrics) {
    metric.eachSeries((labels, lines) => {
      counts[kinds.find((kind) => KINDS[kind](labels))!] += lines;
    });
  }
  return counts;
}

/** A connection of which nothing is unknown, and that no worker has shown up at. */
function allKnown({ name, queues }: PageSize["connections"][number]): ObservedConnection {
  return {
    name,
    events: { isUp: true, reconnects: 0 },
    receivedEvents: 0,
    unexplainedTasks: 0,
    malformedEvents: 0,
    malformedReplies: 0,
    workers: [],
    foldedWorkers: 0,
    backendMemoryBytes: 0,
    server: null,
    brokerMemory: null,
    queues: queues.map((queue) => ({
      name: queue,
      ready: 0,
      consumers: 0,
      unacked: 0,
      started: null,
      falls: 0,
      lastFall: null,
    })),
    unacked: 0,
  };
}

function leaseOf(scenario: string): LeaseReading {
  return { scenario, segment: "1/1", phase: "standby", holder: null, cause: null };
}

function guardOf(name: string): GuardStanding {
  return {
    name,
    watch: "queueLength",
    action: "warn",
    state: "ok",
    seconds: 0,
    subject: "",
    value: 0,
    limit: 1,
    resumeBelow: 1,
    headroomRatio: 0,
    unknown: null,
    firedTotal: 0,
    scenarios: [],
    factor: 1,
  };
}

/** A slope of all that is watched. */
function driftsOf(subject: Subject, connections: PageSize["connections"]): WatchedDrift[] {
  const { watched } = new DriftWatch({
    subject,
    connections,
    windowMs: 1,
    residentBytes: () => null,
  });
  return watched.map((what) => ({ ...what, perHour: 0, isSignificant: false }));
}

/** The reading of an engine with one thread that has done nothing yet. */
function emptyLedger(
  subject: Subject,
  buckets: Pick<Dimensions, "bucketsMs" | "phaseBucketsMs">,
): LedgerView {
  const entries = subject.entries.length + subject.members.length;
  const layout = createLayout({
    ...buckets,
    entries,
    scenarios: subject.scenarios.length,
    connections: subject.connections.length,
    data: subject.data.length,
    exceptionRows: entries,
    sloRows: subject.slos.length,
    userRows: 1,
    slots: 0,
  });
  const half: Half = {
    cells: new Float64Array(layout.fineAt),
    states: new Uint8Array(0),
    entries: new Uint16Array(0),
  };
  return new LedgerView(layout, [half]);
}
