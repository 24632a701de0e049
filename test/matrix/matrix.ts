import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { messageOf, UserError } from "../../src/errors.js";
import { CHECKOUT, cachePath } from "../../src/setup/checkout.js";
import { version } from "../../src/version.js";
import { type CeleryEnvironment, ensureCelery } from "./celery-environment.js";
import { type CelerySeries, type Combination, chooseCombinations, nameOf } from "./combinations.js";
import { kindsDigest } from "./kinds.js";
import { compatibilityPage } from "./page.js";
import { type MatrixRun, mergeRun, readResults, type Trial, writeResults } from "./results.js";
import { startServers } from "./servers.js";
import { notRun, runTrial } from "./trial.js";

/**
 * Runs the daemon against combinations of Celery version, broker, result backend and pool, puts what came
 * of them into results.json, and writes docs/compatibility.md from all results that are there.
 *
 *     npm run matrix -- [--celery 5.4,5.7] [--broker redis] [--backend rpc] [--pool threads,solo]
 */
const AT_ONCE = 2;
const LOGS = cachePath("matrix", "logs");
let isStopping = false;
// The servers have to be stopped, whatever comes: the trials that run are let end, and count. A
// terminal's Ctrl-C comes twice, once from the script above us.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    isStopping = true;
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(messageOf(error));
  if (error instanceof UserError && error.hint !== undefined) console.error(error.hint);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const combinations = chooseCombinations(readFlags());
  const run = await runMatrix(combinations);
  const results = mergeRun(await readResults(), run);
  await writeResults(results);
  await writeFile(join(CHECKOUT, "docs", "compatibility.md"), compatibilityPage(results));
  const failed = run.trials.filter(({ problems }) => problems.length > 0).length;
  const missing = run.trials.filter((trial) => trial.notRun !== null).length;
  console.error(
    `matrix: of ${combinations.length} combinations ${run.trials.length - missing} ran and ${failed} ` +
      `failed; docs/compatibility.md is written, logs are in ${LOGS}`,
  );
  if (isStopping) return 130;
  return failed > 0 ? 1 : 0;
}

function readFlags() {
  const text = { type: "string" } as const;
  try {
    return parseArgs({ options: { celery: text, broker: text, backend: text, pool: text } }).values;
  } catch (error) {
    throw new UserError(messageOf(error), {
      hint: "The flags are --celery, --broker, --backend and --pool, each with names and commas between.",
    });
  }
}

async function runMatrix(combinations: readonly Combination[]): Promise<MatrixRun> {
  const date = new Date().toISOString();
  await rm(LOGS, { recursive: true, force: true });
  const environments = await installAll(combinations);
  await using servers = await startServers(new Set(combinations.map(({ broker }) => broker)));
  const trials = await inLanes(combinations, async (combination) => {
    const environment = environmentFor(combination, environments.get(combination.celery)!);
    if (typeof environment === "string") return notRun(combination, environment);
    return runTrial(combination, environment, servers, LOGS);
  });
  const packages = [...environments].flatMap(([series, found]) =>
    typeof found === "string" ? [] : [[series, found.packages] as const],
  );
  return {
    date,
    kinds: kindsDigest(),
    daemon: version,
    node: process.versions.node,
    servers: servers.versions,
    packages: Object.fromEntries(packages),
    trials,
  };
}

/** Installs one after the other, as two would wait for one lock. A text says why it could not. */
async function installAll(
  combinations: readonly Combination[],
): Promise<Map<CelerySeries, CeleryEnvironment | string>> {
  const environments = new Map<CelerySeries, CeleryEnvironment | string>();
  for (const series of new Set(combinations.map(({ celery }) => celery))) {
    environments.set(series, await ensureCelery(series).catch(messageOf));
  }
  return environments;
}

function environmentFor(
  { pool }: Combination,
  environment: CeleryEnvironment | string,
): CeleryEnvironment | string {
  if (typeof environment === "string" || pool !== "gevent") return environment;
  return environment.noGevent ?? environment;
}

/** Runs trials side by side, tells of each as it ends, and returns them in the combinations' order. */
async function inLanes(
  combinations: readonly Combination[],
  trialOf: (combination: Combination) => Promise<Trial>,
): Promise<Trial[]> {
  const trials: Trial[] = [];
  const waiting = [...combinations.entries()];
  let done = 0;
  const lane = async () => {
    for (;;) {
      const next = isStopping ? undefined : waiting.shift();
      if (next === undefined) return;
      const [index, combination] = next;
      const trial = await trialOf(combination);
      trials[index] = trial;
      done += 1;
      console.error(`matrix: ${done}/${combinations.length} ${lineOf(trial)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return trials.filter((trial) => trial !== undefined);
}

function lineOf(trial: Trial): string {
  const name = nameOf(trial);
  if (trial.notRun !== null) return `${name} not run: ${trial.notRun}`;
  const found = trial.problems.length === 0 ? "✓" : `✗ ${trial.problems.join("; ")}`;
  const again = trial.repeats === 0 ? "" : `, repeated ${trial.repeats}×`;
  return `${name} ${found} (${trial.seconds} s, ${trial.scrapes} scrapes${again})`;
}
