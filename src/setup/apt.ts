import { findProgram, mustRun, runProgram } from "./programs.js";

/** The packages of Debian can be installed: apt is here, and we are root. */
export async function canUseApt(): Promise<boolean> {
  return process.getuid?.() === 0 && (await findProgram("apt-get")) !== null;
}

/**
 * Installs Debian packages without their recommendations. Their services are not started.
 * @throws UserError with apt's last lines
 */
export async function installWithApt(packages: readonly string[]): Promise<void> {
  const install = ["-c", INSTALL_SCRIPT, "apt-get", ...packages];
  const options = { env: aptEnvironment(), mayOutliveUs: true };
  if ((await runProgram("/bin/sh", install, options)).code === 0) return;
  // A fresh container has no package lists, an old one has lists whose files are gone.
  await updateAptLists();
  const hint = `Install them by hand: apt-get install ${packages.join(" ")}`;
  await mustRun(`install ${packages.join(", ")}`, "/bin/sh", install, { ...options, hint });
}

/**
 * Packages such as redis-server start a service when they are installed. Debian's means against that
 * is policy-rc.d (exit code 101: action forbidden); one that is there already is left alone. In a
 * shell that may outlive us, so that neither dpkg is cut off half-way nor the file stays.
 */
const INSTALL_SCRIPT = `
policy=/usr/sbin/policy-rc.d
if (set -C; printf '#!/bin/sh\\nexit 101\\n' >"$policy") 2>/dev/null; then
  trap 'rm -f "$policy"' EXIT
  chmod 755 "$policy"
fi
apt-get install -y -q --no-install-recommends "$@"
`;

/** The version of a package that apt would install, or null. Reads the lists if there are none. */
export async function aptCandidate(name: string): Promise<string | null> {
  const known = await candidateInLists(name);
  if (known !== null) return known;
  await updateAptLists();
  return candidateInLists(name);
}

async function candidateInLists(name: string): Promise<string | null> {
  const { stdout } = await runProgram("apt-cache", ["policy", name], { env: aptEnvironment() });
  const candidate = /Candidate: (\S+)/.exec(stdout)?.[1] ?? "(none)";
  return candidate === "(none)" ? null : candidate;
}

async function updateAptLists(): Promise<void> {
  await mustRun("read the lists of packages", "apt-get", ["update", "-q"], {
    env: aptEnvironment(),
    hint: "Check that this machine reaches the mirrors in /etc/apt.",
  });
}

function aptEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" };
}
