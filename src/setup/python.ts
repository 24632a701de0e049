import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../errors.js";
import { aptCandidate, canUseApt, installWithApt } from "./apt.js";
import { CHECKOUT, cachePath } from "./checkout.js";
import { withInstallLock } from "./install-lock.js";
import { findProgram, isExecutable, mustRun, runProgram } from "./programs.js";
import { type Report, reportStep, reportToStderr } from "./report.js";

/** `current`: the pinned current Celery. `debian`: Celery 5.2, what Debian 12 ships. */
export type CeleryVersion = "current" | "debian";

/**
 * The path of a Python interpreter that has Celery and its Redis client, installed if need be.
 * Takes milliseconds when it is there already.
 * @throws UserError when it cannot be installed; the message says what to install by hand
 */
export async function ensurePython(
  version: CeleryVersion,
  report: Report = reportToStderr,
): Promise<string> {
  return version === "current" ? ensureCurrent(report) : ensureDebian(report);
}

interface Environment {
  /** The directory of the virtual environment in the cache. */
  readonly directory: string;
  readonly requirements: string;
  readonly title: string;
  /** Interpreters that it is made with, the best first. */
  readonly interpreters: readonly string[];
  /** Python code for the environment's sitecustomize.py. */
  readonly siteCustomize?: string;
}

const CURRENT: Environment = {
  directory: cachePath("python"),
  requirements: join(CHECKOUT, "demo", "requirements.txt"),
  title: "the current Celery",
  interpreters: ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python3.9"],
};

/**
 * Celery 5.2.6 is of 2022 and runs on Python up to 3.11. On later ones it needs back what their
 * standard library has dropped since: tried with Python 3.12.1 and 3.13.0.
 */
const CELERY_5_2: Environment = {
  directory: cachePath("python-5.2"),
  requirements: join(CHECKOUT, "demo", "requirements-5.2.txt"),
  title: "Celery 5.2",
  interpreters: ["python3.11", "python3.10", "python3.9", "python3", "python3.12", "python3.13"],
  siteCustomize: `# What Celery 5.2 uses and later Pythons have dropped.
import importlib.metadata
import logging

if not hasattr(importlib.metadata.EntryPoints, "get"):
    importlib.metadata.EntryPoints.get = (
        lambda self, group, default=(): self.select(group=group) or default
    )
if not hasattr(logging, "_acquireLock"):
    logging._acquireLock = logging._lock.acquire
    logging._releaseLock = logging._lock.release
`,
};

const DEBIAN_PYTHON = "/usr/bin/python3";
const DEBIAN_PACKAGES = ["python3-celery", "python3-redis"];

function ensureCurrent(report: Report): Promise<string> {
  return ensureEnvironment(CURRENT, report);
}

async function ensureDebian(report: Report): Promise<string> {
  if (await debianHasCelery52()) return DEBIAN_PYTHON;
  if (await isEnvironmentReady(CELERY_5_2)) return interpreterOf(CELERY_5_2);
  if (await canUseApt()) {
    await withInstallLock(report, () => installDebianCelery(report));
    if (await debianHasCelery52()) return DEBIAN_PYTHON;
  }
  return ensureEnvironment(CELERY_5_2, report);
}

/** Reads the packages' directories, as starting Python takes a hundred times longer. */
async function debianHasCelery52(): Promise<boolean> {
  const names = await readdir("/usr/lib/python3/dist-packages").catch(() => []);
  return (
    names.some((name) => /^celery-5\.2\.\d+\.(egg|dist)-info$/.test(name)) &&
    names.some((name) => /^redis-[\d.]+\.(egg|dist)-info$/.test(name)) &&
    (await isExecutable(DEBIAN_PYTHON))
  );
}

async function installDebianCelery(report: Report): Promise<void> {
  if (await debianHasCelery52()) return;
  if (!(await aptCandidate("python3-celery"))?.startsWith("5.2.")) return;
  await reportStep(report, `${DEBIAN_PACKAGES.join(" and ")} with apt-get`, () =>
    installWithApt(DEBIAN_PACKAGES),
  );
}

async function ensureEnvironment(environment: Environment, report: Report): Promise<string> {
  if (!(await isEnvironmentReady(environment))) {
    await withInstallLock(report, () => installEnvironment(environment, report));
  }
  return interpreterOf(environment);
}

async function isEnvironmentReady(environment: Environment): Promise<boolean> {
  const [installed, wanted] = await Promise.all([
    readFile(markOf(environment), "utf8").catch(() => null),
    readFile(environment.requirements, "utf8"),
  ]);
  return installed === wanted && (await isExecutable(interpreterOf(environment)));
}

async function installEnvironment(environment: Environment, report: Report): Promise<void> {
  if (await isEnvironmentReady(environment)) return;
  const title = `${environment.title} into ${environment.directory}`;
  await reportStep(report, title, async () => {
    if (!(await hasPip(environment))) await createEnvironment(environment, report);
    await pipInstall(interpreterOf(environment), ["-r", environment.requirements]);
    await writeSiteCustomize(environment);
    await checkCelery(environment);
    // Written last: an environment without it is not complete.
    await writeFile(markOf(environment), await readFile(environment.requirements, "utf8"));
  });
}

/** Runs pip of an environment; what it downloads is kept in `pip` of the cache. */
export async function pipInstall(interpreter: string, args: readonly string[]): Promise<void> {
  const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet"];
  await mustRun("install Python packages", interpreter, [...pip, ...args], {
    env: {
      ...process.env,
      PIP_CACHE_DIR: cachePath("pip"),
      PIP_ROOT_USER_ACTION: "ignore",
      PIP_USER: "0",
    },
    hint: "pip needs the Python package index: check the network, or set PIP_INDEX_URL to your mirror.",
  });
}

async function hasPip(environment: Environment): Promise<boolean> {
  const interpreter = interpreterOf(environment);
  return (await runProgram(interpreter, ["-m", "pip", "--version"])).code === 0;
}

async function createEnvironment(environment: Environment, report: Report): Promise<void> {
  const interpreter = await findInterpreter(environment);
  await rm(environment.directory, { recursive: true, force: true });
  const create = ["-m", "venv", environment.directory];
  const first = await runProgram(interpreter, create);
  if (first.code === 0) return;
  await rm(environment.directory, { recursive: true, force: true });
  if (await canUseApt()) {
    await reportStep(report, "python3-venv with apt-get", () => installWithApt(["python3-venv"]));
    if ((await runProgram(interpreter, create)).code === 0) return;
    await rm(environment.directory, { recursive: true, force: true });
  }
  throw new UserError(
    `Cannot make a virtual environment with ${interpreter}: ` +
      `${`${first.stdout}\n${first.stderr}`.trim().split("\n").slice(0, 3).join(" ")}`,
    { hint: "Install Python's venv module (Debian and Ubuntu: apt-get install python3-venv)." },
  );
}

async function findInterpreter(environment: Environment): Promise<string> {
  for (const name of environment.interpreters) {
    const path = await findProgram(name);
    // Asked, not read from the name: python3 may be any, and a version manager's shim may be none.
    const check = ["-c", "import sys; sys.exit(not (3, 9) <= sys.version_info)"];
    if (path !== null && (await runProgram(path, check)).code === 0) return path;
  }
  if (await canUseApt()) {
    await installWithApt(["python3", "python3-venv"]);
    return DEBIAN_PYTHON;
  }
  throw new UserError(`Found no Python 3.9 or later on PATH, which ${environment.title} needs.`, {
    hint: "Install Python 3.9 or later (Debian and Ubuntu: apt-get install python3 python3-venv).",
  });
}

async function writeSiteCustomize(environment: Environment): Promise<void> {
  if (environment.siteCustomize === undefined) return;
  const print = "import sysconfig; print(sysconfig.get_paths()['purelib'])";
  const { stdout } = await runProgram(interpreterOf(environment), ["-c", print]);
  await writeFile(join(stdout.trim(), "sitecustomize.py"), environment.siteCustomize);
}

async function checkCelery(environment: Environment): Promise<void> {
  const load = "import celery.bin.celery, celery.apps.worker, kombu.transport.redis";
  await mustRun(`load ${environment.title}`, interpreterOf(environment), ["-c", load], {
    hint: `Remove ${environment.directory} and try again, with another Python if it stays so.`,
  });
}

function interpreterOf(environment: Environment): string {
  return join(environment.directory, "bin", "python");
}

function markOf(environment: Environment): string {
  return join(environment.directory, ".requirements");
}
