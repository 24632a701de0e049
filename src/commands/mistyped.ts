import { existsSync } from "node:fs";
import { quote } from "../config/faults/quote.js";
import { didYouMean } from "../did-you-mean.js";
import { EXIT, UserError } from "../errors.js";

/**
 * Refuses a first word, or one after `help`, that is neither a command nor a file, and looks like a
 * command: `run` is the command when none is named, and would look for a file `chek`.
 *
 * @throws {UserError}
 */
export function refuseMistypedCommand(
  [first = "", second]: readonly string[],
  commands: readonly string[],
): void {
  const word = first === "help" ? (second ?? first) : first;
  const isWord = /^[a-z][a-z-]*$/i.test(word);
  if (!isWord || commands.includes(word) || existsSync(word)) return;
  const meant = didYouMean(word, commands);
  const remedy =
    meant === undefined ? `Commands are ${commands.join(", ")}.` : `Did you mean ${quote(meant)}?`;
  throw new UserError(`There is no command ${quote(word)}, and no file of this name. ${remedy}`, {
    hint: "(celery-load --help shows what there is)",
    exitCode: EXIT.badConfiguration,
  });
}
