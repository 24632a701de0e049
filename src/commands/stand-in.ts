import { readFileSync } from "node:fs";
import { loadConfig } from "../config/load.js";
import { parseDuration } from "../config/quantities.js";
import { type ConfigNode, nodeAt, placeOf } from "../config/sources/tree.js";
import { readYamlFile } from "../config/sources/yaml-source.js";
import { ConfigError, EXIT, messageOf } from "../errors.js";
import { BROKER_VARIABLE } from "../learn/configuration-text.js";
import { RUN_TIME_KEY } from "../learn/run-time-key.js";
import { type StandInTask, standInModule } from "../learn/stand-in.js";
import type { RunTimes } from "../learn/traffic.js";
import { type NewFile, refuseIfThere, writeNewFile } from "./new-file.js";
import type { Streams } from "./streams.js";

/** The flags of `celery-load stand-in`, as they were typed. */
export interface StandInFlags extends NewFile {
  readonly files: readonly string[];
}

/**
 * `celery-load stand-in`: writes a Celery worker whose tasks have the names of a configuration and run for as long as
 * `x-runTime` there says. Returns the exit code.
 * @throws {ConfigError} when the configuration cannot be used
 * @throws {UserError} when the file is there, or cannot be written
 */
export function standIn(flags: StandInFlags, { env, stdout, stderr }: Streams): number {
  // Where the worker will be is not asked here.
  const anyBroker = { [BROKER_VARIABLE]: "redis://localhost/0", ...env };
  const { config } = loadConfig({ files: flags.files, env: anyBroker });
  refuseIfThere(flags);
  const runTimes = readRunTimes(flags.files);
  // A workflow is made of other tasks.
  const tasks = Object.entries(config.tasks).flatMap(([key, task]): StandInTask[] =>
    "name" in task
      ? [{ name: task.name, queue: task.queue, runTimes: runTimes.get(key) ?? null }]
      : [],
  );
  const text = standInModule(tasks, flags.files.join(", "));
  writeNewFile(flags, text, "the worker", stdout);
  const unknown = tasks.filter((task) => task.runTimes === null).length;
  if (unknown > 0) {
    stderr(`${unknown} of ${tasks.length} tasks have no ${RUN_TIME_KEY}: they return at once.\n`);
  }
  if (flags.out !== "-") {
    const module = flags.out.replace(/\.py$/, "").replaceAll("/", ".");
    stderr(
      `Wrote ${flags.out}. Set ${BROKER_VARIABLE}, and run: celery -A ${module} worker --concurrency 8\n`,
    );
  }
  return EXIT.ok;
}

/** By the keys of tasks; of several files that have one the last counts. */
function readRunTimes(files: readonly string[]): ReadonlyMap<string, RunTimes> {
  const all = new Map<string, RunTimes>();
  for (const file of files) {
    // It was read a moment ago, and every fault of it told.
    const { root } = readYamlFile(readFileSync(file, "utf8"), file);
    const tasks = root === undefined ? undefined : nodeAt(root, ["tasks"]);
    if (tasks?.kind !== "map") continue;
    for (const [key, { value }] of tasks.entries) {
      const node = nodeAt(value, [RUN_TIME_KEY]);
      if (node !== undefined) all.set(key, readRunTime(node));
    }
  }
  return all;
}

/** @throws {ConfigError} when it is not as `learn` writes it */
function readRunTime(node: ConfigNode): RunTimes {
  const seconds = (quantile: string) => {
    const value = nodeAt(node, [quantile]);
    const place = placeOf((value ?? node).origin);
    const text = value?.kind === "scalar" ? String(value.value) : "";
    try {
      return parseDuration(text) / 1000;
    } catch (error) {
      const message = `Cannot read ${quantile} of ${RUN_TIME_KEY}: ${messageOf(error)}. Write { p50: 40ms, p90: 100ms, p99: 1s }.`;
      throw new ConfigError([{ place, message }]);
    }
  };
  return { p50: seconds("p50"), p90: seconds("p90"), p99: seconds("p99") };
}
