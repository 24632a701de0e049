import { join } from "node:path";
import { messageOf } from "../../src/errors.js";
import { CHECKOUT, cachePath } from "../../src/setup/checkout.js";
import { mustRun } from "../../src/setup/programs.js";
import { ensurePython, pipInstall } from "../../src/setup/python.js";
import { ensureVirtualEnvironment, installOnce } from "../support/install-once.js";
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
  return series === "5.2" ? ensureDebianCelery() : ensurePinnedCelery(series);
}

/** PYTHONPATH for a program that loads matrix_app.py in this environment. */
export function pythonPath(environment: CeleryEnvironment, pool: Pool): string {
  const parts = [join(CHECKOUT, "test", "support")];
  if (pool === "gevent" && environment.geventPath !== null) parts.push(environment.geventPath);
  return parts.join(":");
}

const requirementsFile = (name: string) =>
  join(CHECKOUT, "test", "matrix", `requirements-${name}.txt`);

async function ensurePinnedCelery(series: CelerySeries): Promise<CeleryEnvironment> {
  const python = await ensureVirtualEnvironment(`Celery ${series}`, {
    directory: cachePath("matrix", `celery-${series}`),
    requirements: requirementsFile(series),
    // Not all that is needed is declared: kombu's Redis transport has loaded packaging without saying so.
    load: "import celery.bin.celery, kombu.transport.redis, celery.backends.redis, gevent",
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
