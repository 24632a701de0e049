import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHECKOUT, cachePath } from "../../src/setup/checkout.js";
import { withInstallLock } from "../../src/setup/install-lock.js";
import { mustRun } from "../../src/setup/programs.js";
import { type CeleryVersion, ensurePython } from "../../src/setup/python.js";
import { reportToStderr } from "../../src/setup/report.js";

/**
 * A directory for PYTHONPATH with the modules of a file of requirements in test/support, installed if need
 * be. They take precedence over what this Celery's Python has itself, which stays as it is.
 * @throws UserError when they cannot be installed
 */
export async function ensureModules(
  name: string,
  requirements: string,
  version: CeleryVersion,
): Promise<string> {
  const interpreter = await ensurePython(version);
  // The system's Python may have no pip: that of the other environment installs for it.
  const pip = await ensurePython("current");
  const directory = cachePath(`${name}-${version}`);
  const file = join(CHECKOUT, "test", "support", requirements);
  const mark = join(directory, ".requirements");
  const wanted = await readFile(file, "utf8");
  const isReady = async () => (await readFile(mark, "utf8").catch(() => null)) === wanted;
  if (await isReady()) return directory;
  await withInstallLock(reportToStderr, async () => {
    if (await isReady()) return;
    reportToStderr(`set-up: ${name} into ${directory}`);
    // pip adds to what is there, and another version of a module must not stay.
    await rm(directory, { recursive: true, force: true });
    const install = ["install", "--quiet", "--no-input", "--disable-pip-version-check"];
    await mustRun(
      `install ${name} into ${directory}`,
      pip,
      ["-m", "pip", "--python", interpreter, ...install, "--target", directory, "-r", file],
      { env: { ...process.env, PIP_CACHE_DIR: cachePath("pip"), PIP_ROOT_USER_ACTION: "ignore" } },
    );
    await writeFile(mark, wanted);
  });
  return directory;
}
