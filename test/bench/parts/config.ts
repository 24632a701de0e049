import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MAX_YAML_BYTES } from "../../../src/config/sources/yaml-source.js";
import { CHECKOUT } from "../../../src/setup/checkout.js";
import { LARGE, largest } from "../../support/large-configurations.js";

/** What `check` takes for the largest configurations, of everything that one can have many of. */

export interface ConfigResult {
  readonly name: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

const MAIN = join(CHECKOUT, "dist", "src", "main.js");

/** Says at the end of the process what it took. */
const TELL = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from "node:fs";
  process.on("exit", () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    writeSync(2, "\\n" + JSON.stringify([maxRSS / 1024, (userCPUTime + systemCPUTime) / 1e6]));
  });
`)}`;

export async function config(): Promise<ConfigResult[]> {
  const directory = await mkdtemp(join(tmpdir(), "celery-load-bench-"));
  try {
    const results: ConfigResult[] = [];
    for (const [name, make] of Object.entries(LARGE)) {
      const file = join(directory, "load.yml");
      await writeFile(file, largest(make, MAX_YAML_BYTES));
      results.push({ name, ...(await check(file)) });
    }
    return results;
  } finally {
    await rm(directory, { recursive: true });
  }
}

function check(file: string): Promise<Omit<ConfigResult, "name">> {
  const startedMs = performance.now();
  const args = ["--import", TELL, MAIN, "check", file];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { maxBuffer: Infinity }, (_error, _stdout, stderr) => {
      const [peakMiB, cpuSeconds] = JSON.parse(stderr.trim().split("\n").at(-1)!);
      resolve({ seconds: (performance.now() - startedMs) / 1000, cpuSeconds, peakMiB });
    });
  });
}

export function configLine({ name, seconds, cpuSeconds, peakMiB }: ConfigResult): string {
  const numbers = `${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU, ${peakMiB.toFixed(0)} MiB`;
  return `check of 1 MiB of ${name}: ${numbers}`;
}
