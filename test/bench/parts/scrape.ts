import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type RunningDaemon, startDaemon } from "../daemon.js";
import { mainThreadSeconds } from "../process-tree.js";
import { firstAnswer, openStage } from "../stage.js";
import { median } from "../statistics.js";

/*
 * What a scrape costs the main thread: its CPU time over many scrapes, less what it uses without them.
 */

/** Entries of 5 histograms with 21 buckets and 3 with 11: these have 6,072 buckets, about as 300 series of 20 have. */
const TASKS = 44;
const BUCKETS_MS = Array.from({ length: 20 }, (_, index) => Math.round(1.7 ** index));
const SCRAPES = 50;
const ROUNDS = 5;

export interface ScrapeResult {
  readonly series: number;
  readonly buckets: number;
  readonly bytes: number;
  /** Main thread's CPU milliseconds for each request. */
  readonly metricsMs: number;
  /** As Prometheus asks for it. */
  readonly gzippedMs: number;
  readonly healthzMs: number;
}

export async function scrape(): Promise<ScrapeResult> {
  await using stage = await openStage("redis");
  await using worker = await stage.startWorker();
  await using daemon = await startDaemon(stage, {
    ...{ profile: "1000/s", seconds: 3600, tasks: TASKS, bucketsMs: BUCKETS_MS },
  });
  await firstAnswer(worker, daemon);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const text = await fetched(`${daemon.url}/metrics`, agent);
  // V8 compiles what renders.
  await cpuOf(daemon, agent, "/metrics");
  const rounds = { metrics: [] as number[], gzipped: [] as number[], healthz: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    rounds.metrics.push(await cpuOf(daemon, agent, "/metrics"));
    rounds.gzipped.push(await cpuOf(daemon, agent, "/metrics", { "accept-encoding": "gzip" }));
    rounds.healthz.push(await cpuOf(daemon, agent, "/healthz"));
  }
  agent.destroy();
  return {
    series: text.match(/^\w+_count\{/gm)?.length ?? 0,
    buckets: text.match(/^\w+_bucket\{/gm)?.length ?? 0,
    bytes: Buffer.byteLength(text),
    metricsMs: median(rounds.metrics),
    gzippedMs: median(rounds.gzipped),
    healthzMs: median(rounds.healthz),
  };
}

/** CPU milliseconds of the main thread for each of many requests, with as much idle time taken off. */
async function cpuOf(
  daemon: RunningDaemon,
  agent: Agent,
  path: string,
  headers: Record<string, string> = {},
): Promise<number> {
  const began = { atMs: performance.now(), cpu: mainThreadSeconds(daemon.pid) };
  for (let index = 0; index < SCRAPES; index++) {
    await fetched(daemon.url + path, agent, headers);
    await sleep(20);
  }
  const between = { atMs: performance.now(), cpu: mainThreadSeconds(daemon.pid) };
  await sleep(between.atMs - began.atMs);
  const idle = mainThreadSeconds(daemon.pid) - between.cpu;
  return ((between.cpu - began.cpu - idle) * 1000) / SCRAPES;
}

function fetched(url: string, agent: Agent, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve(text));
    }).on("error", reject);
  });
}

export function scrapeText(result: ScrapeResult): string {
  return (
    `a page of ${result.series} histograms with ${result.buckets} buckets, ${(result.bytes / 1024).toFixed(0)} KiB: ` +
    `${result.metricsMs.toFixed(2)} CPU ms of the main thread a scrape (${result.gzippedMs.toFixed(2)} gzipped), of which ${result.healthzMs.toFixed(2)} are any request's`
  );
}
