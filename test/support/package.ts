import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, realpath, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cachePath, makeCacheDirectory } from "../../src/setup/checkout.js";
import { withInstallLock } from "../../src/setup/install-lock.js";
import { findProgram, mustRun, type ProgramResult, runProgram } from "../../src/setup/programs.js";
import { reportStep, reportToStderr } from "../../src/setup/report.js";
import { makeScratchIn } from "../../src/setup/scratch.js";

/** The releases of Node that the package is tried with, by major version. */
const NODE_VERSIONS = { 20: "20.20.2", 22: "22.23.3", 24: "24.22.3" } as const;
export type Node = keyof typeof NODE_VERSIONS;
export const NODES = [20, 22, 24] as const satisfies readonly Node[];

/** Somebody who installs the package, with a home of their own that is empty at first. */
export interface Person {
  readonly name: string;
  readonly home: string;
  /** Runs a program as them, with a Node first on PATH. */
  run(program: string, args: readonly string[], options?: PersonOptions): Promise<ProgramResult>;
  /** Runs it, and throws an Error with its output when it fails; returns what it wrote to stdout. */
  mustRun(program: string, args: readonly string[], options?: PersonOptions): Promise<string>;
  /** The arguments of Node that are npm, or npx. */
  npm(program: "npm" | "npx"): string;
  /** Gives them a copy of a file or directory, in a directory that is there. */
  give(from: string, to: string): Promise<void>;
  /** Gives them what npm has downloaded for others before. */
  giveNpmCache(): Promise<void>;
}

export interface PersonOptions {
  readonly cwd?: string;
  readonly node?: Node;
  readonly env?: Readonly<Record<string, string>>;
}

/** The user that is nobody: id and group of Debian's. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/**
 * Root and an ordinary user where we are root, else us. Root has the npm of this machine, the user npm 10.
 * Nodes and npm are copied to where everybody can read, as those of this machine may be in root's home.
 * `remove` removes all that they have: tens of thousands of files, for which rm takes seconds and the end of
 * this process a minute.
 */
export async function makePeople(): Promise<{ people: Person[]; remove(): Promise<void> }> {
  const open = join(tmpdir(), "celery-load-package");
  await mkdir(open, { recursive: true, mode: 0o755 });
  const scratch = await makeScratchIn(open);
  await chmod(scratch, 0o755);
  for (const node of NODES) {
    const bin = join(scratch, "node", String(node), "bin");
    await mkdir(bin, { recursive: true });
    await copy(await programOf(node), join(bin, "node"));
  }
  await copy(await ownNpm(), join(scratch, "npm"));
  await copy(await ensurePackage("npm", "10.9.9"), join(scratch, "npm-10"));
  const isRoot = process.getuid?.() === 0;
  const registry = await npmSettings();
  const person = (name: string, npm: string, as: typeof NOBODY | null): Promise<Person> =>
    makePerson(name, { scratch, npm: join(scratch, npm), as, registry });
  const user = await person("an ordinary user", "npm-10", isRoot ? NOBODY : null);
  return {
    people: isRoot ? [await person("root", "npm", null), user] : [user],
    async remove() {
      await mustRun("remove what was installed", "rm", ["-rf", scratch]);
    },
  };
}

/** Kept from one run of the tests to the next. */
const SHARED_NPM_CACHE = cachePath("package", "npm");

interface Circumstances {
  readonly scratch: string;
  readonly npm: string;
  readonly as: typeof NOBODY | null;
  readonly registry: Readonly<Record<string, string>>;
}

async function makePerson(
  name: string,
  { scratch, npm, as, registry }: Circumstances,
): Promise<Person> {
  const home = join(scratch, as === null ? "home" : "home-of-nobody");
  await mkdir(home);
  const own = async (path: string) => {
    if (as !== null) await mustRun("give it away", "chown", ["-R", `${as.uid}:${as.gid}`, path]);
  };
  await own(home);
  const become =
    as === null
      ? []
      : ["setpriv", `--reuid=${as.uid}`, `--regid=${as.gid}`, "--clear-groups", "--"];
  const npmCache = as === null ? SHARED_NPM_CACHE : join(home, ".npm");
  const given = Object.entries(process.env).filter(
    ([key]) => !/^(npm_|XDG_|TMPDIR$|NODE_)/i.test(key),
  );
  const run: Person["run"] = (program, args, { cwd = home, node = 20, env = {} } = {}) => {
    const [first = program, ...rest] = [...become, program, ...args];
    return runProgram(first, rest, {
      cwd,
      env: {
        ...Object.fromEntries(given),
        ...registry,
        npm_config_cache: npmCache,
        HOME: home,
        PATH: `${join(scratch, "node", String(node), "bin")}:${process.env.PATH}`,
        ...env,
      },
    });
  };
  const give = async (from: string, to: string) => {
    await copy(from, to);
    await own(to);
  };
  return {
    name,
    home,
    run,
    give,
    async giveNpmCache() {
      if (npmCache !== SHARED_NPM_CACHE && existsSync(SHARED_NPM_CACHE)) {
        await give(SHARED_NPM_CACHE, npmCache);
      }
    },
    async mustRun(program, args, options) {
      const { code, stdout, stderr } = await run(program, args, options);
      if (code === 0) return stdout;
      throw new Error(
        `${name}: ${program} ${args.join(" ")} ended with ${code}\n${stdout}\n${stderr}`,
      );
    },
    npm: (program) => join(npm, "bin", `${program}-cli.js`),
  };
}

/** By the program, as Node's cp() takes its time for thousands of files. */
async function copy(from: string, to: string): Promise<void> {
  await mustRun("copy", "cp", ["-r", from, to]);
}

/** A Node's program; npm's registry has them as packages for each platform. */
async function programOf(node: Node): Promise<string> {
  if (process.versions.node.startsWith(`${node}.`)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  return join(await ensurePackage(name, NODE_VERSIONS[node]), "bin", "node");
}

/** A package of npm's registry without what it depends on; returns its directory. */
async function ensurePackage(name: string, version: string): Promise<string> {
  const directory = cachePath("package", `${name}-${version}`);
  if (!existsSync(directory)) {
    await withInstallLock(reportToStderr, async () => {
      if (existsSync(directory)) return;
      await reportStep(reportToStderr, `${name} ${version} into ${directory}`, async () => {
        const scratch = await mkdtemp(join(await makeCacheDirectory("package"), "new-"));
        const flags = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
        const args = ["install", "--prefix", scratch, ...flags, `${name}@${version}`];
        await mustRun(`install ${name}`, "npm", args);
        // Its being there means that it is complete.
        await rename(scratch, directory);
      });
    });
  }
  return join(directory, "node_modules", name);
}

/** The directory of the npm on PATH, which is a link to npm/bin/npm-cli.js. */
async function ownNpm(): Promise<string> {
  const npm = await findProgram("npm");
  if (npm === null) throw new Error("Found no npm on PATH.");
  return dirname(dirname(await realpath(npm)));
}

/** How this machine reaches the registry, for those who do not have our settings. */
async function npmSettings(): Promise<Record<string, string>> {
  const settings = { npm_config_prefer_offline: "true", npm_config_update_notifier: "false" };
  const found: Record<string, string> = {};
  for (const key of ["registry", "cafile"]) {
    const { stdout } = await mustRun(`read npm's ${key}`, "npm", ["config", "get", key]);
    if (!/^(null|undefined)?$/.test(stdout.trim())) found[`npm_config_${key}`] = stdout.trim();
  }
  return { ...settings, ...found };
}
