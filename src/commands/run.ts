import { readFileSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { templateFiles } from "../celery/arguments.js";
import type { Override } from "../config/layers.js";
import { loadConfig } from "../config/load.js";
import { type QuickFlags, quickForm } from "../config/quick.js";
import { type Config, isWorkflow } from "../config/schema.js";
import { Daemon } from "../daemon/daemon.js";
import { planEngine } from "../daemon/engine-plan.js";
import { ConfigError, messageOf } from "../errors.js";
import { createLog } from "../log.js";
import type { ReceivedSignal } from "../signals.js";
import { commit, version } from "../version.js";
import { flagError, parseCount, parseFor } from "./flags.js";
import type { Streams } from "./streams.js";

/** The flags of `celery-load run`, as they were typed. */
export interface RunFlags extends QuickFlags {
  readonly files: readonly string[];
  readonly set: readonly string[];
  readonly for?: string | undefined;
  readonly count?: string | undefined;
  readonly json?: boolean | undefined;
  readonly exitOnSlo?: boolean | undefined;
  readonly logLevel: string;
}

const DEFAULT_LINGER_MS = 15_000;
/** What a stop takes besides: connections are closed, events are switched off. */
const CLOSING_MS = 10_000;

/**
 * `celery-load run`: the daemon. `onSignal` is called with what a signal is to do.
 * Returns the exit code; throws UserError and ConfigError.
 */
export async function run(
  flags: RunFlags,
  streams: Streams,
  onSignal: (receive: (signal: ReceivedSignal) => void) => void,
): Promise<number> {
  const forMs = flags.for === undefined ? null : parseFor(flags.for);
  const countLimit = flags.count === undefined ? null : parseCount(flags.count);
  const { config, warnings } = loadConfig({
    files: [...flags.files],
    env: streams.env,
    overrides: [...overridesOf(flags, streams.env), ...flags.set.map((set) => ({ set }))],
  });
  if (flags.exitOnSlo && config.slos.length === 0) {
    throw flagError("--exit-on-slo", "there are no slos in the configuration. Add one.");
  }
  const isBounded = forMs !== null || countLimit !== null;
  const { plan, subject, observe } = planEngine({
    config,
    forMs,
    countLimit,
    templateLines: readTemplateLines(config, flags.files[0]),
    version,
    commit,
  });
  const log = createLog(flags.logLevel, streams.isTerminal);
  for (const warning of warnings) log.warn(warning);
  const daemon = new Daemon({
    plan,
    subject,
    observe,
    listen: config.server.listen,
    lingerMs: config.server.lingerMs ?? (isBounded || streams.isTerminal ? 0 : DEFAULT_LINGER_MS),
    portWaitMs: Math.max(config.server.lingerMs ?? 0, DEFAULT_LINGER_MS) + CLOSING_MS,
    driftWindowMs: config.driftWindowMs,
    isBounded,
    exitOnSlo: flags.exitOnSlo === true,
    log,
    showStatus: streams.isTerminal ? (line) => streams.stderr(`${line}\n`) : null,
    showReport: ({ text, json }) => {
      if (flags.json) streams.stdout(`${json}\n`);
      else if (isBounded || streams.isTerminal) streams.stdout(`${text}\n`);
    },
  });
  onSignal((signal) => daemon.signal(signal));
  return daemon.run();
}

/** Flags that only make sense without a file. */
const QUICK_FLAGS = [
  "broker",
  "backend",
  "task",
  "args",
  "kwargs",
  "rate",
  "profile",
  "queue",
] as const satisfies readonly (keyof QuickFlags)[];

/** Without a file the flags make the configuration; with one they would contradict it. */
export function overridesOf(
  flags: QuickFlags & Pick<RunFlags, "files">,
  env: Streams["env"],
): Override[] {
  if (flags.files.length === 0) return quickForm(flags, env);
  const misplaced = QUICK_FLAGS.filter((name) => flags[name] !== undefined);
  if (misplaced.length > 0) {
    throw new ConfigError(
      misplaced.map((name) => ({
        place: `--${name}`,
        message: `belongs to the quick form, which has no FILE. Leave the file out, or write --set with the value's path instead.`,
      })),
    );
  }
  return [
    ...(flags.listen === undefined
      ? []
      : [{ path: ["server", "listen"], value: flags.listen, flag: "--listen" }]),
    ...(flags.segment === undefined
      ? []
      : [{ path: ["segment"], value: flags.segment, flag: "--segment" }]),
  ];
}

/** Reads the files that templates name, which must lie in the first configuration file's folder. */
export function readTemplateLines(
  config: Config,
  firstFile: string | undefined,
): Record<string, string[]> {
  const folder = firstFile === undefined ? process.cwd() : dirname(resolve(firstFile));
  const lines: Record<string, string[]> = {};
  for (const [key, task] of Object.entries(config.tasks)) {
    if (isWorkflow(task)) continue;
    for (const name of [...templateFiles(task.args), ...templateFiles(task.kwargs)]) {
      lines[name] ??= readLines(key, folder, name);
    }
  }
  return lines;
}

function readLines(taskKey: string, folder: string, name: string): string[] {
  const fault = (message: string) => flagError(`tasks.${taskKey}`, `file("${name}") ${message}`);
  const path = resolve(folder, name);
  const inside = relative(folder, path);
  if (inside.startsWith("..") || isAbsolute(inside)) {
    throw fault("must lie in the folder of the configuration file. Move it there.");
  }
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw fault(`cannot be read: ${messageOf(error)}. Check its name and permissions.`);
  }
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  if (lines.length === 0) throw fault("has no lines. Put one value on each line.");
  return lines;
}
