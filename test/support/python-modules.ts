import { join } from "node:path";
import { CHECKOUT, cachePath } from "../../src/setup/checkout.js";
import { mustRun } from "../../src/setup/programs.js";
import { type CeleryVersion, ensurePython } from "../../src/setup/python.js";
import { installOnce } from "./install-once.js";

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
  await installOnce(`${name} into ${directory}`, directory, file, async () => {
    const install = ["install", "--quiet", "--no-input", "--disable-pip-version-check"];
    await mustRun(
      `install ${name} into ${directory}`,
      pip,
      ["-m", "pip", "--python", interpreter, ...install, "--target", directory, "-r", file],
      { env: { ...process.env, PIP_CACHE_DIR: cachePath("pip"), PIP_ROOT_USER_ACTION: "ignore" } },
    );
  });
  return directory;
}
