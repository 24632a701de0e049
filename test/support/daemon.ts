import "./dispose.js";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { freePort } from "../../src/setup/ports.js";
import {
  exitText,
  type ServerExit,
  serverReady,
  startServerProcess,
} from "../../src/setup/server-process.js";
import { Metrics } from "./metrics.js";
import { scratchFile } from "./scratch.js";

export interface DaemonOptions {
  /** Arguments after `run`, and after the file if there is one. */
  readonly args?: readonly string[];
  /** Written to a file, which is run. */
  readonly configText?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The port of /metrics; default: a free one. */
  readonly port?: number;
  /** Default: info. */
  readonly logLevel?: string;
  /** Flags of Node itself, such as --expose-gc. */
  readonly nodeFlags?: readonly string[];
  /** What is run instead of dist/src/main.js. */
  readonly main?: string;
  /** Does not wait until it listens: for a start that has to fail. */
  readonly isExpectedToFail?: boolean;
}

export interface TestDaemon extends AsyncDisposable {
  readonly pid: number;
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly port: number;
  metrics(): Promise<Metrics>;
  /**
   * Scrapes every 50 ms until the predicate holds, and returns the page for which it did. A predicate that
   * throws does not hold yet: `page.value()` of what the daemon has not heard of so far is such a one.
   * @throws Error with the ledger and the log when it does not in time, or when the daemon ends
   */
  waitFor(
    predicate: (metrics: Metrics) => boolean,
    timeoutMs?: number,
    what?: string,
  ): Promise<Metrics>;
  /** What /readyz says now. */
  ready(): Promise<{ status: number; body: string }>;
  signal(signal: NodeJS.Signals): void;
  /** Settles when it ends. */
  readonly exit: Promise<ServerExit>;
  /** SIGTERM, then SIGKILL after `gracefulMs` (default 40 s). */
  stop(gracefulMs?: number): Promise<ServerExit>;
  stdout(): string;
  stderr(): string;
}

/**
 * Starts the daemon as a process of its own and waits until it answers on /healthz.
 * @throws UserError with the end of its output when it ends early
 */
export async function startDaemon(options: DaemonOptions): Promise<TestDaemon> {
  const port = options.port ?? (await freePort());
  const stdoutFile = await scratchFile("daemon.stdout");
  const stderrFile = await scratchFile("daemon.stderr");
  const server = await startServerProcess({
    name: "The daemon",
    program: process.execPath,
    args: [
      "--enable-source-maps",
      ...(options.nodeFlags ?? []),
      options.main ?? join(CHECKOUT, "dist", "src", "main.js"),
      ...(await runArguments(options, port)),
      ...["--log-level", options.logLevel ?? "info"],
    ],
    env: { ...process.env, ...options.env },
    stdoutFile,
    stderrFile,
  });
  const url = `http://127.0.0.1:${port}`;
  const metrics = async () => new Metrics(await (await get(`${url}/metrics`)).text());
  const stderr = () => readFileSync(stderrFile, "utf8");
  const stdout = () => readFileSync(stdoutFile, "utf8");
  try {
    if (options.isExpectedToFail !== true) {
      await serverReady(server, async () => (await get(`${url}/healthz`)).ok, 90_000);
    }
  } catch (error) {
    await server.stop(0);
    throw error;
  }
  return {
    pid: server.pid,
    url,
    port,
    metrics,
    async waitFor(predicate, timeoutMs = 30_000, what = "the metrics to be as expected") {
      const deadlineMs = performance.now() + timeoutMs;
      let last: Metrics | undefined;
      for (;;) {
        try {
          last = await metrics();
        } catch (error) {
          const exit = server.exit();
          if (exit !== null) throw inVain(`It ended (${exitText(exit)})`, what, last, stderr());
          if (performance.now() > deadlineMs) throw error;
        }
        let reason = "";
        try {
          if (last !== undefined && predicate(last)) return last;
        } catch (error) {
          reason = ` (${(error as Error).message})`;
        }
        if (performance.now() > deadlineMs) {
          throw inVain(`Waited ${timeoutMs} ms${reason}`, what, last, stderr());
        }
        await sleep(50);
      }
    },
    async ready() {
      const response = await get(`${url}/readyz`);
      return { status: response.status, body: await response.text() };
    },
    signal: (signal) => server.signal(signal),
    get exit() {
      return server.ended();
    },
    stop: (gracefulMs = 40_000) => server.stop(gracefulMs),
    stdout,
    stderr,
    async [Symbol.asyncDispose]() {
      await server.stop(0);
    },
  };
}

async function runArguments(options: DaemonOptions, port: number): Promise<string[]> {
  const args = options.args ?? [];
  if (options.configText === undefined) {
    return ["run", ...args, "--listen", `127.0.0.1:${port}`];
  }
  const file = await scratchFile("load.yml");
  await writeFile(file, options.configText, { mode: 0o600 });
  return ["run", file, "--set", `server.listen=127.0.0.1:${port}`, ...args];
}

function get(url: string): Promise<Response> {
  return fetch(url, {
    signal: AbortSignal.timeout(5000),
    headers: { accept: "text/plain", connection: "close" },
  });
}

function inVain(how: string, what: string, last: Metrics | undefined, log: string): Error {
  const ledger = (last?.ledger() ?? []).map((row) => JSON.stringify(row)).join("\n");
  return new Error(`${how}, waiting in vain for ${what}.\n${ledger}\n${log.slice(-4000)}`);
}
