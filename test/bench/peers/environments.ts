import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHECKOUT, cachePath } from "../../../src/setup/checkout.js";
import { withInstallLock } from "../../../src/setup/install-lock.js";
import { mustRun } from "../../../src/setup/programs.js";
import { ensurePython, pipInstall } from "../../../src/setup/python.js";
import { reportStep, reportToStderr } from "../../../src/setup/report.js";

const REQUIREMENTS = join(CHECKOUT, "test", "bench", "peers", "requirements.txt");
const CELERY_NODE = "celery-node@0.5.9";

/**
 * A Python with Locust and Celery in `.cache/bench`.
 * @throws UserError when it cannot be installed
 */
export async function ensureLocust(): Promise<string> {
  const directory = cachePath("bench", "python");
  const python = join(directory, "bin", "python");
  await installOnce(
    "Locust and Celery",
    directory,
    await readFile(REQUIREMENTS, "utf8"),
    async () => {
      const base = await ensurePython("current");
      await mustRun("make a virtual environment", base, ["-m", "venv", directory]);
      await pipInstall(python, ["-r", REQUIREMENTS]);
      await mustRun("load Locust and Celery", python, [
        "-c",
        "import gevent, locust, celery, redis",
      ]);
    },
  );
  return python;
}

/**
 * The folder in `.cache/bench` whose node_modules has celery-node. It is no dependency of ours: it has had no
 * release for years, and brings an ioredis and an amqplib of that time.
 * @throws UserError when it cannot be installed
 */
export async function ensureCeleryNode(): Promise<string> {
  const directory = cachePath("bench", "celery-node");
  await installOnce(CELERY_NODE, directory, CELERY_NODE, async () => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "package.json"), "{}");
    const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    await mustRun("install celery-node", "npm", ["install", ...quiet, CELERY_NODE], {
      cwd: directory,
      hint: "npm needs its registry: check the network, or choose other peers with --peers.",
    });
  });
  return directory;
}

/** Installs into a directory unless it holds what `wanted` says. */
async function installOnce(
  what: string,
  directory: string,
  wanted: string,
  install: () => Promise<void>,
): Promise<void> {
  const mark = join(directory, ".installed");
  const isThere = async () => (await readFile(mark, "utf8").catch(() => null)) === wanted;
  if (await isThere()) return;
  // Python first, as installing it takes the same lock.
  await ensurePython("current");
  await withInstallLock(reportToStderr, async () => {
    if (await isThere()) return;
    await reportStep(reportToStderr, `${what} into ${directory}`, async () => {
      await rm(directory, { recursive: true, force: true });
      await install();
      // Written last: a directory without it is not complete.
      await writeFile(mark, wanted);
    });
  });
}
