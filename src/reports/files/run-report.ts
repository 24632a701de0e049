import { availableParallelism } from "node:os";
import type { HistoryAnswer } from "../../history/answer.js";
import type { Block, TaskBlock } from "../../history/blocks.js";
import { BLOCK_COUNTERS } from "../../history/blocks.js";
import { add } from "../../history/latencies.js";
import type { Sparse } from "../../history/sparse.js";
import { sparseGrowth } from "../../history/sparse.js";
import type { TimelineAnswer } from "../../history/timeline.js";
import { fineLowerMs, quantileMs } from "../../ledger/histogram.js";
import { type EntryHistogram, FINE } from "../../ledger/layout.js";
import type { ObservedConnection } from "../../observer/connection-observer.js";
import type { ObservedWorker } from "../../observer/worker.js";
import { LATENCY_OUTCOMES, PHASES } from "../../readings/label-values.js";
import type { LedgerView } from "../../readings/ledger-view.js";
import type { Subject } from "../../readings/subject.js";
import { entriesByTask } from "../../readings/summary.js";
import type { PhaseReport } from "../phase-report.js";
import { isBalanced, reportOf } from "../task-report.js";
import { type JudgedRun, judgementsOf, verdictOfRun } from "./judgements.js";
import { REPORT_VERSION, type RunReport } from "./report-schema.js";

/** What is known of a run that has ended, with what was kept of it meanwhile. */
export interface RunReportSources extends JudgedRun {
  readonly id: string;
  readonly endedBy: RunReport["run"]["endedBy"];
  readonly segment: string;
  readonly threads: number;
  /** A live reading, with the fine tables of the phases. */
  readonly live: LedgerView;
  readonly timeline: TimelineAnswer;
  readonly blocks: { readonly stepSeconds: number; readonly all: readonly Block[] };
  readonly marks: HistoryAnswer["marks"];
  readonly observed: readonly ObservedConnection[];
  /** What was in effect, as YAML without passwords; null where it is too long. */
  readonly configuration: string | null;
}

/** All of `report.json`. */
export function runReport(sources: RunReportSources): RunReport {
  const { report, subject, live, isBounded } = sources;
  const judgements = judgementsOf(sources);
  const { startedAt, endedAt, seconds, saturatedSeconds, balanced, total, tasks } = report;
  const { slos, thresholds, stages, users, scripts, data, withoutSuccess } = report;
  return {
    reportVersion: REPORT_VERSION,
    run: {
      ...{ id: sources.id, startedAt, endedAt, seconds, endedBy: sources.endedBy, isBounded },
      ...{ saturatedSeconds, segment: sources.segment },
    },
    verdict: mutable(verdictOfRun(judgements, report, isBounded)),
    judgements: mutable(judgements),
    ledger: mutable({
      ...{ balanced, total, scenarios: byScenario(sources) },
      tasks: Object.fromEntries(
        [...entriesByTask(subject)].map(([task, entries]) => [
          task,
          { ...tasks[task]!, phases: finePhases(live, entries) },
        ]),
      ),
    }),
    slos: mutable(slos),
    thresholds: mutable(thresholds),
    guards: sources.guards.map((guard) => {
      const { name, watch, action, state, subject, value, limit, firedTotal, unknown } = guard;
      return { name, watch, action, state, subject, value, limit, firedTotal, unknown };
    }),
    histograms: {
      bounds: { firstSeconds: fineLowerMs(0) / 1000, stepsPerOctave: STEPS, cells: FINE.size },
      tasks: histogramsByTask(live, subject),
    },
    blocks: blocksOf(sources.blocks),
    timeline: mutable(sources.timeline),
    stages: mutable(stages),
    events: sources.marks.map(({ at, type, text, details }) => ({
      ...{ at, type, text, details: { ...details } },
    })),
    users: mutable(users),
    scripts: mutable(scripts),
    data: mutable(data),
    withoutSuccess: [...withoutSuccess],
    environment: environmentOf(sources),
  };
}

const STEPS = 1 << FINE.stepsBits;

type Mutable<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { -readonly [Key in keyof T]: Mutable<T[Key]> }
    : T;

/** The schema's types have no `readonly`; nobody writes what is written down next. */
function mutable<T>(value: T): Mutable<T> {
  return value as Mutable<T>;
}

function byScenario({ ledger, subject }: RunReportSources) {
  return Object.fromEntries(
    subject.scenarios.map(({ name }, scenario) => {
      const own = [...entriesByTask(subject)].flatMap(([task, entries]) => {
        const mine = entries.filter((entry) => subject.entries[entry]!.scenario === scenario);
        return mine.length === 0 ? [] : [[task, mine] as const];
      });
      return [
        name,
        {
          balanced: own.every(([, entries]) => isBalanced(ledger, entries)),
          tasks: Object.fromEntries(
            own.map(([task, entries]) => [task, reportOf(ledger, subject, entries)]),
          ),
        },
      ];
    }),
  );
}

type Histogram = RunReport["histograms"]["tasks"][string]["latency"]["succeeded"];

function histogramsByTask(live: LedgerView, subject: Subject): RunReport["histograms"]["tasks"] {
  return Object.fromEntries(
    [...entriesByTask(subject)].map(([task, entries]) => [
      task,
      histogramsOf((name) => {
        const { counts, sumMs } = tableOf(live, entries, name);
        return histogramOf(sparseGrowth(NOTHING, counts, sumMs));
      }),
    ]),
  );
}

/** With the percentiles of the fine tables, which those of buckets are a guess at. */
function finePhases(live: LedgerView, entries: readonly number[]): Record<string, PhaseReport> {
  return Object.fromEntries(
    Object.entries(PHASES).map(([phase, name]): [string, PhaseReport] => {
      const { counts, sumMs } = tableOf(live, entries, name);
      const count = counts.reduce((sum, each) => sum + each, 0);
      const quantile = (q: number) => (count === 0 ? null : quantileMs(counts, q) / 1000);
      const meanSeconds = count === 0 ? null : sumMs / count / 1000;
      return [
        phase,
        { count, meanSeconds, p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) },
      ];
    }),
  );
}

/** Of latencies and phases, by their label values. */
function histogramsOf<Of>(of: (name: EntryHistogram) => Of) {
  const { succeeded, failed } = LATENCY_OUTCOMES;
  return {
    latency: { succeeded: of(succeeded), failed: of(failed) },
    phases: Object.fromEntries(
      Object.entries(PHASES).map(([phase, histogram]) => [phase, of(histogram)]),
    ),
  };
}

/** A whole table, of some entries together. */
function tableOf(live: LedgerView, entries: readonly number[], name: EntryHistogram) {
  const counts = new Float64Array(FINE.size);
  let sumMs = 0;
  for (const entry of entries) {
    add(counts, live.fineCounts(entry, name));
    sumMs += live.sumMs(entry, name);
  }
  return { counts, sumMs };
}

const NOTHING = new Float64Array(FINE.size);

function histogramOf({ cells, counts, sumMs }: Sparse): Histogram {
  const pairs: number[] = [];
  let count = 0;
  for (let index = 0; index < cells.length; index++) {
    pairs.push(cells[index]!, counts[index]!);
    count += counts[index]!;
  }
  return { count, sumSeconds: Number((sumMs / 1000).toPrecision(12)), cells: pairs };
}

/** A task that a reload brought or took has empty blocks in the rest of the time. */
function blocksOf({ stepSeconds, all }: RunReportSources["blocks"]): RunReport["blocks"] {
  const names = [...new Set(all.flatMap(({ tasks }) => [...tasks.keys()]))];
  const ofTask = (name: string) => {
    const own = all.map(({ tasks }) => tasks.get(name) ?? EMPTY);
    return {
      counts: Object.fromEntries(
        BLOCK_COUNTERS.map((counter) => [
          counter,
          own.map(({ counters }) => counters.get(counter) ?? 0),
        ]),
      ),
      ...histogramsOf((histogram) =>
        own.map(({ histograms }) => histogramOf(histograms.get(histogram) ?? NONE)),
      ),
    };
  };
  const three = (value: number) => Number(value.toFixed(3));
  return {
    stepSeconds,
    at: all.map(({ at }) => three(at)),
    seconds: all.map(({ seconds }) => three(seconds)),
    saturatedSeconds: all.map(({ saturatedSeconds }) => three(saturatedSeconds)),
    tasks: Object.fromEntries(names.map((name) => [name, ofTask(name)])),
  };
}

const NONE: Sparse = { cells: new Uint16Array(), counts: new Uint32Array(), sumMs: 0 };
const EMPTY: TaskBlock = { counters: new Map(), histograms: new Map() };

function environmentOf({
  subject,
  observed,
  threads,
  configuration,
}: RunReportSources): RunReport["environment"] {
  const { version, commit, configHash } = subject;
  return {
    daemon: {
      ...{
        version,
        commit,
        node: process.version,
        platform: `${process.platform} ${process.arch}`,
      },
      ...{ cpus: availableParallelism(), threads },
    },
    connections: Object.fromEntries(
      observed.map(({ name, server, workers }) => [
        name,
        {
          server: server === null ? null : { ...server },
          workers: workers.map((worker) => ({
            ...{ name: worker.name, up: worker.up, version: worker.version, pool: worker.pool },
            ...{ places: worker.poolSize, prefetch: worker.prefetchCount },
            queues: [...worker.queues],
          })),
          pools: poolsOf(workers),
        },
      ]),
    ),
    configuration: { hash: configHash, text: configuration },
  };
}

type Pool = RunReport["environment"]["connections"][string]["pools"][number];

/** Workers that are up; those of one pool, version, size and prefetch together. */
function poolsOf(workers: readonly ObservedWorker[]): Pool[] {
  const pools = new Map<string, Pool>();
  for (const { up, pool, version, poolSize, prefetchCount: prefetch } of workers) {
    if (up === null || up === 0) continue;
    const key = JSON.stringify([pool, version, poolSize, prefetch]);
    const same = pools.get(key) ?? { workers: 0, pool, places: null, prefetch, version };
    same.workers += up;
    if (poolSize !== null) same.places = (same.places ?? 0) + poolSize;
    pools.set(key, same);
  }
  return [...pools.values()];
}
