#!/usr/bin/env node
import { inspect } from "node:util";
import { CommanderError } from "commander";
import { commandLine } from "./command-line.js";
import { refuseMistypedCommand } from "./commands/mistyped.js";
import { errorText } from "./commands/told.js";
import { EXIT, messageOf, UserError } from "./errors.js";
import { takeLibraryLines } from "./library-lines.js";
import { ignoreHarmless } from "./signals.js";
import { columnsOf } from "./terminal/terminal.js";

/** Argv, streams and signals → exit code. Nothing else of the project ends the process. */
ignoreHarmless();
takeLibraryLines(() => {}); // what is worth telling the engine's thread hears as well
process.on("uncaughtException", die);
process.on("unhandledRejection", die);
process.stdout.on("error", () => {}); // a closed pipe must not end a run
process.stderr.on("error", () => {});
process.exitCode = await main(process.argv);
// Everything was closed in order; whatever still holds the loop must not keep the process.
process.exit();

async function main(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const program = commandLine((result) => {
    code = result;
  });
  const words = argv.slice(2);
  if (words.length === 0) {
    program.outputHelp();
    return EXIT.ok;
  }
  try {
    refuseMistypedCommand(words, ["help", ...program.commands.map((command) => command.name())]);
    await program.parseAsync([...argv]);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT.ok : EXIT.badConfiguration;
    }
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(errorText(error, columnsOf(process.stderr)));
    return error.exitCode;
  }
}

/** A defect: say all that is known, at once, and go. Going on could count wrongly. */
function die(error: unknown): void {
  process.stderr.write(`fatal: ${error instanceof Error ? inspect(error) : messageOf(error)}\n`);
  process.exit(EXIT.failed);
}
