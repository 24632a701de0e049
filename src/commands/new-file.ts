import { existsSync, writeFileSync } from "node:fs";
import { messageOf, UserError } from "../errors.js";

/** A file that a command makes, unless it is there already; `-` is standard output. */
export interface NewFile {
  readonly out: string;
  /** Write over a file that is there. */
  readonly force?: boolean | undefined;
}

/**
 * To be called before anything is asked: what cannot be written in the end is refused in the beginning.
 * @throws {UserError} when there is such a file and it is not to be written over
 */
export function refuseIfThere({ out, force }: NewFile): void {
  if (out === "-" || force === true || !existsSync(out)) return;
  throw new UserError(`${out} is there already, and was not touched.`, {
    hint: "Write elsewhere with --out FILE, to standard output with --out -, or over it with --force.",
  });
}

/**
 * @param what it is, for an error: `the configuration`
 * @throws {UserError} when it cannot be written
 */
export function writeNewFile(
  { out, force }: NewFile,
  text: string,
  what: string,
  stdout: (text: string) => void,
): void {
  if (out === "-") {
    stdout(text);
    return;
  }
  try {
    writeFileSync(out, text, { flag: force === true ? "w" : "wx" });
  } catch (error) {
    throw new UserError(`Cannot write ${what} to ${out}: ${messageOf(error)}`, {
      hint: "Name a file in a folder that exists and that you may write to (--out FILE).",
    });
  }
}
