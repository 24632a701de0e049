import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHECKOUT, cachePath } from "../../src/setup/checkout.js";
import { withInstallLock } from "../../src/setup/install-lock.js";
import { mustRun } from "../../src/setup/programs.js";
import { type CeleryVersion, ensurePython } from "../../src/setup/python.js";
import { reportToStderr } from "../../src/setup/report.js";

const REQUIREMENTS = join(CHECKOUT, "test", "support", "requirements.txt");

/**
 * A directory for PYTHONPATH with the modules of requirements.txt for this Celery's Python, installed if
 * need be beside its own packages, which may be the system's.
 * @throws UserError when they cannot be installed
 */
export async function ensureSerializers(version: CeleryVersion): Promise<string> {
  const interpreter = await ensurePython(version);
  // The system's Python may have no pip: that of the other environment installs for it.
  const pip = await ensurePython("current");
  const directory = cachePath(`serializers-${version}`);
  const mark = join(directory, ".requirements");
  const wanted = await readFile(REQUIREMENTS, "utf8");
  const isReady = async () => (await readFile(mark, "utf8").catch(() => null)) === wanted;
  if (await isReady()) return directory;
  await withInstallLock(reportToStderr, async () => {
    if (await isReady()) return;
    reportToStderr(`set-up: msgpack, PyYAML and brotli into ${directory}`);
    const install = [
      "install",
      "--quiet",
      "--no-input",
      "--disable-pip-version-check",
      "--upgrade",
    ];
    await mustRun(
      `install msgpack, PyYAML and brotli into ${directory}`,
      pip,
      ["-m", "pip", "--python", interpreter, ...install, "--target", directory, "-r", REQUIREMENTS],
      { env: { ...process.env, PIP_CACHE_DIR: cachePath("pip"), PIP_ROOT_USER_ACTION: "ignore" } },
    );
    await writeFile(mark, wanted);
  });
  return directory;
}
