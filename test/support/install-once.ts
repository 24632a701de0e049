import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withInstallLock } from "../../src/setup/install-lock.js";
import { mustRun } from "../../src/setup/programs.js";
import { ensurePython, pipInstall } from "../../src/setup/python.js";
import { reportStep, reportToStderr } from "../../src/setup/report.js";

/** Installs into a directory unless what it holds was installed from these requirements. */
export async function installOnce(
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

/**
 * A virtual environment with pinned requirements, made if need be; returns its interpreter. `load` is
 * Python code that shows that all of it is there.
 * @throws UserError when it cannot be installed here
 */
export async function ensureVirtualEnvironment(
  title: string,
  options: { readonly directory: string; readonly requirements: string; readonly load: string },
): Promise<string> {
  const { directory, requirements, load } = options;
  const python = join(directory, "bin", "python");
  const base = await ensurePython("current");
  await installOnce(`${title} into ${directory}`, directory, requirements, async () => {
    await mustRun("make a virtual environment", base, ["-m", "venv", directory]);
    await pipInstall(python, ["-r", requirements]);
    await mustRun(`use ${title}'s requirements`, python, ["-m", "pip", "check"]);
    await mustRun(`load ${title}`, python, ["-c", load]);
  });
  return python;
}
