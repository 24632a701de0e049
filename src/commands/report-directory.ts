import { accessSync, constants, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { messageOf, UserError } from "../errors.js";
import { flagError } from "./flags.js";

/**
 * Makes the directory of `--report`, before anything is sent: a run whose report cannot be written is better not begun.
 * @throws {ConfigError} when it cannot be written to
 */
export function makeReportDirectory(directory: string): void {
  try {
    makeDirectory(resolve(directory));
    accessSync(directory, constants.W_OK);
  } catch (error) {
    throw flagError(
      "--report",
      `cannot be written to: ${messageOf(error)}. Name a directory that can.`,
    );
  }
}

/** One after the other: below /proc Node's own `recursive` tries for ever. */
function makeDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(directory);
  if (parent !== directory) makeDirectory(parent);
  mkdirSync(directory);
}

/**
 * Writes each file as it is made.
 * @throws {UserError} when one cannot be written
 */
export function writeReports(
  directory: string,
  files: Iterable<readonly [name: string, text: string]>,
): void {
  for (const [name, text] of files) {
    const path = join(directory, name);
    try {
      writeFileSync(path, text);
    } catch (cause) {
      throw new UserError(`Cannot write ${path}: ${messageOf(cause)}.`, { cause });
    }
  }
}
