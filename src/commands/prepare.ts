import { checkRates } from "../config/check-rates.js";
import { type LoadedConfig, loadConfig } from "../config/load.js";
import type { GivenValue } from "../config/sources/layers.js";
import type { Variables } from "../config/sources/variables.js";
import { commit, version } from "../version.js";
import { type PlannedEngine, planEngine } from "../workload/workload.js";
import { checkColumns } from "./check-columns.js";
import { findCode } from "./code-files.js";
import { type DataFile, readDataFiles } from "./data-files.js";
import { readReplays } from "./replay-files.js";
import { readTemplateLines, type TemplateLines } from "./template-lines.js";

export interface PrepareOptions {
  readonly files: readonly string[];
  readonly env: Variables;
  readonly overrides: readonly GivenValue[];
  /** Ends the planning after this long; null: when the scenarios end by themselves. */
  readonly forMs?: number | null;
  readonly countLimit?: number | null;
}

/** A configuration that can be run, and what that comes to. */
export interface Prepared extends LoadedConfig, PlannedEngine {
  readonly templateLines: TemplateLines["lines"];
  /** In the order of the plan's data. */
  readonly dataFiles: readonly DataFile[];
}

/**
 * What `run` does before it connects, and so do `check`, `plan` and `doctor`: what one of them passes,
 * none refuses.
 *
 * @throws {ConfigError} (errors.ts) with every fault, each with its place
 */
export function prepare(options: PrepareOptions): Prepared {
  const { files, env, overrides, forMs = null, countLimit = null } = options;
  const loaded = loadConfig({ files, env, overrides });
  const replays = readReplays(loaded.config, files[0]);
  const { config, issues: codeIssues } = findCode(replays.config, files[0]);
  const { lines: templateLines, issues } = readTemplateLines(config, files[0]);
  const { files: dataFiles, issues: dataIssues } = readDataFiles(config, files[0]);
  // Without a file there is nothing to plan with.
  const unread = [...replays.issues, ...codeIssues, ...dataIssues];
  if (unread.length > 0) throw loaded.errorOf([...issues, ...unread]);
  const data = dataFiles.map(({ source }) => source);
  const { maxRatePerSecond } = config.limits;
  const fileIssues = [
    ...checkColumns(config, data),
    // Of a replay it is its file that says how many there are.
    ...checkRates(new Map(Object.entries(config.scenarios)), maxRatePerSecond),
  ];
  const planned = planEngine({ config, forMs, countLimit, templateLines, data, version, commit });
  const refused = "issues" in planned ? planned.issues : [];
  if ("issues" in planned || issues.length > 0 || fileIssues.length > 0) {
    throw loaded.errorOf([...issues, ...fileIssues, ...refused]);
  }
  return { ...loaded, config, ...planned, templateLines, dataFiles };
}
