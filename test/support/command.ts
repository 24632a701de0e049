import { join } from "node:path";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { type ProgramResult, runProgram } from "../../src/setup/programs.js";

/** Runs `celery-load` to its end; in a folder, and with an environment, as a user would. */
export function celeryLoad(
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string | undefined>>;
  } = {},
): Promise<ProgramResult> {
  const main = join(CHECKOUT, "dist", "src", "main.js");
  return runProgram(process.execPath, ["--enable-source-maps", main, ...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  });
}
