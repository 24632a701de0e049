import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { CHECKOUT, cachePath } from "../../src/setup/checkout.js";
import { freePort } from "../../src/setup/ports.js";
import { ensureRedis } from "../../src/setup/redis.js";
import { cpuSeconds, residentMiB } from "./cpu-time.js";

/**
 * CPU for each task of this daemon against the bare ioredis loop, at fixed rates and as fast as each
 * can, on this machine, in one run: the ratio is the result, the absolute figures are the machine's.
 * The two take turns, so that a drift of the machine hits both. Prints a table, writes JSON.
 *
 *     npm run bench -- [--seconds 5] [--repetitions 3] [--rates 200,1000,5000,0]     0 = ceiling
 */
interface Sample {
  readonly peer: Peer;
  readonly rate: number;
  readonly perSecond: number;
  /** CPU milliseconds of the generator for each task that the worker answered. */
  readonly cpuMsPerTask: number;
  readonly brokerCpuMsPerTask: number;
  readonly residentMiB: number;
}
type Peer = "celery-load" | "ioredis loop";

const WARM_UP_MS = 2_000;
const here = join(CHECKOUT, "dist", "test", "bench");
const settings = readSettings(process.argv.slice(2));
const redisPort = await freePort();
const children: ChildProcess[] = [];
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));

const redisProgram = await ensureRedis();
const redis = start(
  redisProgram,
  ["--port", String(redisPort), "--save", "", "--bind", "127.0.0.1"],
  1,
);
await sleep(500);
const cli = new Redis(redisPort, "127.0.0.1");
const samples: Sample[] = [];
for (let repetition = 0; repetition < settings.repetitions; repetition++) {
  for (const rate of settings.rates) {
    for (const peer of ["celery-load", "ioredis loop"] as const) {
      const sample = await measure(peer, rate);
      samples.push(sample);
      console.error(
        `${peer} ${rate === 0 ? "ceiling" : `${rate}/s`}: ${sample.perSecond.toFixed(0)}/s, ${sample.cpuMsPerTask.toFixed(4)} CPU ms a task`,
      );
    }
  }
}
const report = settings.rates.map((rate) => compare(rate));
mkdirSync(cachePath("bench"), { recursive: true });
const file = cachePath("bench", "redis.json");
writeFileSync(
  file,
  `${JSON.stringify({ node: process.version, settings, report, samples }, null, 2)}\n`,
);
printTable();
console.log(`\nAll samples: ${file}`);
process.exit(0);

async function measure(peer: Peer, rate: number): Promise<Sample> {
  await cli.flushall();
  const worker = start(process.execPath, [join(here, "fake-worker.js"), String(redisPort)], 1);
  const generator = start(process.execPath, await commandOf(peer, rate), 0);
  await sleep(WARM_UP_MS);
  const before = await reading(generator);
  await sleep(settings.seconds * 1000);
  const after = await reading(generator);
  const memory = residentMiB(generator.pid!);
  generator.kill("SIGKILL");
  worker.kill("SIGKILL");
  const tasks = after.answered - before.answered;
  if (tasks <= 0) throw new Error(`${peer} at ${rate}/s had no task answered`);
  return {
    peer,
    rate,
    perSecond: (tasks * 1000) / (after.atMs - before.atMs),
    cpuMsPerTask: ((after.cpu - before.cpu) * 1000) / tasks,
    brokerCpuMsPerTask: ((after.brokerCpu - before.brokerCpu) * 1000) / tasks,
    residentMiB: memory,
  };
}

async function reading(generator: ChildProcess) {
  const answered = Number((await cli.get("bench:answered")) ?? 0);
  return {
    answered,
    atMs: performance.now(),
    cpu: cpuSeconds(generator.pid!),
    brokerCpu: cpuSeconds(redis.pid!),
  };
}

async function commandOf(peer: Peer, rate: number): Promise<string[]> {
  if (peer === "ioredis loop") {
    return [join(here, "ioredis-loop.js"), String(redisPort), String(rate)];
  }
  return [
    ...[join(CHECKOUT, "dist", "src", "main.js"), "run", "--log-level", "error"],
    ...["--broker", `redis://127.0.0.1:${redisPort}/0`, "--task", "bench.add", "--args", "[1,2]"],
    ...["--rate", rate === 0 ? "max" : `${rate}/s`],
    ...["--set", `scenarios.quick.maxInFlight=${rate === 0 ? 1000 : 10_000}`],
    ...["--listen", `127.0.0.1:${await freePort()}`],
  ];
}

/** The generator has one core, broker and worker the other, where there are two. */
function start(program: string, args: readonly string[], core: number): ChildProcess {
  const pinned = availableParallelism() >= 2 ? ["taskset", "-c", String(core), program] : [program];
  const [command, ...rest] = [...pinned, ...args] as [string, ...string[]];
  const child = spawn(command, rest, { stdio: ["ignore", "ignore", "inherit"] });
  child.on("error", (error) => {
    console.error(`Cannot run ${command}: ${error.message}`);
    process.exit(1);
  });
  children.push(child);
  return child;
}

function compare(rate: number) {
  const median = (peer: Peer, read: (sample: Sample) => number) => {
    const values = samples.filter((s) => s.peer === peer && s.rate === rate).map(read);
    values.sort((a, b) => a - b);
    return values[Math.floor(values.length / 2)]!;
  };
  const ours = median("celery-load", (sample) => sample.cpuMsPerTask);
  const floor = median("ioredis loop", (sample) => sample.cpuMsPerTask);
  return {
    rate,
    ours,
    floor,
    ratio: ours / floor,
    oursPerSecond: median("celery-load", (sample) => sample.perSecond),
    floorPerSecond: median("ioredis loop", (sample) => sample.perSecond),
    oursMiB: median("celery-load", (sample) => sample.residentMiB),
    floorMiB: median("ioredis loop", (sample) => sample.residentMiB),
  };
}

function printTable(): void {
  console.log(
    "| rate | celery-load, CPU ms a task | ioredis loop | ratio | tasks a second | MiB |",
  );
  console.log("|---|---|---|---|---|---|");
  for (const row of report) {
    console.log(
      `| ${row.rate === 0 ? "ceiling" : `${row.rate}/s`} | ${row.ours.toFixed(4)} | ${row.floor.toFixed(4)} | **${row.ratio.toFixed(2)}** | ${row.oursPerSecond.toFixed(0)} against ${row.floorPerSecond.toFixed(0)} | ${row.oursMiB.toFixed(0)} against ${row.floorMiB.toFixed(0)} |`,
    );
  }
}

function readSettings(args: readonly string[]) {
  const flag = (name: string, fallback: string) => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? fallback : (args[at + 1] ?? "");
  };
  const numbers = (text: string) => text.split(",").map(Number);
  const found = {
    seconds: Number(flag("seconds", "5")),
    repetitions: Number(flag("repetitions", "3")),
    rates: numbers(flag("rates", "200,1000,5000,0")),
  };
  if (![found.seconds, found.repetitions, ...found.rates].every(Number.isFinite)) {
    console.error("Usage: npm run bench -- [--seconds 5] [--repetitions 3] [--rates 200,1000,0]");
    process.exit(1);
  }
  return found;
}
