import { writeFileSync } from "node:fs";
import { EXIT, messageOf, UserError } from "../errors.js";
import type { RuleFormat } from "../rules/formats.js";
import { DEFAULT_LINKS, rulesText } from "../rules/rules-file.js";
import type { OutputStreams } from "./streams.js";

export interface RulesFlags {
  readonly format: RuleFormat;
  /** Where to write; default: standard output. */
  readonly out?: string | undefined;
  /** URL of the folder with the runbooks, and of Grafana, for the links of the alerts. */
  readonly runbooks?: string | undefined;
  readonly grafana?: string | undefined;
}

/**
 * `celery-load rules`: recording and alerting rules for Prometheus. Returns the exit code.
 * @throws {UserError} when the file cannot be written
 */
export function runRules(flags: RulesFlags, { stdout }: Pick<OutputStreams, "stdout">): number {
  const text = rulesText(flags.format, {
    runbooks: withoutSlash(flags.runbooks ?? DEFAULT_LINKS.runbooks),
    grafana: withoutSlash(flags.grafana ?? DEFAULT_LINKS.grafana),
  });
  if (flags.out === undefined) stdout.write(text);
  else write(flags.out, text);
  return EXIT.ok;
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new UserError(`Cannot write the rules to ${path}: ${messageOf(error)}`, {
      hint: "Name a file in a folder that exists and that you may write to.",
    });
  }
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
