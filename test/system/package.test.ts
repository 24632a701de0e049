import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CHECKOUT, cachePath } from "../../src/setup/checkout.js";
import { freePort } from "../../src/setup/ports.js";
import { mustRun } from "../../src/setup/programs.js";
import { ensurePrometheus } from "../../src/setup/prometheus.js";
import { missingPrograms } from "../support/debian-packages.js";
import { makePeople, NODES, type Node, type Person } from "../support/package.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { startWorker, type TestWorker } from "../support/worker.js";

/*
 * The package as its users get it: made of a clean clone of the last commit, installed in four ways, by root
 * and by an ordinary user, and used with every Node that is supported.
 */

/** The program as somebody has installed it. */
interface Installed {
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd: string;
}

/** What there is to install. */
interface Sources {
  /** A package file. */
  readonly tarball: string;
  /** A clean clone, the person's own. */
  readonly clone: string;
}

type Install = (person: Person, sources: Sources) => Promise<Installed>;

const BY_URL = "globally by git URL";

const WAYS = new Map<string, Install>([
  ["globally from the package", (person, { tarball }) => globally(person, tarball)],
  [
    BY_URL,
    async (person, { clone }) => {
      const cwd = await directoryOf(person, "by-url");
      const name = await npm(person, cwd, "pack", "--silent", `git+file://${clone}`);
      return globally(person, join(cwd, name.trim()));
    },
  ],
  [
    "by npx from another folder",
    async (person, { tarball }) => ({
      command: ["node", person.npm("npx"), "--yes", "--package", tarball, "celery-load"],
      cwd: await directoryOf(person, "elsewhere"),
    }),
  ],
  [
    "as a dependency of another project",
    async (person, { tarball }) => {
      const cwd = await directoryOf(person, "project");
      await npm(person, cwd, "init", "--yes");
      await npm(person, cwd, "install", tarball);
      return { command: ["node", person.npm("npx"), "celery-load"], cwd };
    },
  ],
]);

const reason = existsSync(join(CHECKOUT, ".git"))
  ? await missingPrograms({ git: "git" })
  : "this is no checkout of git that could be cloned";
const { people, remove } = reason === null ? await makePeople() : { people: [], remove() {} };

describe("the package", { skip: reason ?? false }, () => {
  let redis: TestRedis;
  let worker: TestWorker;
  let tarball: string;
  before(async () => {
    redis = await startRedis();
    worker = await startWorker({ broker: redis.url() });
    const [first] = people;
    const clone = await cloneOf(first!);
    const name = await npm(first!, clone, "pack", "--silent");
    tarball = join(clone, name.trim());
  });
  after(async () => {
    await worker?.stop();
    await redis?.stop();
    await remove();
  });

  test("holds the program and all that it imports, and nothing of its development", async () => {
    const { files, imports, dependencies } = await contentsOf(tarball);
    assert.deepEqual(
      imports.filter((name) => !dependencies.includes(name) && !files.includes(name)),
      [],
    );
    const unneeded =
      /\.(map|tsx|tsbuildinfo|png)$|^(?!types\/index\.d\.).*\.ts$|^docs\/.*\.svg$|^dist\/src\/page\/|^(test|dist\/test|scripts|src)\/|\.test\./;
    assert.deepEqual(
      files.filter((file) => unneeded.test(file)),
      [],
    );
  });

  if (people.length === 1) {
    console.error(
      "set-up: the package is tried by one user only, as we are not root, who can be another.",
    );
  }
  for (const person of people) {
    describe(`for ${person.name}`, () => {
      const installed = new Map<string, Installed>();
      let sources: Sources;
      before(async () => {
        await person.giveNpmCache();
        const own = join(person.home, "package.tgz");
        await person.give(tarball, own);
        sources = { tarball: own, clone: await cloneOf(person) };
        await person.give(join(CHECKOUT, "demo", "load.yml"), join(person.home, "load.yml"));
      });

      const isLast = person === people.at(-1);
      // That takes another build: one of the two does it.
      const ways = [...WAYS].filter(([way]) => isLast || way !== BY_URL);
      for (const [index, [way, install]] of ways.entries()) {
        const runsOn = NODES[index % NODES.length]!;
        test(`is installed ${way}, and runs on Node ${NODES.join(", ")}`, async () => {
          const program = await install(person, sources);
          installed.set(way, program);
          for (const node of NODES) {
            assert.match(await use(person, program, node, "--version"), /^\d+\.\d+\.\d+\n$/);
            const file = join(person.home, "load.yml");
            assert.match(await use(person, program, node, "check", file), /demo\.add/);
          }
          const report = await use(
            person,
            program,
            runsOn,
            "run",
            ...(await quickRun(redis.url())),
          );
          assert.equal(JSON.parse(report).total.outcomes.succeeded, 20);
        });
      }

      test("gives every rule and every dashboard", async () => {
        const program = installed.get("globally from the package")!;
        const rules = await scratchFile("rules.yml");
        await writeFile(rules, await use(person, program, 24, "rules"));
        const { promtool } = await ensurePrometheus();
        await mustRun("check the rules", promtool, ["check", "rules", rules]);
        assert.match(await readFile(rules, "utf8"), /celery-load-correlation/);
        await use(person, program, 24, "dashboards", "--out", "dashboards");
        assert.deepEqual(
          await readdir(join(program.cwd, "dashboards")),
          await readdir(join(CHECKOUT, "grafana", "dashboards")),
        );
      });

      test("runs the demo, and writes to the user's cache alone", async () => {
        const way =
          person.name === "root" ? "globally from the package" : "by npx from another folder";
        const node = person.name === "root" ? 22 : 24;
        const cache = join(person.home, ".cache", "celery-load-exporter");
        await givePipCache(person, cache);
        const output = await use(person, installed.get(way)!, node, "demo", "--for", "3s");
        assert.match(output, /The demo is running.*\n\n {2}the live page +http:/);
        assert.ok((await readdir(cache)).includes("python"));
        const written = (await readdir(person.home, { recursive: true })).filter((path) =>
          /node_modules\/celery-load-exporter\/(.*\/)?(\.cache|__pycache__)/.test(path),
        );
        assert.deepEqual(written, []);
      });

      test("says where it cannot write, without a stack trace", async () => {
        const { command, cwd } = installed.get("globally from the package")!;
        const blocked = join(person.home, "blocked");
        await person.give(join(person.home, "load.yml"), blocked);
        const env = { XDG_CACHE_HOME: blocked };
        const { code, stderr } = await person.run(command[0], ["demo", "--for", "3s"], {
          cwd,
          env,
        });
        assert.equal(code, 1);
        assert.match(stderr, /^Cannot write .*blocked\/celery-load-exporter\/.*: ENOTDIR/m);
        assert.match(stderr, /Set XDG_CACHE_HOME/);
        assert.doesNotMatch(stderr, /^\s+at /m);
      });

      test("is not left half installed where npm cannot do it: globally by git URL without a package", async (t) => {
        if (!isLast) return t.skip("tried by the ordinary user");
        const prefix = join(person.home, "none");
        const url = `git+file://${sources.clone}`;
        const args = [person.npm("npm"), "install", "--global", "--prefix", prefix, url];
        const { code, stderr } = await person.run("node", args);
        assert.notEqual(code, 0);
        assert.match(stderr, /npm install --global "\.\/\$\(npm pack --silent 'git\+file:/);
        assert.ok(!existsSync(join(prefix, "bin", "celery-load")));
      });
    });
  }
});

async function quickRun(broker: string): Promise<string[]> {
  return [
    ...["--broker", broker, "--task", "tests.add", "--args", "[1,2]", "--rate", "50/s"],
    ...["--count", "20", "--listen", `127.0.0.1:${await freePort()}`, "--json"],
  ];
}

/** Installs a package file into an empty prefix of their own. */
async function globally(person: Person, tarball: string): Promise<Installed> {
  const cwd = await directoryOf(person, "global");
  const prefix = join(cwd, "prefix");
  await npm(person, cwd, "install", "--global", "--prefix", prefix, tarball);
  return { command: [join(prefix, "bin", "celery-load")], cwd };
}

function use(
  person: Person,
  { command, cwd }: Installed,
  node: Node,
  ...args: string[]
): Promise<string> {
  const [program, ...first] = command;
  return person.mustRun(program, [...first, ...args], { cwd, node });
}

function npm(person: Person, cwd: string, ...args: string[]): Promise<string> {
  return person.mustRun("node", [person.npm("npm"), ...args], { cwd });
}

let directories = 0;

/** A new directory of theirs. */
async function directoryOf(person: Person, name: string): Promise<string> {
  directories += 1;
  const path = join(person.home, `${directories}-${name}`);
  await person.mustRun("mkdir", [path]);
  return path;
}

/** A clone of the last commit that is theirs, as git reads no repository of somebody else. */
async function cloneOf(person: Person): Promise<string> {
  const ours = await scratchFile("clone");
  await mustRun("clone the checkout", "git", ["clone", "--quiet", CHECKOUT, ours]);
  directories += 1;
  const theirs = join(person.home, `${directories}-clone`);
  await person.give(ours, theirs);
  return theirs;
}

/** What pip has downloaded before, so that it need not do it again. */
async function givePipCache(person: Person, cache: string): Promise<void> {
  if (!existsSync(cachePath("pip"))) return;
  await person.mustRun("mkdir", ["-p", cache]);
  await person.give(cachePath("pip"), join(cache, "pip"));
}

/** The files of a package, what its program imports (packages, and files by their paths), and its dependencies. */
async function contentsOf(tarball: string) {
  const directory = await scratchFile("contents");
  await mkdir(directory);
  await mustRun("unpack it", "tar", ["--extract", "--file", tarball, "--directory", directory]);
  const root = join(directory, "package");
  const files = await readdir(root, { recursive: true });
  const imports = new Set<string>();
  for (const file of files.filter((name) => name.endsWith(".js"))) {
    const text = await readFile(join(root, file), "utf8");
    for (const [, name = ""] of text.matchAll(IMPORT)) {
      if (name.startsWith("node:")) continue;
      imports.add(name.startsWith(".") ? join(file, "..", name) : packageOf(name));
    }
  }
  const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const dependencies = Object.keys(manifest.dependencies);
  return { files, imports: [...imports], dependencies };
}

/** Of a line that begins with import or export, or an import() with a fixed name. */
const IMPORT = /(?:^(?:import|export)\b[^;]*?\bfrom |^import |\bimport\()"([^"]+)"/gm;

/** "@scope/name" or "name" of what is imported from it. */
function packageOf(name: string): string {
  return name.split("/", name.startsWith("@") ? 2 : 1).join("/");
}
