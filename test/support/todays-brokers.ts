import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../src/errors.js";
import { aptCandidate, canUseApt } from "../../src/setup/apt.js";
import { cachePath } from "../../src/setup/checkout.js";
import { withInstallLock } from "../../src/setup/install-lock.js";
import { isExecutable, mustRun, runProgram } from "../../src/setup/programs.js";
import { reportStep, reportToStderr } from "../../src/setup/report.js";
import { makeScratchDirectory } from "../../src/setup/scratch.js";
import { type AptSource, debianMirror } from "./debian-mirror.js";
import { missingPrograms } from "./debian-packages.js";

/** The release of Debian that has them. */
const RELEASE = "trixie";
const PACKAGES = ["redis-server", "valkey-server", "rabbitmq-server"];

/** The programs, by the names that they have here: paths in that release. */
const PROGRAMS = {
  "redis-server": "/usr/bin/redis-server",
  "valkey-server": "/usr/bin/valkey-server",
  "rabbitmq-server": "/usr/lib/rabbitmq/bin/rabbitmq-server",
  rabbitmqctl: "/usr/lib/rabbitmq/bin/rabbitmqctl",
  epmd: "/usr/bin/epmd",
  escript: "/usr/bin/escript",
};

const DIRECTORY = cachePath("todays-brokers");

/**
 * The directory with today's brokers: Redis 8, Valkey 8 and RabbitMQ 4 of Debian 13, whatever this machine
 * has installed. They are unpacked into the cache once (some 180 MB, a minute); none is configured or started,
 * and nothing outside of the cache changes but that debootstrap is installed. A program there runs in a mount
 * namespace of its own, where the other release's /usr lies over ours: all other paths, its process id and its
 * group are as without, and no mount outlives it.
 * @throws UserError in one line when they cannot be had here
 */
export async function ensureTodaysBrokers(): Promise<string> {
  const bin = join(DIRECTORY, "bin");
  const isThere = async () => {
    const each = await Promise.all(
      Object.keys(PROGRAMS).map((name) => isExecutable(join(bin, name))),
    );
    return each.every(Boolean);
  };
  await mustHavePrivileges();
  if (await isThere()) return bin;
  const without = await missingPrograms({ debootstrap: "debootstrap" });
  if (without !== null) throw cannot(without);
  await aptCandidate("debootstrap"); // reads the lists of packages where there are none
  const mirror = await findMirror();
  await withInstallLock(reportToStderr, async () => {
    if (await isThere()) return;
    const what = `${PACKAGES.join(", ")} of Debian's ${RELEASE} into ${DIRECTORY}`;
    await reportStep(reportToStderr, what, () => unpack(mirror));
  });
  return bin;
}

function cannot(why: string): UserError {
  return new UserError(`Today's brokers cannot be had here: ${why.split("\n")[0]}.`);
}

async function mustHavePrivileges(): Promise<void> {
  if (!(await canUseApt())) throw cannot("it takes root on Debian");
  const { code, stderr } = await runProgram("unshare", [...OWN_MOUNTS, "true"]);
  if (code !== 0) throw cannot(`it takes CAP_SYS_ADMIN (${stderr.trim()})`);
}

const OWN_MOUNTS = ["--mount", "--propagation", "private"];

async function findMirror(): Promise<AptSource> {
  const format = "$(REPO_URI) $(RELEASE) $(ORIGIN)";
  const targets = await runProgram("apt-get", ["indextargets", "--format", format]);
  const mirror = debianMirror(targets.stdout, await aptSources());
  if (mirror === null) throw cannot("apt reads Debian from no mirror by http");
  return mirror;
}

/** The text of all files that say where apt reads from. */
async function aptSources(): Promise<string[]> {
  const parts = "/etc/apt/sources.list.d";
  const names = await readdir(parts).catch(() => []);
  const files = ["/etc/apt/sources.list", ...names.map((name) => join(parts, name))];
  return Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
}

/** Renamed into place when it is complete and has run, as its being there means that it can be used. */
async function unpack({ mirror, keyring }: AptSource): Promise<void> {
  const scratch = await makeScratchDirectory("unpacking");
  const packages = join(scratch, "packages");
  await mustRun(
    `download ${RELEASE}`,
    "debootstrap",
    [
      ...["--download-only", "--variant=minbase", `--include=${PACKAGES.join(",")}`],
      ...(keyring === null ? [] : [`--keyring=${keyring}`]),
      ...[RELEASE, packages, mirror],
    ],
    { env: { ...process.env, ...(await aptProxy()), LC_ALL: "C.UTF-8" } },
  );
  const root = join(scratch, "root");
  await mkdir(root);
  const archives = join(packages, "var", "cache", "apt", "archives");
  for (const name of await readdir(archives)) {
    if (!name.endsWith(".deb")) continue;
    await mustRun(`unpack ${name}`, "dpkg-deb", ["--extract", join(archives, name), root]);
  }
  const made = join(scratch, "made");
  await mkdir(join(made, "bin"), { recursive: true });
  await rename(join(root, "usr"), join(made, "usr"));
  for (const unread of ["doc", "info", "locale", "man"]) {
    await rm(join(made, "usr", "share", unread), { recursive: true, force: true });
  }
  // Where this machine's own stay visible.
  for (const own of OWN_PARTS) await mkdir(join(made, "usr", own), { recursive: true });
  await writeFile(join(made, "enter"), ENTER_SCRIPT);
  await chmod(join(made, "enter"), 0o755);
  for (const name of Object.keys(PROGRAMS)) await symlink("../enter", join(made, "bin", name));
  await mustRun("run Redis 8", join(made, "bin", "redis-server"), ["--version"]);
  await mustRun("run RabbitMQ 4", join(made, "bin", "rabbitmqctl"), ["version"]);
  await rm(DIRECTORY, { recursive: true, force: true });
  await rename(made, DIRECTORY);
  await rm(scratch, { recursive: true, force: true });
}

/** debootstrap does not ask apt for its proxy. */
async function aptProxy(): Promise<NodeJS.ProcessEnv> {
  const { stdout } = await runProgram("apt-config", [
    ...["dump", "--format", "%v%n", "Acquire::http::Proxy"],
  ]);
  const proxy = stdout.trim();
  return /^https?:/.test(proxy) ? { http_proxy: proxy, https_proxy: proxy } : {};
}

const OWN_PARTS = ["local", "src"];

/**
 * What all programs in `bin` are: which one is meant is in the name. All by `exec`, so that process id and
 * group stay. No program runs between the two mounts that the second would take the libraries from.
 */
const ENTER_SCRIPT = `#!/bin/sh
# Runs the program of its name of Debian ${RELEASE}.
here=$(dirname "$(realpath "$0")")
case $(basename "$0") in
${Object.entries(PROGRAMS)
  .map(([name, path]) => `  ${name}) program=${path} ;;`)
  .join("\n")}
esac
exec unshare ${OWN_MOUNTS.join(" ")} /bin/sh -e -c '
usr=$1 program=$2
shift 2
for own in ${OWN_PARTS.join(" ")}; do
  if [ -d "/usr/$own" ]; then mount --rbind "/usr/$own" "$usr/$own"; fi
done
mount --rbind "$usr" /usr
exec "$program" "$@"' enter "$here/usr" "$program" "$@"
`;
