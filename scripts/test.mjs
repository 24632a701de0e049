// npm test: set-up, lint, then every test.
//   node scripts/test.mjs                   everything
//   node scripts/test.mjs unit              without real servers, no lint
//   node scripts/test.mjs system [WORD...]  with real servers; only files whose path has one of the words
//   node scripts/test.mjs image             the container image, really built (npm run image)
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { filesBelow, prepare, run } from "./prepare.mjs";

/** No file takes four minutes: one that takes more hangs, is ended, and fails alone. */
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
  const flags = ["--enable-source-maps", "--test", "--test-reporter=spec"];
  if (knowsLimits()) {
    const limits = [`--test-concurrency=${atOnce}`, `--test-timeout=${FILE_LIMIT_MS}`];
    return run(process.execPath, [...flags, ...limits, ...files]);
  }
  let worst = 0;
  for (const file of files) worst = Math.max(worst, await run(process.execPath, [...flags, file]));
  return worst;
}

function usualParts() {
  return Object.keys(PARTS).filter((name) => !PARTS[name].onlyWhenAsked);
}

/** Node has --test-concurrency since 20.10 and --test-timeout since 20.11. */
function knowsLimits() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major > 20 || (major === 20 && minor >= 11);
}
