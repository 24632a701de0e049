import assert from "node:assert/strict";
import type { Labels, Metrics } from "./metrics.js";

/** The phases that follow one another from the planned start to the result. */
export const SUM_OF = ["dispatch", "queue", "run", "delivery"] as const;
export const RUN_MS = 200;

/**
 * A configuration in which every task has a name of its own, tests.sleep_0 and on, and is sent once: what
 * the histograms say of a name is what they say of one task. Workers need SLEEPS in their environment.
 */
export function singleRuns(options: {
  readonly broker: string;
  readonly backend: string;
  readonly queue: string;
  readonly rate: number;
  readonly seconds: number;
}): string {
  const { broker, backend, queue, rate, seconds } = options;
  const names = Array.from({ length: rate * seconds }, (_, index) => `sleep_${index}`);
  const task = { args: [RUN_MS / 1_000], queue, expires: "none" };
  return JSON.stringify({
    connections: { main: { broker, backend } },
    tasks: Object.fromEntries(names.map((name) => [name, { name: `tests.${name}`, ...task }])),
    scenarios: {
      steady: { profile: `${rate}/s`, mix: names, duration: `${seconds}s`, gracefulStop: "30s" },
    },
    limits: { series: 1_000_000 },
    server: { linger: "30s" },
  });
}

/** What became of one task, in milliseconds. */
export interface Told {
  readonly latencyMs: number;
  /** Without those that are not known. */
  readonly phasesMs: ReadonlyMap<string, number>;
}

/** The sum of a histogram of one value is the value. */
export function toldOf(page: Metrics): Told[] {
  const tasks = new Map<string, { latencyMs: number; phasesMs: Map<string, number> }>();
  const isKnown = new Set<string>();
  const keyOf = (labels: Labels) => `${labels.task} ${labels.phase ?? labels.outcome}`;
  for (const name of ["task_latency_seconds", "task_phase_seconds"]) {
    for (const { labels, value } of page.select(`celery_load_${name}_count`)) {
      assert.ok(value <= 1, JSON.stringify(labels));
      if (value === 1) isKnown.add(keyOf(labels));
    }
    for (const { labels, value } of page.select(`celery_load_${name}_sum`)) {
      if (!isKnown.has(keyOf(labels))) continue;
      const task = tasks.get(labels.task!) ?? { latencyMs: Number.NaN, phasesMs: new Map() };
      tasks.set(labels.task!, task);
      if (labels.phase === undefined) task.latencyMs = value * 1_000;
      else task.phasesMs.set(labels.phase, value * 1_000);
    }
  }
  return [...tasks.values()];
}

/** The value that so many percent do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!;
}

export const inMs = (values: readonly number[]) =>
  [50, 95, 99, 100].map((percent) => `p${percent} ${percentile(values, percent).toFixed(2)}`);

/** By how much the phases of each task miss its latency; of those tasks that have all of them. */
export function offsMs(told: readonly Told[]): number[] {
  return told
    .filter(({ phasesMs }) => SUM_OF.every((phase) => phasesMs.has(phase)))
    .map(({ latencyMs, phasesMs }) =>
      Math.abs(SUM_OF.reduce((sum, phase) => sum + phasesMs.get(phase)!, -latencyMs)),
    );
}

/** What is known of a phase, of each task. */
export function phaseMs(told: readonly Told[], phase: string): number[] {
  return told.flatMap(({ phasesMs }) => phasesMs.get(phase) ?? []);
}
