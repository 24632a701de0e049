import { shapeOf } from "../data/row-values.js";
import { check } from "../doctor/checks/checks.js";
import { examine } from "../doctor/examine.js";
import { OpenParts } from "../doctor/open-parts.js";
import { findingsText, isWell, reportJson } from "../doctor/report.js";
import { startsOver } from "../doctor/starts.js";
import { EXIT } from "../errors.js";
import type { ReceivedSignal } from "../signals.js";
import { wrappedText } from "../terminal/text.js";
import { parseFor } from "./flags.js";
import { prepare } from "./prepare.js";
import { overridesOf, type RunFlags } from "./run.js";
import type { Streams } from "./streams.js";
import { remarksText } from "./told.js";

/** The flags of `celery-load doctor`, as they were typed. */
export interface DoctorFlags extends Omit<RunFlags, "for" | "count" | "logLevel"> {
  /** Commander's name of `--no-send`. */
  readonly send: boolean;
  readonly wait: string;
}

/**
 * `celery-load doctor`: looks at the deployment, sends one task of each kind, and says what is wrong with
 * the remedy. `onSignal` is called with what a signal is to do.
 * @returns 0 when there is no problem, 1 when there is one, 105 when a signal came first
 * @throws {ConfigError} when the configuration cannot be used
 */
export async function doctor(
  flags: DoctorFlags,
  streams: Streams,
  onSignal: (receive: (signal: ReceivedSignal) => void) => void,
): Promise<number> {
  const waitMs = parseFor(flags.wait, "--wait");
  const { config, warnings, plan, templateLines, dataFiles } = prepare({
    files: flags.files,
    env: streams.env,
    overrides: [...overridesOf(flags, streams.env), ...flags.set.map((set) => ({ set }))],
  });
  streams.stderr(remarksText({ warnings }, streams.stderrColumns()));

  const { entries } = plan;
  const patients = Object.entries(config.connections).map(([name, connection]) => ({
    name,
    connection,
    starts: startsOver(config, name, entries),
    entries,
    isSending: flags.send,
    waitMs,
    readLines: (file: string) => templateLines[file] ?? [],
    firstRows: dataFiles.map(({ source, firstRow }) => ({ shape: shapeOf(source), row: firstRow })),
    parts: new OpenParts(),
  }));
  const examinations = Promise.all(patients.map(examine));
  const stopped = new Promise<null>((resolve) => {
    onSignal(({ meaning }) => {
      if (meaning !== "nothing") resolve(null);
    });
  });
  const facts = await Promise.race([examinations, stopped]);
  if (facts === null) {
    examinations.catch(() => {}); // what it waits for is closed under it
    await Promise.all(patients.map(({ parts }) => parts.close()));
    return EXIT.stoppedBySignal;
  }
  const findings = facts.flatMap(check);
  const report = flags.json
    ? reportJson(facts, findings)
    : wrappedText(findingsText(facts, findings), streams.stdoutColumns() ?? Infinity, 4);
  streams.stdout(`${report}\n`);
  return isWell(findings) ? EXIT.ok : EXIT.failed;
}
