import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHECKOUT } from "../../src/setup/checkout.js";
import type { Packages } from "./celery-environment.js";
import { type Broker, type CelerySeries, type Combination, nameOf } from "./combinations.js";
import { kindsDigest } from "./kinds.js";

/** What became of one combination. */
export interface Trial extends Combination {
  /** Why it could not run here; then there are no problems. */
  readonly notRun: string | null;
  /** Empty when everything was right. */
  readonly problems: readonly string[];
  /** How often it was repeated as the machine was too busy for the daemon to be on time. */
  readonly repeats: number;
  /** Pages of metrics that were read, and whose ledger balanced. */
  readonly scrapes: number;
  readonly seconds: number;
}

/** One run of the script: what it ran with, and those of its trials that no later run has repeated. */
export interface MatrixRun {
  /** ISO 8601, when it began. */
  readonly date: string;
  /** `kindsDigest()` of then. */
  readonly kinds: string;
  /** The version of this package. */
  readonly daemon: string;
  readonly node: string;
  /** Versions of the servers that it needed; null when one was not to be had. */
  readonly servers: Readonly<Partial<Record<Broker, string | null>>>;
  readonly packages: Readonly<Partial<Record<CelerySeries, Packages>>>;
  readonly trials: readonly Trial[];
}

/** What the page rests on, committed beside it. */
export const RESULTS_FILE = join(CHECKOUT, "test", "matrix", "results.json");

/** All runs that count, oldest first. Those of trials with other tasks do not: the page tells of these. */
export async function readResults(): Promise<MatrixRun[]> {
  const text = await readFile(RESULTS_FILE, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "[]";
    throw error;
  });
  return runsThatCount(JSON.parse(text) as MatrixRun[]);
}

export function runsThatCount(runs: readonly MatrixRun[]): MatrixRun[] {
  return runs.filter(({ kinds }) => kinds === kindsDigest());
}

export async function writeResults(runs: readonly MatrixRun[]): Promise<void> {
  await writeFile(RESULTS_FILE, `${JSON.stringify(runs, null, 2)}\n`);
}

/** A combination's last trial is the one that counts, whatever came of it. */
export function mergeRun(runs: readonly MatrixRun[], run: MatrixRun): MatrixRun[] {
  if (run.trials.length === 0) return [...runs];
  const repeated = new Set(run.trials.map(nameOf));
  const earlier = runs.map((each) => ({
    ...each,
    trials: each.trials.filter((trial) => !repeated.has(nameOf(trial))),
  }));
  return [...earlier.filter(({ trials }) => trials.length > 0), run];
}
