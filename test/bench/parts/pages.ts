import { setTimeout as sleep } from "node:timers/promises";
import type { CDPSession } from "playwright-core";
import { UserError } from "../../../src/errors.js";
import { reportToStderr } from "../../../src/setup/report.js";
import { browserMissing, startBrowser } from "../../support/browser.js";
import { type RunningDaemon, startDaemon } from "../daemon.js";
import type { Options } from "../options.js";
import { cpuSeconds, residentMiB } from "../process-tree.js";
import { firstAnswer, openStage } from "../stage.js";
import { quantile, slope } from "../statistics.js";

/*
 * What do open pages cost? The same run without any and then with ten of them, each in a browser of its own: dispatch
 * lag, CPU and memory of the daemon, and the memory of the pages.
 */

const RATE = 1_000;
const PAGES = 10;
const SECONDS = 3_600;
/** Without pages it need not be as long: there is nothing that could grow. */
const MOST_SECONDS_WITHOUT = 300;
/** V8's warm-up, and a history that is full at its finest. */
const WARM_UP_SECONDS = 60;
const SAMPLE_SECONDS = 15;

interface Stretch {
  readonly pages: number;
  readonly seconds: number;
  /** Of the longest lag of each second. */
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
  readonly cpuPercent: number;
  readonly residentMiB: number;
  readonly daemonMiBPerHour: number;
  /** Of all pages together, after a collection; null without any. */
  readonly pagesMiB: number | null;
  readonly pagesMiBPerHour: number | null;
}

export async function pages(options: Options): Promise<readonly Stretch[]> {
  const missing = await browserMissing();
  if (missing !== null) throw new UserError(`There is no browser to open pages in: ${missing}.`);
  const seconds = options.seconds ?? SECONDS;
  const without = Math.min(seconds, MOST_SECONDS_WITHOUT);
  await using stage = await openStage("redis");
  await using worker = await stage.startWorker();
  await using daemon = await startDaemon(stage, {
    profile: `${options.rates?.[0] ?? RATE}/s`,
    // Longer than all of it takes: it is stopped when that is done.
    seconds: 2 * (seconds + without + 3 * WARM_UP_SECONDS),
    tasks: 5,
  });
  await firstAnswer(worker, daemon);
  await sleep(WARM_UP_SECONDS * 1000);
  const first = await measured(daemon, without, []);
  reportToStderr(pageLine(first));
  await using browser = await startBrowser();
  const sessions: CDPSession[] = [];
  for (let index = 0; index < PAGES; index++) {
    const { page } = await browser.open(`${daemon.url}/`);
    await page.locator(".link.is-live").waitFor({ timeout: 60_000 });
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable");
    sessions.push(session);
  }
  await sleep(WARM_UP_SECONDS * 1000);
  return [first, await measured(daemon, seconds, sessions)];
}

async function measured(
  daemon: RunningDaemon,
  seconds: number,
  sessions: readonly CDPSession[],
): Promise<Stretch> {
  const lags: number[] = [];
  const ofDaemon: [seconds: number, mib: number][] = [];
  const ofPages: [seconds: number, mib: number][] = [];
  const cpuBefore = cpuSeconds(daemon.pid);
  await daemon.metrics(); // the lag is that since the last scrape
  for (let second = 1; second <= seconds; second++) {
    await sleep(1000);
    const page = await daemon.metrics();
    lags.push(page.sum("celery_load_dispatch_lag_seconds") * 1000);
    if (second % SAMPLE_SECONDS > 0) continue;
    ofDaemon.push([second, residentMiB(daemon.pid)]);
    if (sessions.length > 0) ofPages.push([second, await heapMiB(sessions)]);
  }
  lags.sort((a, b) => a - b);
  return {
    pages: sessions.length,
    seconds,
    lagP50Ms: quantile(lags, 0.5),
    lagP99Ms: quantile(lags, 0.99),
    cpuPercent: ((cpuSeconds(daemon.pid) - cpuBefore) / seconds) * 100,
    residentMiB: ofDaemon.at(-1)?.[1] ?? residentMiB(daemon.pid),
    daemonMiBPerHour: slope(ofDaemon) * 3600,
    pagesMiB: ofPages.at(-1)?.[1] ?? null,
    pagesMiBPerHour: ofPages.length === 0 ? null : slope(ofPages) * 3600,
  };
}

/** What scripts of all pages hold. */
async function heapMiB(sessions: readonly CDPSession[]): Promise<number> {
  let bytes = 0;
  for (const session of sessions) {
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    bytes += metrics.find(({ name }) => name === "JSHeapUsedSize")!.value;
  }
  return bytes / 1024 ** 2;
}

export function pageLine(row: Stretch): string {
  const { pages, seconds, lagP50Ms, lagP99Ms, cpuPercent, residentMiB, daemonMiBPerHour } = row;
  const { pagesMiB, pagesMiBPerHour } = row;
  const ofPages =
    pagesMiB === null
      ? ""
      : `; scripts of the pages ${pagesMiB.toFixed(1)} MiB, ${pagesMiBPerHour!.toFixed(1)} MiB an hour`;
  return `${pages} pages for ${seconds} s: longest lag of a second p50 ${lagP50Ms.toFixed(2)} ms, p99 ${lagP99Ms.toFixed(2)} ms; daemon ${cpuPercent.toFixed(1)} % CPU, ${residentMiB.toFixed(0)} MiB, ${daemonMiBPerHour.toFixed(1)} MiB an hour${ofPages}`;
}
