// npm test: set-up, lint, then every test.
//   node scripts/test.mjs                   everything
//   node scripts/test.mjs unit              without real servers, no lint
//   node scripts/test.mjs system [WORD...]  with real servers; only files whose path has one of the words
//   node scripts/test.mjs image             the container image, really built (npm run image)
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { filesBelow, prepare, run } from "./prepare.mjs";

/** The longest file takes seven and a half minutes: one that takes this long hangs, is ended, and fails alone. */
const FILE_LIMIT_MS = 15 * 60_000;

/**
 * A system test starts servers and loads both cores: one file at a time. The image is built only when
 * asked for: it takes minutes, a gigabyte of disk, and root on Debian.
 */
const PARTS = {
  unit: {
    isIn: (file) => !isBelow("system", file) && !isBelow("image", file),
    atOnce: Math.min(availableParallelism(), 4),
  },
  system: { isIn: (file) => isBelow("system", file), atOnce: 1 },
  image: { isIn: (file) => isBelow("image", file), atOnce: 1, onlyWhenAsked: true },
};

function isBelow(directory, file) {
  return file.startsWith(join("dist", "test", directory, ""));
}

const [part, ...words] = process.argv.slice(2);
if (part !== undefined && !Object.hasOwn(PARTS, part)) {
  console.error(
    `There is no part "${part}" of the tests: write unit, system or image, or nothing for the first two.`,
  );
  process.exit(1);
}

await prepare();
const codes = [];
if (part === undefined) codes.push(await run("npm", ["run", "--silent", "lint"]));
if (codes.every((code) => code === 0)) {
  for (const name of part === undefined ? usualParts() : [part]) {
    codes.push(await runTests(name));
    if (codes.at(-1) > 128) break; // Ctrl-C
  }
}
process.exitCode = codes.find((code) => code !== 0) ?? 0;

async function runTests(name) {
  const { isIn, atOnce } = PARTS[name];
  // One by one, as a directory means different things to Node 20 and 22.
  const files = filesBelow(join("dist", "test"), ".test.js")
    .filter(isIn)
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
  if (files.length === 0) {
    console.error(`Found no ${name} tests${words.length > 0 ? ` for ${words.join(", ")}` : ""}.`);
    return 1;
  }
  console.error(`test: ${name}, ${files.length} files, ${atOnce} at a time`);
  if (atOnce > 1 && knowsLimits()) return runFiles(files, [`--test-concurrency=${atOnce}`]);
  const failed = await failing(files);
  if (failed.interrupted || failed.files.length === 0) return failed.worst;
  // Real servers on a busy machine: one that fails is tried once more, and it is said.
  console.error(`test: once more: ${failed.files.join(", ")}`);
  const again = await failing(failed.files);
  const passed = failed.files.filter((file) => !again.files.includes(file));
  if (passed.length > 0) {
    console.error(`test: UNSTABLE, passed at the second try only: ${passed.join(", ")}`);
  }
  return again.worst;
}

/** Runs files one by one. */
async function failing(files) {
  const failed = { files: [], worst: 0, interrupted: false };
  for (const file of files) {
    const code = await runFiles([file], []);
    if (code !== 0) failed.files.push(file);
    failed.worst = Math.max(failed.worst, code);
    failed.interrupted = code > 128; // Ctrl-C
    if (failed.interrupted) break;
  }
  return failed;
}

function runFiles(files, more) {
  const flags = ["--enable-source-maps", "--test", "--test-reporter=spec", ...more];
  if (knowsLimits()) flags.push(`--test-timeout=${FILE_LIMIT_MS}`);
  return run(process.execPath, [...flags, ...files]);
}

function usualParts() {
  return Object.keys(PARTS).filter((name) => !PARTS[name].onlyWhenAsked);
}

/** Node has --test-concurrency since 20.10 and --test-timeout since 20.11. */
function knowsLimits() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major > 20 || (major === 20 && minor >= 11);
}
