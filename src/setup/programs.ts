import { spawn } from "node:child_process";
import { access, constants, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { UserError } from "../errors.js";
import { dropGroup, keepGroup } from "./keeper.js";

/** The path of a program as the shell would find it on PATH, or null. */
export async function findProgram(name: string): Promise<string | null> {
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(directory, name);
    if (directory !== "" && (await isExecutable(path))) return path;
  }
  return null;
}

/** Is there a file at this path that we may run? */
export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

export interface ProgramResult {
  /** Exit code; null when a signal ended it, or when it could not be started. */
  readonly code: number | null;
  readonly stdout: string;
  /** What it wrote to stderr; the reason when it could not be started. */
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** For what must not be cut off in the middle. Else the program is killed when this process ends. */
  readonly mayOutliveUs?: boolean;
}

/** Runs a program to its end. Never throws: what went wrong is in the result. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: options.env ?? process.env,
      cwd: options.cwd,
      // Ctrl-C on our terminal is for us to act on.
      detached: true,
    });
    const group = options.mayOutliveUs === true ? undefined : child.pid;
    if (group !== undefined) keepGroup(group);
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", (error) => resolve({ code: null, stdout, stderr: error.message }));
    child.on("exit", () => {
      if (group !== undefined) dropGroup(group);
    });
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/**
 * Runs a program that has to succeed.
 * @param what what could not be done when it fails: "install Celery into .cache/python"
 * @throws UserError with the end of its output
 */
export async function mustRun(
  what: string,
  program: string,
  args: readonly string[],
  options: ProgramOptions & { readonly hint?: string } = {},
): Promise<ProgramResult> {
  const result = await runProgram(program, args, options);
  if (result.code === 0) return result;
  const end = `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-12).join("\n");
  // A script given as an argument says nothing to the reader.
  const command = [program, ...args.filter((arg) => !arg.includes("\n"))].join(" ");
  throw new UserError(
    `Cannot ${what}: "${command}" ${endOf(result)}.\n${end}`,
    options.hint === undefined ? {} : { hint: options.hint },
  );
}

function endOf(result: ProgramResult): string {
  return result.code === null
    ? "was killed or could not be started"
    : `ended with exit code ${result.code}`;
}
