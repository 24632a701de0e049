import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../src/errors.js";
import { METRIC_PREFIX, METRICS } from "../../src/exposition/metrics.js";
import type { EndReport } from "../../src/reports/end-report.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { exitText } from "../../src/setup/server-process.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import type { CeleryEnvironment } from "./celery-environment.js";
import { type Combination, nameOf } from "./combinations.js";
import { EXPIRES_SECONDS, kindsOf, RATE_PER_SECOND, TASK_COUNT } from "./kinds.js";
import type { Trial } from "./results.js";
import type { MatrixServers } from "./servers.js";
import { differences, expectedRuns, expectedTallies, pageTallies, reportTallies } from "./tally.js";
import { laterQueueOf, trialConfig, type Urls } from "./trial-config.js";
import { type MatrixWorker, startMatrixWorker } from "./worker.js";

/** A machine that is too busy this often fails the trial. */
const MOST_REPEATS = 2;

/**
 * Runs one combination: a worker, the daemon, 200 tasks. Never throws: what goes wrong is a problem of
 * the trial. Its logs are kept in `logDirectory`. A trial in which the daemon itself says that it was
 * late is repeated, as it says nothing about the combination.
 */
export async function runTrial(
  combination: Combination,
  environment: CeleryEnvironment,
  servers: MatrixServers,
  logDirectory: string,
): Promise<Trial> {
  const urls = servers.urlsFor(combination);
  if (typeof urls === "string") return notRun(combination, urls);
  const startedMs = performance.now();
  for (let repeats = 0; ; repeats++) {
    const seen: Seen = { scrapes: 0, wasLate: false, logs: [] };
    let problems: string[];
    try {
      await servers.declareQueue(combination.broker, laterQueueOf(combination));
      problems = await observe(combination, environment, urls, seen);
    } catch (error) {
      problems = [messageOf(error)];
    }
    if (seen.wasLate && repeats < MOST_REPEATS) continue;
    await mkdir(logDirectory, { recursive: true });
    const text = [problems.join("\n"), ...seen.logs.map((log) => log())].join("\n\n");
    await writeFile(join(logDirectory, `${nameOf(combination)}.log`), text);
    return {
      ...combination,
      notRun: null,
      problems: problems.map(shortReason),
      repeats,
      scrapes: seen.scrapes,
      seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    };
  }
}

/** The trial of a combination that cannot run here, for a reason. */
export function notRun(combination: Combination, reason: string): Trial {
  return {
    ...combination,
    notRun: shortReason(reason),
    problems: [],
    repeats: 0,
    scrapes: 0,
    seconds: 0,
  };
}

/** Fit to be shown and committed: what was tried and what was said last, without where this checkout is. */
function shortReason(text: string): string {
  const [first = "", ...rest] = text.trim().split("\n");
  const last = rest.at(-1)?.trim() ?? "";
  return `${first} ${last.slice(0, 200)}`.trim().replaceAll(CHECKOUT, "");
}

interface Seen {
  /** Pages of metrics that were read and balanced. */
  scrapes: number;
  /** It dropped starts because it was late itself. */
  wasLate: boolean;
  readonly logs: (() => string)[];
}

async function observe(
  combination: Combination,
  environment: CeleryEnvironment,
  urls: Urls,
  seen: Seen,
): Promise<string[]> {
  await using worker = await startMatrixWorker(combination, environment, urls);
  seen.logs.push(() => worker.log());
  await using daemon = await startDaemon({
    configText: trialConfig(combination, urls),
    args: ["--for", `${TASK_COUNT / RATE_PER_SECOND}s`, "--json"],
  });
  seen.logs.push(() => `${daemon.stdout()}\n${daemon.stderr()}`);

  await scrapeUntil(daemon, seen, ["draining", "stopped"]);
  await letExpire(worker, laterQueueOf(combination));
  const page = await scrapeUntil(daemon, seen, ["stopped"]);
  seen.wasLate = page.sum("celery_load_tasks_dropped_total", { reason: "saturated" }) > 0;
  const exit = await daemon.exit;
  const runs = await worker.stop();

  const kinds = kindsOf(combination);
  const expected = expectedTallies(kinds);
  const report = JSON.parse(daemon.stdout()) as EndReport;
  return [
    ...(exit.code === 0 ? [] : [`the daemon ended with ${exitText(exit)}`]),
    ...differences(pageTallies(page), expected).map((text) => `metrics: ${text}`),
    ...strayCounts(page),
    ...differences(reportTallies(report), expected).map((text) => `end report: ${text}`),
    ...(report.balanced ? [] : ["the ledger of the end report does not balance"]),
    ...differences(runs, expectedRuns(kinds)).map((text) => `worker: ${text}`),
  ];
}

/** Scrapes every 50 ms; the ledger has to balance in every page. */
function scrapeUntil(daemon: TestDaemon, seen: Seen, states: readonly string[]): Promise<Metrics> {
  return daemon.waitFor(
    (page) => {
      assertBalanced(page);
      seen.scrapes += 1;
      const isNow = (state: string) => page.value("celery_load_scenario_state", { state }) === 1;
      return states.some(isNow);
    },
    120_000,
    `the scenario to be ${states.join(" or ")}`,
  );
}

async function letExpire(worker: MatrixWorker, queue: string): Promise<void> {
  await sleep(EXPIRES_SECONDS * 1000 + 200);
  await worker.alsoRead(queue);
}

/** What must not have happened at all. */
function strayCounts(page: Metrics): string[] {
  const strays = [METRICS.unmatched, METRICS.malformed, METRICS.seriesFolded];
  return [...strays, METRICS.reconnects, METRICS.dataLoss].flatMap(({ name }) => {
    const count = page.sum(METRIC_PREFIX + name);
    return count === 0 ? [] : [`metrics: ${name} is ${count}`];
  });
}
