import { EXIT } from "../errors.js";
import { columnsOf } from "../terminal/terminal.js";
import { parseDate, parseFor } from "./flags.js";
import { planText } from "./plan-text.js";
import { prepare } from "./prepare.js";
import type { OutputStreams, Streams } from "./streams.js";
import { remarksText } from "./told.js";

/** The flags of `celery-load plan`, as they were typed. */
export interface PlanFlags {
  readonly files: readonly string[];
  readonly set: readonly string[];
  readonly for?: string | undefined;
  readonly on?: string | undefined;
}

/** Columns of the drawing where no terminal says how many there are. */
const USUAL_WIDTH = 100;

/**
 * `celery-load plan`: shows what a configuration would send before anything is sent. Returns the exit code.
 * @throws {ConfigError} when it cannot be used
 */
export function runPlan(
  flags: PlanFlags,
  env: Streams["env"],
  { stdout, stderr }: OutputStreams,
): number {
  const forMs = flags.for === undefined ? null : parseFor(flags.for);
  const on = flags.on === undefined ? null : parseDate(flags.on);
  const overrides = flags.set.map((set) => ({ set }));
  const { config, warnings, dataFiles } = prepare({ files: flags.files, env, overrides, forMs });
  stderr.write(remarksText({ warnings }, columnsOf(stderr)));
  const rowsOf = new Map(
    dataFiles
      .filter(({ source }) => source.take === "once")
      .map(({ source: { name, rowCount } }) => [name, rowCount]),
  );
  const columns = columnsOf(stdout);
  const width = columns ?? USUAL_WIDTH;
  stdout.write(
    planText({
      ...{ config, forMs, on, rowsOf, nowUnixMs: Date.now() },
      ...{ width, columns: columns ?? Infinity },
    }),
  );
  return EXIT.ok;
}
