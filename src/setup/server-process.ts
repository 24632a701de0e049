import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../errors.js";
import { dropGroup, keepGroup } from "./keeper.js";

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcessOptions {
  /** What it is in messages: "Redis", "the Celery worker". */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /**
   * Files for its output, written anew. Files and not pipes: a server must not stop because we do
   * not read. The same path for both is fine.
   */
  readonly stdoutFile?: string;
  readonly stderrFile?: string;
  /** Called as soon as it runs, long before it is ready. */
  readonly onSpawn?: ((server: ServerProcess) => void) | undefined;
}

/** A server that this process started, in a process group of its own that never outlives us. */
export interface ServerProcess {
  readonly name: string;
  readonly pid: number;
  /** Waits for its end; only such a wait keeps this process alive, a running server does not. */
  ended(): Promise<ServerExit>;
  /** How it ended; null while it runs. */
  exit(): ServerExit | null;
  /** Sends a signal to it alone, or to its whole process group. Does nothing when it is gone. */
  signal(signal: NodeJS.Signals, to?: "process" | "group"): void;
  /** SIGTERM, then SIGKILL after `gracefulMs`; ends with nothing left of the process group. */
  stop(gracefulMs?: number): Promise<ServerExit>;
  /** Everything that it wrote to its files. */
  output(): string;
}

/**
 * Starts a server; without files its output goes where ours goes.
 * @throws UserError when the program cannot be started
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const stdout = openOutput(options.stdoutFile);
  const sameFile = options.stderrFile === options.stdoutFile;
  const stderr = sameFile ? stdout : openOutput(options.stderrFile);
  const child = spawn(options.program, options.args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: true,
    stdio: ["ignore", stdout, stderr],
  });
  for (const file of new Set([stdout, stderr])) if (typeof file === "number") closeSync(file);

  const pid = child.pid;
  if (pid === undefined) {
    const cause = await new Promise<Error>((resolve) => child.once("error", resolve));
    throw new UserError(`Cannot start ${options.name}: ${cause.message}.`, { cause });
  }
  keepGroup(pid);

  let exit: ServerExit | null = null;
  const exited = new Promise<ServerExit>((resolve) => {
    child.once("exit", (code, signal) => {
      exit = { code, signal };
      // Its pool processes may have survived it.
      killGroup(pid, "SIGKILL");
      dropGroup(pid);
      resolve(exit);
    });
  });
  const send = (signal: NodeJS.Signals, to: "process" | "group" = "process") => {
    if (exit !== null) return;
    if (to === "group") killGroup(pid, signal);
    else child.kill(signal);
  };
  const ended = () => {
    child.ref();
    return exited;
  };
  child.unref();
  const files = new Set([options.stdoutFile, options.stderrFile]);
  const server: ServerProcess = {
    name: options.name,
    pid,
    ended,
    exit: () => exit,
    signal: send,
    stop: (gracefulMs = 5000) => stopServer(ended(), send, gracefulMs),
    output: () => [...files].map((path) => (path === undefined ? "" : textOf(path))).join(""),
  };
  options.onSpawn?.(server);
  return server;
}

/**
 * Waits until a server answers.
 * @param isReady asked again and again; a rejection means "not yet"
 * @throws UserError with the end of its output when it ends early or does not answer in time
 */
export async function serverReady(
  server: ServerProcess,
  isReady: () => Promise<boolean> | boolean,
  timeoutMs: number,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const exit = server.exit();
    if (exit !== null) {
      throw new UserError(`${server.name} ended early (${exitText(exit)}).${tailOf(server)}`);
    }
    if (await answers(isReady)) return;
    if (performance.now() > deadlineMs) {
      throw new UserError(
        `${server.name} was not ready within ${timeoutMs / 1000} s.${tailOf(server)}`,
      );
    }
    await sleep(50);
  }
}

/** How a server ended, in words: "exit code 1", "signal SIGKILL". */
export function exitText(exit: ServerExit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}

/** The last lines of a server's output, set off as a paragraph; empty when it wrote nothing. */
export function tailOf(server: ServerProcess, lines = 20): string {
  const text = server.output().trim();
  if (text === "") return "";
  return ` The end of its output:\n${text.split("\n").slice(-lines).join("\n")}`;
}

async function answers(isReady: () => Promise<boolean> | boolean): Promise<boolean> {
  try {
    return await isReady();
  } catch {
    return false;
  }
}

async function stopServer(
  exited: Promise<ServerExit>,
  send: ServerProcess["signal"],
  gracefulMs: number,
): Promise<ServerExit> {
  // A stopped (SIGSTOP) process sees SIGTERM only when it is continued.
  send("SIGTERM");
  send("SIGCONT", "group");
  const timer = setTimeout(() => send("SIGKILL", "group"), gracefulMs);
  try {
    return await exited;
  } finally {
    clearTimeout(timer);
  }
}

function killGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // ESRCH: nothing is left of it.
  }
}

function openOutput(path: string | undefined): number | "inherit" {
  return path === undefined ? "inherit" : openSync(path, "w");
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
