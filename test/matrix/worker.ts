import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startCeleryWorker } from "../../src/setup/celery-worker.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { mustRun } from "../../src/setup/programs.js";
import { scratchFile } from "../support/scratch.js";
import { type CeleryEnvironment, pythonPath } from "./celery-environment.js";
import { type Combination, nameOf } from "./combinations.js";
import type { Tallies } from "./tally.js";
import { queueOf, type Urls } from "./trial-config.js";

export interface MatrixWorker extends AsyncDisposable {
  log(): string;
  /** Makes it read one more queue, with `celery control add_consumer`. */
  alsoRead(queue: string): Promise<void>;
  /** Ends it, and says how often it ran each task by its own record. */
  stop(): Promise<Tallies>;
}

/**
 * Starts a worker of one combination and waits until it takes tasks.
 * @throws UserError with the end of its log when it does not come up
 */
export async function startMatrixWorker(
  combination: Combination,
  environment: CeleryEnvironment,
  urls: Urls,
): Promise<MatrixWorker> {
  const { python } = environment;
  const { pool } = combination;
  const directory = join(CHECKOUT, "test", "matrix");
  const node = `worker@${nameOf(combination)}`;
  const recordFile = await scratchFile("record.ndjson");
  await writeFile(recordFile, "");
  const env = {
    ...process.env,
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONPATH: pythonPath(environment, pool),
    CELERY_BROKER_URL: urls.broker,
    CELERY_RESULT_BACKEND: urls.backend,
    RECORD_FILE: recordFile,
  };
  const worker = await startCeleryWorker({
    python,
    directory,
    application: "matrix_app",
    pool,
    concurrency: 4,
    logFile: await scratchFile("worker.log"),
    args: [
      ...["--queues", queueOf(combination), "--hostname", node],
      // The other workers at this broker are other versions with other queues: none of its business.
      ...["--without-mingle", "--without-gossip"],
    ],
    env,
  });
  return {
    log: () => worker.output(),
    async alsoRead(queue) {
      const control = ["-m", "celery", "-A", "matrix_app", "control"];
      await mustRun(
        `let the worker read ${queue}`,
        python,
        [...control, "--destination", node, "--timeout", "20", "add_consumer", queue],
        { cwd: directory, env },
      );
    },
    async stop() {
      await worker.stop(20_000);
      return runsIn(await readFile(recordFile, "utf8"));
    },
    async [Symbol.asyncDispose]() {
      await worker.stop(0);
    },
  };
}

/** The record has a line for each start of a task, `{"run", "id", "name", "startedMs"}`, and one for its end. */
function runsIn(record: string): Tallies {
  const tallies: Record<string, { runs: number }> = {};
  for (const line of record.split("\n").filter((text) => text !== "")) {
    const { name, startedMs } = JSON.parse(line) as { name: string; startedMs?: number };
    if (startedMs === undefined) continue;
    tallies[name] ??= { runs: 0 };
    tallies[name].runs += 1;
  }
  return tallies;
}
