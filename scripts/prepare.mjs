// What every script needs first: npm packages and a fresh dist/. Uses nothing but Node, as on a fresh
// clone there is nothing else.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const checkout = resolve(fileURLToPath(import.meta.url), "..", "..");

const OLDEST_NODE = 20;

/** Installs npm packages and compiles, each only if need be. Ends the process when one fails. */
export async function prepare() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < OLDEST_NODE) {
    fail(`Node ${process.versions.node} is too old: install Node ${OLDEST_NODE} or later.`);
  }
  if (!arePackagesFresh()) {
    await step("npm packages into node_modules", "npm", ["ci", ...ALL_PACKAGES, ...QUIET_NPM]);
  }
  const sources = fingerprintOfSources();
  if (readIfThere(stampPath) === sources) return;
  removeOrphans("src");
  removeOrphans("test");
  rmSync(stampPath, { force: true });
  const compiler = join(checkout, "node_modules", "typescript", "bin", "tsc");
  await step("compiling into dist", process.execPath, [compiler, "-p", "tsconfig.json"]);
  await step("the live page into dist/page", process.execPath, [join("scripts", "page.mjs")]);
  writeFileSync(stampPath, sources);
}

/**
 * Runs a program in the checkout with our streams and environment (or others, as spawn() takes them), and passes
 * signals on to it.
 * @returns its exit code; 128 + the signal's number when a signal ended it, as shells say it
 */
export function run(program, args, { stdio = "inherit", env = process.env } = {}) {
  return new Promise((settle) => {
    const child = spawn(program, args, { cwd: checkout, stdio, env });
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    const passOn = (signal) => child.kill(signal);
    for (const signal of signals) process.on(signal, passOn);
    const end = (code) => {
      for (const signal of signals) process.off(signal, passOn);
      settle(code);
    };
    child.on("error", (error) => {
      console.error(`Cannot run ${program}: ${error.message}`);
      end(1);
    });
    child.on("exit", (code, signal) => end(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/**
 * Of npm's settings those that would leave out what is needed here. Under `npm pack --dry-run` or
 * `npm install --global` they are in our environment too, and meant for that command only.
 */
const ALL_PACKAGES = ["--ignore-scripts", "--include=dev", "--no-global", "--no-dry-run"];

const QUIET_NPM = ["--no-audit", "--no-fund", "--loglevel=error"];

const stampPath = join(checkout, "dist", ".sources");

async function step(what, program, args) {
  const startedMs = performance.now();
  console.error(`set-up: ${what} ...`);
  // Progress: our own output is that of what comes after, such as the name of a file from `npm pack`.
  const code = await run(program, args, { stdio: ["inherit", process.stderr, "inherit"] });
  if (code !== 0) {
    console.error(`set-up: ${what} failed: "${program} ${args.join(" ")}"`);
    process.exit(code);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  console.error(`set-up: ${what}: done in ${seconds.toFixed(1)} s`);
}

function arePackagesFresh() {
  const installed = join(checkout, "node_modules", ".package-lock.json");
  const wanted = join(checkout, "package-lock.json");
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs;
}

/** Changes when a source is edited, added or removed, or when the compiler or its settings change. */
function fingerprintOfSources() {
  const hash = createHash("sha256");
  const files = [
    ...["tsconfig.json", "package.json", "package-lock.json"],
    ...["scripts/page.mjs", ...filesBelow("src", ".ts"), ...filesBelow(join("src", "page"), "")],
    ...filesBelow("test", ".ts"),
  ];
  for (const file of files) {
    const { size, mtimeMs } = statSync(join(checkout, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

/**
 * Removes what was compiled from sources that are gone, so that no deleted test still runs. The rest
 * stays in place for whoever is running it; the compiler overwrites it.
 */
function removeOrphans(directory) {
  const sources = new Set(filesBelow(directory, ".ts").map((file) => file.slice(0, -".ts".length)));
  for (const ending of [".js", ".js.map", ".d.ts"]) {
    for (const file of filesBelow(join("dist", directory), ending)) {
      const source = file.slice("dist/".length, -ending.length);
      if (!sources.has(source)) rmSync(join(checkout, file));
    }
  }
}

/** Paths relative to the checkout, sorted; none when the directory is not there. */
export function filesBelow(directory, ending) {
  if (!existsSync(join(checkout, directory))) return [];
  return readdirSync(join(checkout, directory), { recursive: true })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(directory, name))
    .sort();
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
