import { accessSync, constants, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf, UserError } from "../errors.js";
import { flagError } from "./flags.js";

/**
 * Makes the directory of `--report`, before anything is sent: a run whose report cannot be written is better not begun.
 * @throws {ConfigError} when it cannot be written to
 */
export function makeReportDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
  } catch (error) {
    throw flagError(
      "--report",
      `cannot be written to: ${messageOf(error)}. Name a directory that can.`,
    );
  }
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
