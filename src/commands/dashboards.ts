import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { EXIT, messageOf, UserError } from "../errors.js";
import { CHECKOUT } from "../setup/checkout.js";
import type { OutputStreams } from "./streams.js";

export interface DashboardsFlags {
  /** The folder to write to, made when it is not there; without one they are only listed. */
  readonly out?: string | undefined;
}

/** As generated, beside the program: making them takes Grafana's SDK, which no user needs. */
const SHIPPED = join(CHECKOUT, "grafana", "dashboards");

/**
 * `celery-load dashboards`: Grafana's dashboards, each a file to import or to provision. Files of the same
 * names are overwritten. Returns the exit code.
 * @throws {UserError} when they cannot be written
 */
export function runDashboards(
  { out }: DashboardsFlags,
  { stdout }: Pick<OutputStreams, "stdout">,
): number {
  const files = readdirSync(SHIPPED).sort();
  if (out === undefined) {
    for (const file of files) stdout.write(`${file.padEnd(32)} ${titleOf(file)}\n`);
    stdout.write("\nWrite them to a folder with: celery-load dashboards --out DIR\n");
    return EXIT.ok;
  }
  for (const file of files) stdout.write(`${write(file, out)}\n`);
  return EXIT.ok;
}

function titleOf(file: string): string {
  const { title } = JSON.parse(readFileSync(join(SHIPPED, file), "utf8")) as { title: string };
  return title;
}

function write(file: string, folder: string): string {
  const target = join(folder, file);
  try {
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(SHIPPED, file), target);
  } catch (error) {
    throw new UserError(`Cannot write a dashboard to ${resolve(target)}: ${messageOf(error)}`, {
      hint: "Name a folder that you may write to.",
    });
  }
  return target;
}
