import { editorSchema } from "../config/editor-schema.js";
import { fitYaml } from "../config/print/fit-yaml.js";
import { printEffective } from "../config/print/print.js";
import type { GivenValue } from "../config/sources/layers.js";
import type { ConfigNode } from "../config/sources/tree.js";
import type { Variables } from "../config/sources/variables.js";
import { EXIT, UserError } from "../errors.js";
import { columnsOf } from "../terminal/terminal.js";
import { wrapped } from "../terminal/text.js";
import { prepare } from "./prepare.js";
import { renderedExamples } from "./rendered-examples.js";
import type { OutputStreams } from "./streams.js";
import { remarksText } from "./told.js";

export interface CheckOptions {
  readonly files: readonly string[];
  /** Print the JSON Schema of a configuration file instead. */
  readonly jsonSchema: boolean;
  readonly env: Variables;
  /** Texts after `--set`. */
  readonly set: readonly string[];
}

/**
 * Validates a configuration and prints what is in effect as YAML, each value with its origin behind
 * it and passwords masked, and what rows of data there are. Returns the exit code.
 * @throws {ConfigError} with all faults when it cannot be used
 */
export function runCheck(options: CheckOptions, { stdout, stderr }: OutputStreams): number {
  if (options.jsonSchema) {
    stdout.write(`${JSON.stringify(editorSchema(), null, 2)}\n`);
    return EXIT.ok;
  }
  if (options.files.length === 0) {
    throw new UserError(
      "Cannot check without a file. Write celery-load check FILE, or --json-schema.",
      { exitCode: EXIT.badConfiguration },
    );
  }
  const overrides = options.set.map((set): GivenValue => ({ set }));
  const { effective, config, dataFiles, templateLines, ...remarks } = prepare({
    ...options,
    overrides,
  });
  stderr.write(remarksText(remarks, columnsOf(stderr)));
  print(effective(), stdout);
  for (const line of renderedExamples(config, dataFiles, templateLines)) {
    for (const part of wrapped(line, (columnsOf(stdout) ?? Infinity) - "# ".length, 2)) {
      stdout.write(`# ${part}\n`);
    }
  }
  return EXIT.ok;
}

/** In pieces: with its defaults a configuration may be fifty times as long as it was written. */
function print(effective: ConfigNode, stdout: OutputStreams["stdout"]): void {
  const width = columnsOf(stdout) ?? Infinity;
  let piece = "";
  for (const line of printEffective(effective)) {
    piece += fitYaml(line, width);
    if (piece.length < PIECE_LENGTH) continue;
    stdout.write(piece);
    piece = "";
  }
  stdout.write(piece);
}

const PIECE_LENGTH = 64 * 1024;
