import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { messageOf, UserError } from "../../src/errors.js";
import { CHECKOUT, makeCacheDirectory } from "../../src/setup/checkout.js";
import { reportToStderr } from "../../src/setup/report.js";
import { isPinning } from "./cores.js";
import { type Options, readOptions } from "./options.js";
import { type Comparison, compare, comparisonText } from "./parts/compare.js";
import { config, configLine } from "./parts/config.js";
import { control, controlText } from "./parts/control.js";
import { guardLine, guards } from "./parts/guards.js";
import { memory, memoryText } from "./parts/memory.js";
import { pacing, pacingText } from "./parts/pacing.js";
import { pageLine, pages } from "./parts/pages.js";
import { pauseLine, pauses } from "./parts/pauses.js";
import { rows, rowsLine } from "./parts/rows.js";
import { saturation, saturationText } from "./parts/saturation.js";
import { scrape, scrapeText } from "./parts/scrape.js";
import { share, shareText } from "./parts/share.js";
import { start, startText } from "./parts/start.js";
import { truth, truthLine } from "./parts/truth.js";
import { users, usersText } from "./parts/users.js";
import { comparisonPicture } from "./picture.js";

/*
 * npm run bench: what the daemon costs and whether what it says is true. Each part runs alone:
 *
 *     npm run bench -- [PART…] [--broker redis] [--peers celery-load,ioredis] [--rates 1000,0]
 *
 * A part prints a table or lines, and writes all that it measured to .cache/bench/PART.json. The comparison
 * is drawn into .cache/bench/compare.svg, and into docs/images when nothing was left out.
 */
interface Part {
  readonly run: (options: Options) => Promise<{ readonly text: string; readonly results: unknown }>;
}

const lines = <Row>(rows: readonly Row[], text: (row: Row) => string) => ({
  text: rows.map(text).join("\n"),
  results: rows,
});
const whole = <Result>(results: Result, text: (result: Result) => string) => ({
  text: text(results),
  results,
});

const PARTS: Readonly<Record<string, Part>> = {
  compare: {
    async run(options) {
      const comparison = await compare(options);
      await drawComparison(comparison, options);
      return whole(comparison, comparisonText);
    },
  },
  truth: { run: async () => lines(await truth(), truthLine) },
  pauses: { run: async () => lines(await pauses(), pauseLine) },
  pacing: { run: async (options) => whole(await pacing(options), pacingText) },
  saturation: { run: async (options) => whole(await saturation(options), saturationText) },
  memory: { run: async (options) => whole(await memory(options), memoryText) },
  scrape: { run: async () => whole(await scrape(), scrapeText) },
  guards: { run: async (options) => lines(await guards(options), guardLine) },
  share: { run: async (options) => whole(await share(options), shareText) },
  control: { run: async (options) => whole(await control(options), controlText) },
  pages: { run: async (options) => lines(await pages(options), pageLine) },
  users: { run: async (options) => whole(await users(options), usersText) },
  start: { run: async () => whole(await start(), startText) },
  config: { run: async () => lines(await config(), configLine) },
  rows: { run: async () => lines(rows(), rowsLine) },
};

async function drawComparison({ rows }: Comparison, options: Options): Promise<void> {
  const cpu = cpus()[0]?.model ?? "unknown processor";
  const about = `${cpu}, Node ${process.versions.node}, medians of ${options.repetitions} runs`;
  const picture = comparisonPicture(rows, about);
  await writeFile(join(await makeCacheDirectory("bench"), "compare.svg"), picture);
  if (options.isWhole) await writeFile(join(CHECKOUT, "docs", "images", "bench.svg"), picture);
}

try {
  if (process.platform !== "linux") {
    throw new UserError("The benchmark reads CPU time from /proc, which only Linux has.");
  }
  const options = readOptions(process.argv.slice(2), Object.keys(PARTS));
  if (!(await isPinning())) {
    reportToStderr("note: processes are not bound to cores (needs two cores, and taskset)");
  }
  for (const name of options.parts) {
    const startedMs = performance.now();
    const { text, results } = await PARTS[name]!.run(options);
    const file = join(await makeCacheDirectory("bench"), `${name}.json`);
    const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length };
    await writeFile(file, `${JSON.stringify({ part: name, machine, results }, null, 1)}\n`);
    console.log(`${text}\n`);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    reportToStderr(`${name}: ${seconds} s; all that was measured: ${file}`);
  }
  process.exit(0);
} catch (error) {
  console.error(messageOf(error));
  if (error instanceof UserError && error.hint !== undefined) console.error(error.hint);
  process.exit(1);
}
