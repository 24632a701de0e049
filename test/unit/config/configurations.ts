import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoadedConfig, type LoadOptions, loadConfig } from "../../../src/config/load.js";
import { type Config, isWorkflow, type TaskConfig } from "../../../src/config/schema.js";

/** The entry of `tasks` with this key, which is no workflow. */
export function taskOf(config: Config, key: string): TaskConfig {
  const entry = config.tasks[key];
  if (entry === undefined || isWorkflow(entry)) throw new Error(`no task ${key}`);
  return entry;
}

/** One connection and two tasks; eight lines. */
export const HEAD = `connections:
  main:
    broker: redis://:canary@127.0.0.1:6379/0
tasks:
  resize:
    name: app.tasks.resize
  thumb:
    name: app.tasks.thumb
`;

/** One scenario; four lines. */
export const SCENARIO = `scenarios:
  steady:
    profile: 20/s
    mix: {resize: 3, thumb: 1}
`;

/** Writes the texts as load.yml, load2.yml, … into a fresh directory and loads them from there. */
export function loadTexts(
  texts: readonly (string | Uint8Array)[],
  options: Omit<Partial<LoadOptions>, "files"> & { mode?: number } = {},
): LoadedConfig {
  const directory = mkdtempSync(join(tmpdir(), "celery-load-config-"));
  try {
    const files = texts.map((_, index) => `load${index === 0 ? "" : index + 1}.yml`);
    for (const [index, text] of texts.entries()) {
      writeFileSync(join(directory, files[index]!), text, { mode: options.mode ?? 0o600 });
    }
    return loadConfig({ env: {}, ...options, files, cwd: directory });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
