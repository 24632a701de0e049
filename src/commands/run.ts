import { printEffective } from "../config/print/print.js";
import type { Config } from "../config/schema.js";
import type { GivenValue } from "../config/sources/layers.js";
import { type QuickFlags, quickForm } from "../config/sources/quick.js";
import type { ConfigNode } from "../config/sources/tree.js";
import { Daemon } from "../daemon/daemon.js";
import { type PushTarget, pushTarget } from "../daemon/push.js";
import type { Reread } from "../daemon/reloads.js";
import { ConfigError } from "../errors.js";
import { createLog } from "../log.js";
import { hasControllingTerminal, type ReceivedSignal } from "../signals.js";
import { wantsColor } from "../terminal/terminal.js";
import { changesOf, unchangeable } from "../workload/reload.js";
import { planSteering } from "../workload/steering.js";
import { endsByItself } from "../workload/workload.js";
import { flagError, parseCount, parseFor } from "./flags.js";
import { type Prepared, prepare } from "./prepare.js";
import { makeReportDirectory, writeReports } from "./report-directory.js";
import type { Streams } from "./streams.js";

/** The flags of `celery-load run`, as they were typed. */
export interface RunFlags extends QuickFlags {
  readonly files: readonly string[];
  readonly set: readonly string[];
  readonly for?: string | undefined;
  readonly count?: string | undefined;
  readonly json?: boolean | undefined;
  readonly exitOnSlo?: boolean | undefined;
  readonly report?: string | undefined;
  readonly strict?: boolean | undefined;
  readonly push?: string | undefined;
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
  const read = (leftMs: number | null) =>
    prepare({
      files: flags.files,
      env: streams.env,
      overrides: [...overridesOf(flags, streams.env), ...flags.set.map((set) => ({ set }))],
      forMs: leftMs,
      countLimit,
    });
  const planned = read(forMs);
  const { config, warnings, notes, plan } = planned;
  if (flags.exitOnSlo && config.slos.length === 0) {
    throw flagError("--exit-on-slo", "there are no slos in the configuration. Add one.");
  }
  if (flags.strict && flags.report === undefined) {
    throw flagError("--strict", "says how --report writes junit.xml. Add --report DIR.");
  }
  if (flags.report !== undefined) makeReportDirectory(flags.report);
  const push = flags.push === undefined ? null : parsePush(flags.push);
  let inForce: Prepared = planned;
  const isBounded = endsByItself(plan);
  // A daemon's standard output stays clean: its totals are in the last lines of the log.
  const hasText = !flags.json && (isBounded || streams.isTerminal);
  const columns = () => streams.stderrColumns() ?? Number.POSITIVE_INFINITY;
  const hasColor = wantsColor(streams.env, streams.isTerminal);
  const log = createLog(flags.logLevel, streams.isTerminal ? { hasColor, columns } : null);
  for (const warning of warnings) log.warn(warning);
  for (const note of notes) log.debug(note);
  const daemon = new Daemon({
    planned,
    steerable: planSteering(config, plan),
    control: config.control,
    stateFile: config.state.file,
    reread:
      flags.files.length === 0
        ? null
        : rereader(config, forMs, read, (accepted) => {
            inForce = accepted;
          }),
    listen: config.server.listen,
    hosts: config.server.hosts,
    lingerMs: config.server.lingerMs ?? (isBounded || streams.isTerminal ? 0 : DEFAULT_LINGER_MS),
    portWaitMs: Math.max(config.server.lingerMs ?? 0, DEFAULT_LINGER_MS) + CLOSING_MS,
    driftWindowMs: config.driftWindowMs,
    isBounded,
    exitOnSlo: flags.exitOnSlo === true,
    report:
      flags.report === undefined
        ? null
        : {
            isStrict: flags.strict === true,
            configuration: () => effectiveText(inForce.effective()),
          },
    push,
    log,
    terminal: streams.isTerminal ? { columns, show: (line) => streams.stderr(`${line}\n`) } : null,
    hasTerminal: hasControllingTerminal(),
    showReport: ({ text, json, files }) => {
      if (flags.report !== undefined) {
        writeReports(flags.report, files());
        log.info({ report: flags.report }, "the report is written");
      }
      if (flags.json) streams.stdout(`${json()}\n`);
      else if (hasText) {
        streams.stdout(`${text(streams.stdoutColumns() ?? Number.POSITIVE_INFINITY)}\n`);
      }
    },
    isReportBesideLog: hasText && streams.isTerminal && streams.stdoutColumns() !== null,
  });
  onSignal((signal) => daemon.signal(signal));
  return daemon.run();
}

/** Reads the files of a run again, each time against what is in force. */
function rereader(
  first: Config,
  forMs: number | null,
  read: (leftMs: number | null) => Prepared,
  onAccepted: (planned: Prepared) => void,
): (elapsedMs: number) => Reread {
  let inForce = first;
  return (elapsedMs) => {
    const planned = read(forMs === null ? null : Math.max(0, forMs - elapsedMs));
    const { config, errorOf } = planned;
    const faults = unchangeable(inForce, config);
    if (faults.length > 0) throw errorOf(faults);
    return {
      planned,
      steerable: planSteering(config, planned.plan),
      changes: changesOf(inForce, config),
      accept: () => {
        inForce = config;
        onAccepted(planned);
      },
    };
  };
}

function parsePush(text: string): PushTarget {
  try {
    return pushTarget(text);
  } catch {
    throw flagError(
      "--push",
      "must be the URL of a Pushgateway, such as http://127.0.0.1:9091. Write one of http or https.",
    );
  }
}

/** Its lines as `check` prints them; null where they are too long to be kept in a report. */
function effectiveText(effective: ConfigNode): string | null {
  let text = "";
  for (const line of printEffective(effective)) {
    text += line;
    if (text.length > MOST_CONFIGURATION) return null;
  }
  return text;
}

const MOST_CONFIGURATION = 1024 * 1024;

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
): GivenValue[] {
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
    ...(flags.control === undefined
      ? []
      : [{ path: ["control", "listen"], value: flags.control, flag: "--control" }]),
    ...(flags.segment === undefined
      ? []
      : [{ path: ["segment"], value: flags.segment, flag: "--segment" }]),
  ];
}
