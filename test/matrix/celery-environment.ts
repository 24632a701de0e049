import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../src/errors.js";
import { CHECKOUT, cachePath } from "../../src/setup/checkout.js";
import { withInstallLock } from "../../src/setup/install-lock.js";
import { mustRun } from "../../src/setup/programs.js";
import { ensurePython, pipInstall } from "../../src/setup/python.js";
import { reportStep, reportToStderr } from "../../src/setup/report.js";
import type { CelerySeries, Pool } from "./combinations.js";

/** Where one version of Celery is, and what it runs with. */
export interface CeleryEnvironment {
  readonly python: string;
  readonly packages: Packages;
  /** Goes before Python's own path, for the gevent pool alone. */
  readonly geventPath: string | null;
  /** Why there is no gevent; null when there is. */
  readonly noGevent: string | null;
}

/** Versions by package, and of `python`; `from` is where Celery came from. */
export type Packages = Readonly<Record<string, string>>;

/**
 * Installs one version of Celery with gevent into a directory of its own in `.cache/matrix`.
 * @throws UserError when it cannot be installed here
 */
export function ensureCelery(series: CelerySeries): Promise<CeleryEnvironment> {
  return series === "5.2" ? ensureDebianCelery() : ensureVirtualEnvironment(series);
}

/** PYTHONPATH for a program that loads matrix_app.py in this environment. */
export function pythonPath(environment: CeleryEnvironment, pool: Pool): string {
  const parts = [join(CHECKOUT, "test", "support")];
  if (pool === "gevent" && environment.geventPath !== null) parts.push(environment.geventPath);
  return parts.join(":");
}

const requirementsFile = (name: string) =>
  join(CHECKOUT, "test", "matrix", `requirements-${name}.txt`);

async function ensureVirtualEnvironment(series: CelerySeries): Promise<CeleryEnvironment> {
  const directory = cachePath("matrix", `celery-${series}`);
  const python = join(directory, "bin", "python");
  const requirements = requirementsFile(series);
  const base = await ensurePython("current");
  await installOnce(`Celery ${series} into ${directory}`, directory, requirements, async () => {
    await mustRun("make a virtual environment", base, ["-m", "venv", directory]);
    await pipInstall(python, ["-r", requirements]);
    await mustRun(`use Celery ${series}'s requirements`, python, ["-m", "pip", "check"]);
    // Not all that is needed is declared: kombu's Redis transport has loaded packaging without saying so.
    const load = "import celery.bin.celery, kombu.transport.redis, celery.backends.redis, gevent";
    await mustRun(`load Celery ${series}`, python, ["-c", load]);
  });
  return { python, packages: await packagesOf(python, ""), geventPath: null, noGevent: null };
}

/** Celery 5.2 may be the system's, which is left as it is: gevent goes beside it. */
async function ensureDebianCelery(): Promise<CeleryEnvironment> {
  const python = await ensurePython("debian");
  const directory = cachePath("matrix", "gevent-5.2");
  const requirements = requirementsFile("5.2-gevent");
  let noGevent: string | null = null;
  try {
    await installOnce(`gevent for Celery 5.2 into ${directory}`, directory, requirements, () =>
      pipInstall(python, ["--target", directory, "--no-deps", "-r", requirements]),
    );
  } catch (error) {
    noGevent = messageOf(error);
  }
  const geventPath = noGevent === null ? directory : null;
  return { python, packages: await packagesOf(python, geventPath ?? ""), geventPath, noGevent };
}

/** Installs into a directory unless what it holds was installed from these requirements. */
async function installOnce(
  what: string,
  directory: string,
  requirements: string,
  install: () => Promise<void>,
): Promise<void> {
  const mark = join(directory, ".requirements");
  const wanted = await readFile(requirements, "utf8");
  const isThere = async () => (await readFile(mark, "utf8").catch(() => null)) === wanted;
  if (await isThere()) return;
  await withInstallLock(reportToStderr, async () => {
    if (await isThere()) return;
    await reportStep(reportToStderr, what, async () => {
      await rm(directory, { recursive: true, force: true });
      await install();
      // Written last: a directory without it is not complete.
      await writeFile(mark, wanted);
    });
  });
}

const PACKAGES_SCRIPT = `
import importlib.metadata, json, platform
import celery
found = {
    "python": platform.python_version(),
    "from": "Debian" if "/dist-packages/" in celery.__file__ else "PyPI",
}
for name in ("celery", "kombu", "redis", "amqp", "billiard", "gevent"):
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
`;

async function packagesOf(python: string, path: string): Promise<Packages> {
  const { stdout } = await mustRun("read package versions", python, ["-c", PACKAGES_SCRIPT], {
    env: { ...process.env, PYTHONPATH: path },
  });
  return JSON.parse(stdout) as Packages;
}
