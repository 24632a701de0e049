import { canUseApt, installWithApt } from "../../src/setup/apt.js";
import { withInstallLock } from "../../src/setup/install-lock.js";
import { findProgram } from "../../src/setup/programs.js";
import { reportStep, reportToStderr } from "../../src/setup/report.js";

/**
 * Installs Debian packages for programs that are missing, where we are root on Debian.
 * @returns null when the programs are there, else why they cannot be used
 */
export async function missingPrograms(
  packageOf: Readonly<Record<string, string>>,
): Promise<string | null> {
  const missing = async () => {
    const names: string[] = [];
    for (const name of Object.keys(packageOf)) if (!(await findProgram(name))) names.push(name);
    return names;
  };
  const first = await missing();
  if (first.length === 0) return null;
  const packages = first.map((name) => packageOf[name]!);
  if (!(await canUseApt())) {
    return `${first.join(", ")} are not installed, and we are not root on Debian to install ${packages.join(", ")}`;
  }
  await withInstallLock(reportToStderr, () =>
    reportStep(reportToStderr, `${packages.join(", ")} with apt-get`, () =>
      installWithApt(packages),
    ),
  );
  const still = await missing();
  return still.length === 0 ? null : `${still.join(", ")} are still missing`;
}
