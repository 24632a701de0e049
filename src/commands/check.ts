import { editorSchema } from "../config/editor-schema.js";
import { fitYaml } from "../config/fit-yaml.js";
import type { Override } from "../config/layers.js";
import { printEffective } from "../config/print.js";
import type { ConfigNode } from "../config/tree.js";
import type { Variables } from "../config/variables.js";
import { EXIT, UserError } from "../errors.js";
import { columnsOf, type OutputStream } from "../terminal/terminal.js";
import { wrappedText } from "../terminal/text.js";
import { prepare } from "./prepare.js";

export interface CheckOptions {
  readonly files: readonly string[];
  /** Print the JSON Schema of a configuration file instead. */
  readonly jsonSchema: boolean;
  readonly env: Variables;
  /** Texts after `--set`. */
  readonly set: readonly string[];
}

/** Where a command writes to. */
export interface OutputStreams {
  readonly stdout: OutputStream & { write(text: string): unknown };
  readonly stderr: OutputStream & { write(text: string): unknown };
}

/**
 * Validates a configuration and prints what is in effect as YAML, each value with its origin behind
 * it and passwords masked. Returns the exit code: 0, or 104 with all faults on stderr.
 */
export function runCheck(options: CheckOptions, { stdout, stderr }: OutputStreams): number {
  if (options.jsonSchema) {
    stdout.write(`${JSON.stringify(editorSchema(), null, 2)}\n`);
    return EXIT.ok;
  }
  if (options.files.length === 0) {
    stderr.write("Cannot check without a file. Write celery-load check FILE, or --json-schema.\n");
    return EXIT.badConfiguration;
  }
  const overrides = options.set.map((set): Override => ({ set }));
  try {
    const { effective, warnings, notes } = prepare({ ...options, overrides });
    const lines = [
      ...warnings.map((warning) => `Warning: ${warning}`),
      ...notes.map((note) => `Note: ${note}`),
    ];
    for (const line of lines) {
      stderr.write(`${wrappedText(line, columnsOf(stderr) ?? Infinity)}\n`);
    }
    print(effective, stdout);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const text = error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
    stderr.write(`${wrappedText(text, columnsOf(stderr) ?? Infinity)}\n`);
    return error.exitCode;
  }
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
