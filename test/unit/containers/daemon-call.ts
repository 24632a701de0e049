import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { loadConfig } from "../../../src/config/load.js";
import type { Config } from "../../../src/config/schema.js";
import { CHECKOUT } from "../../../src/setup/checkout.js";

/** A call of the daemon as a container, a unit or a manifest writes it. */
export interface DaemonCall {
  /** Arguments of celery-load: run, and files of this machine. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Does the real command line take these arguments, every flag of them? Nothing is run: a `--for` of
 * nothing, which is refused after all flags were read, comes behind them.
 */
export function assertCommandLineTakes({ args, env }: DaemonCall): void {
  const main = join(CHECKOUT, "dist", "src", "main.js");
  const { status, stderr } = spawnSync(process.execPath, [main, ...args, "--for", "0s"], {
    env: { PATH: process.env.PATH, ...env },
    encoding: "utf8",
  });
  assert.match(stderr, /^--for: must be longer than nothing[^\n]*\n$/, args.join(" "));
  assert.equal(status, 104);
}

/**
 * The configuration that such a call runs with.
 * @throws ConfigError when the daemon would refuse it, for a CELERY_LOAD_ variable too
 */
export function configOf({ args, env }: DaemonCall): Config {
  const [command, ...files] = args;
  assert.equal(command, "run");
  assert.ok(!files.some((file) => file.startsWith("-")), `${args} has flags`);
  const { config, warnings } = loadConfig({ files, env });
  assert.deepEqual(warnings, [], `${files} are taken, but not without a warning`);
  return config;
}

/** How long a stop may take: what is in flight, then the last scrape. */
export function stopMs({ scenarios, server }: Config): number {
  const graceful = Object.values(scenarios).map(({ gracefulStopMs }) => gracefulStopMs);
  const DEFAULT_LINGER_MS = 15_000;
  return Math.max(...graceful) + (server.lingerMs ?? DEFAULT_LINGER_MS);
}
