// npm test: set-up, lint, then every test.
//   node scripts/test.mjs                   everything
//   node scripts/test.mjs quick             lint, unit tests, and one whole run on each broker (npm run test:quick)
//   node scripts/test.mjs unit              without real servers, no lint
//   node scripts/test.mjs system [WORD...]  with real servers; only files whose path has one of the words
//   node scripts/test.mjs today [WORD...]   those that are about a broker once more, on Redis 8 and RabbitMQ 4
//   node scripts/test.mjs image             the container image, really built (npm run image)
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { checkout, filesBelow, prepare, run } from "./prepare.mjs";
import { inLanes } from "./test-lanes.mjs";

/** The longest file takes three minutes on two cores: one that takes this long hangs, is ended, and fails alone. */
const FILE_LIMIT_MS = 15 * 60_000;

/** A second try is for a busy machine's chances: more files than these have a cause, and so many minutes end a CI. */
const SECOND_TRY = { most: 5, untilMs: 60 * 60_000 };

/** Files of system tests at a time: they wait for servers more than they compute, and some do two things at once. */
const LANES = Number(process.env.TEST_LANES ?? Math.min(availableParallelism() + 1, 8));

/** Of those that servers started by tests take theirs from; kernels take those of clients above. */
const PORTS = { first: 20_000, last: 31_999 };

/** The first line of a system test that judges times, so that nothing may run beside it. */
const ALONE = "// Runs alone: ";

/** The same where one that waits as much may run beside it: they leave both cores idle most of the time. */
const PAIRED = "// Runs beside one other: ";

/** The first line of a unit test that must not share its process. */
const APART = "// In a process of its own: ";

/** Among the first lines of a system test that is about what brokers do. */
const ALSO_TODAY = "// Also on today's brokers.";

const PARTS = { quick, unit, system, today, image };

const [part, ...words] = process.argv.slice(2);
if (part !== undefined && !Object.hasOwn(PARTS, part)) {
  console.error(
    `There is no part "${part}" of the tests: write quick, unit, system, today or image, or nothing for unit, system and today.`,
  );
  process.exit(1);
}

const totals = { pass: 0, fail: 0, skipped: 0 };
await prepare();
process.exitCode = part === undefined ? await everything() : await PARTS[part]();
// The last line says it all, whatever ran.
console.log(`${totals.pass} passed, ${totals.fail} failed, ${totals.skipped} skipped`);

async function everything() {
  console.error(
    "test: lint, unit tests, then tests that start Redis, RabbitMQ, Celery workers, Prometheus and Chromium on 127.0.0.1;" +
      " three quarters of an hour on two cores, or more (npm run test:quick: six minutes)",
  );
  return inTurn([lint, unit, everySystemTest]);
}

/** On both generations of brokers, as one pool: whatever is left over at the end waits for one file only. */
async function everySystemTest() {
  const isThere = await todaysBrokersAreThere();
  return runSystem([...jobs("installed"), ...(isThere ? jobs("today") : [])]);
}

function quick() {
  words.splice(0, words.length, "quick-form");
  return inTurn([lint, unit, system]);
}

/** Each step, also after one that failed, unless that was the first or Ctrl-C. */
async function inTurn([first, ...others]) {
  let worst = await first();
  for (const step of worst === 0 ? others : []) {
    const code = await step();
    worst = worst || code;
    if (isInterrupted(code)) break;
  }
  return worst;
}

function lint() {
  return run("npm", ["run", "--silent", "lint"]);
}

async function unit() {
  const files = testFiles((file) => !isBelow("system", file) && !isBelow("image", file));
  const atOnce = Math.min(availableParallelism(), 4);
  const directory = mkdtempSync(join(tmpdir(), "celery-load-test-"));
  try {
    const processes = inOneProcessEach(files, directory);
    console.error(
      `test: unit, ${files.length} files in ${processes.length} processes, ${atOnce} at a time`,
    );
    const result = await runFiles(processes, knowsLimits() ? [`--test-concurrency=${atOnce}`] : []);
    process.stdout.write(result.output);
    count(result.output);
    return result.code;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * A file for each folder of tests, which loads all of them: most take less time than a Node that starts for one.
 * @returns the paths of these files, and of those that want a process for themselves
 */
function inOneProcessEach(files, directory) {
  const apart = files.filter((file) => headOf(file)[0].startsWith(APART));
  const together = files.filter((file) => !apart.includes(file));
  const loaders = [...new Set(together.map((file) => dirname(file)))].map((folder) => {
    const imports = together
      .filter((file) => dirname(file) === folder)
      .map((file) => `import ${JSON.stringify(pathToFileURL(join(checkout, file)))};\n`);
    const name = relative(join("dist", "test"), folder).replaceAll(sep, "-");
    const path = join(directory, `${name}.test.mjs`);
    writeFileSync(path, imports.join(""));
    return path;
  });
  return [...apart, ...loaders];
}

function system() {
  return runSystem(jobs("installed"));
}

/** What is about a broker, on the generation of brokers that Debian 12 does not have. */
async function today() {
  return (await todaysBrokersAreThere()) ? runSystem(jobs("today")) : 0;
}

async function todaysBrokersAreThere() {
  const prepareBrokers = join("dist", "test", "support", "prepare-todays-brokers.js");
  const isThere = (await run(process.execPath, [prepareBrokers])) === 0;
  if (!isThere) console.error("test: nothing is tried on Redis 8 and RabbitMQ 4");
  return isThere;
}

/** The system tests that are asked for: each with the generation of brokers on which it runs. */
function jobs(brokers) {
  const isAbout = (file) => brokers === "installed" || headOf(file).includes(ALSO_TODAY);
  const isWanted = (file) => words.length === 0 || words.some((word) => file.includes(word));
  const files = testFiles((file) => isBelow("system", file) && isWanted(file) && isAbout(file));
  return files.map((file) => ({ file, brokers }));
}

async function image() {
  const [file] = testFiles((path) => isBelow("image", path));
  const { code, output } = await runFiles([file]);
  process.stdout.write(output);
  count(output);
  return code;
}

async function runSystem(wanted) {
  if (wanted.length === 0) {
    console.error(`Found no system tests for ${words.join(", ")}.`);
    return 1;
  }
  const isHeaded = ({ file }, head) => headOf(file)[0].startsWith(head);
  const alone = wanted.filter((job) => isHeaded(job, ALONE));
  const paired = longestFirst(wanted.filter((job) => isHeaded(job, PAIRED)));
  const beside = longestFirst(
    wanted.filter((job) => !alone.includes(job) && !paired.includes(job)),
  );
  console.error(
    `test: system, ${beside.length} files, ${LANES} at a time, then ${paired.length} in pairs and ${alone.length} alone`,
  );
  const runs = [
    ...(await inLanes(beside, LANES, runAndTell)),
    ...(await inLanes(paired, Math.min(2, LANES), runAndTell)),
    ...(await inLanes(alone, 1, runAndTell)),
  ];
  const interrupted = runs.find(({ code }) => isInterrupted(code));
  if (interrupted !== undefined) return interrupted.code;
  const failed = runs.filter(({ code }) => code !== 0);
  const again = isWorthASecondTry(failed) ? await onceMore(failed) : failed;
  const last = [...runs.filter(({ code }) => code === 0), ...again];
  for (const { output } of last) count(output);
  tellTimes(last);
  return last.find(({ code }) => code !== 0)?.code ?? 0;
}

/** Real servers on a busy machine: one that fails is tried once more, alone, and it is said. */
async function onceMore(failed) {
  console.error(`test: once more: ${failed.map(({ job }) => nameOf(job)).join(", ")}`);
  const again = await inLanes(
    failed.map(({ job }) => job),
    1,
    runAndTell,
  );
  for (const { job, code } of again) {
    if (code === 0) console.error(`test: UNSTABLE, passed at the second try only: ${nameOf(job)}`);
  }
  return again;
}

function isWorthASecondTry(failed) {
  const names = failed.map(({ job }) => nameOf(job)).join(", ");
  if (failed.length === 0) return false;
  if (failed.length > SECOND_TRY.most) {
    console.error(`test: ${failed.length} files failed, and none is tried again: ${names}`);
    return false;
  }
  if (performance.now() > SECOND_TRY.untilMs) {
    console.error(`test: it took too long for a second try of ${names}`);
    return false;
  }
  return true;
}

/** Runs a file in a lane, which has a share of the ports of its own, and prints its output in one piece. */
async function runAndTell(job, lane, place) {
  const share = Math.floor((PORTS.last + 1 - PORTS.first) / LANES);
  const from = PORTS.first + lane * share;
  const startedMs = performance.now();
  const { code, output } = await runFiles([job.file], [], {
    FREE_PORTS: `${from}-${from + share - 1}`,
    BROKERS: job.brokers,
  });
  const seconds = (performance.now() - startedMs) / 1000;
  process.stdout.write(output);
  const end = code === 0 ? "passed" : "FAILED";
  console.error(`test: ${place} ${nameOf(job)} ${end} after ${seconds.toFixed(0)} s`);
  return { job, code, output, seconds };
}

function nameOf({ file, brokers }) {
  return brokers === "installed" ? file : `${file} on Redis 8 and RabbitMQ 4`;
}

/** @returns the exit code, and what they printed */
async function runFiles(files, more = [], env = {}) {
  const flags = ["--enable-source-maps", "--test", "--test-reporter=spec", ...more];
  if (knowsLimits()) flags.push(`--test-timeout=${FILE_LIMIT_MS}`);
  const directory = mkdtempSync(join(tmpdir(), "celery-load-test-"));
  const path = join(directory, "output");
  const output = openSync(path, "a");
  try {
    const code = await run(process.execPath, [...flags, ...files], {
      stdio: ["ignore", output, output],
      env: { ...process.env, ...env },
    });
    return { code, output: readFileSync(path, "utf8") };
  } finally {
    closeSync(output);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Adds up the closing lines of the spec reporter. */
function count(output) {
  for (const name of Object.keys(totals)) {
    totals[name] += Number(output.match(new RegExp(`^ℹ ${name} (\\d+)$`, "m"))?.[1] ?? 0);
  }
}

function tellTimes(runs) {
  for (const { job, seconds } of [...runs].sort((a, b) => b.seconds - a.seconds)) {
    console.error(`test: ${seconds.toFixed(0).padStart(4)} s ${nameOf(job)}`);
  }
}

// One by one, as a directory means different things to Node 20 and 22.
function testFiles(isIn) {
  return filesBelow(join("dist", "test"), ".test.js").filter(isIn);
}

function isBelow(directory, file) {
  return file.startsWith(join("dist", "test", directory, ""));
}

/** The longest first, so that none is left over at the end. */
function longestFirst(some) {
  return [...some].sort((a, b) => sourceOf(b.file).length - sourceOf(a.file).length);
}

/** The lines in which a system test says how it is to be run. */
function headOf(file) {
  return sourceOf(file).split("\n", 3);
}

function sourceOf(file) {
  const source = file.replace(/^dist./, "").replace(/\.js$/, ".ts");
  return readFileSync(join(checkout, source), "utf8");
}

/** By a signal, such as that of Ctrl-C. */
function isInterrupted(code) {
  return code > 128;
}

/** Node has --test-concurrency since 20.10 and --test-timeout since 20.11. */
function knowsLimits() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major > 20 || (major === 20 && minor >= 11);
}
