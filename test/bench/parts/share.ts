import { setTimeout as sleep } from "node:timers/promises";
import { reportToStderr } from "../../../src/setup/report.js";
import { startDaemon, type TestDaemon } from "../../support/daemon.js";
import type { Metrics } from "../../support/metrics.js";
import { controlOf, orderAt } from "../../support/orders.js";
import { startRedis } from "../../support/redis.js";
import { startWorker } from "../../support/worker.js";
import { bucketQuantileMs } from "../daemon.js";
import type { Options } from "../options.js";

/*
 * Whether another producer's tasks wait for ours where a guard keeps our share of the queue at 10 %: their latency
 * without us and with us, in turns; how far the windows without us are apart is the noise. Besides, with us and
 * without the guard, which is what it is there for. A real worker, as its events are what the guard goes by.
 */

const SECONDS = 30;
const TURNS = 3;
/** Of others: 15 tasks a second of 20 ms on 2 threads use 15 %, and ours would as much again. */
const RATE = "15/s";
const RUN_SECONDS = 0.02;
/** Until a throttle has found its place: 0.7 of what it is every five seconds. */
const SETTLE_SECONDS = 45;
const BUCKETS = Array.from({ length: 60 }, (_, index) => `${(5 * 1.1 ** index).toFixed(3)}ms`);

export interface ShareWindow {
  readonly who: "without us" | "with us, share: 10%" | "with us, no guard";
  /** Of the other producer's tasks. */
  readonly meanMs: number;
  readonly p95Ms: number;
  readonly tasks: number;
  /** Our part of all tasks that were published meanwhile. */
  readonly ourShare: number;
}

export async function share(options: Options): Promise<ShareWindow[]> {
  await using redis = await startRedis();
  await using _worker = await startWorker({
    ...{ broker: redis.url(), concurrency: 2, extraArgs: ["-E"] },
  });
  const start = (guards: string) =>
    startDaemon({
      configText: `
connections: { main: { broker: "${redis.url()}", backend: "${redis.url()}" } }
tasks: { nap: { name: tests.sleep, args: [${RUN_SECONDS}] } }
scenarios: { load: { profile: ${RATE}, arrival: poisson } }
guards: [${guards}]
buckets: [${BUCKETS.join(", ")}]
control: { listen: "127.0.0.1:0" }
`,
    });
  const seconds = options.seconds ?? SECONDS;
  await using others = await start("");
  await using guarded = await start("{ name: guest, watch: share, above: 10% }");
  await using free = await start("");
  const steer = async (daemon: TestDaemon, what: "pause" | "resume") =>
    orderAt(await controlOf(daemon), "POST", `/api/v1/scenarios/load/${what}`, {});
  await steer(free, "pause");
  await sleep(SETTLE_SECONDS * 1_000);

  const windows: ShareWindow[] = [];
  const measure = async (who: ShareWindow["who"], ours: TestDaemon) => {
    // What was queued before is no part of it.
    await sleep(3_000);
    const before = await Promise.all([others.metrics(), ours.metrics()]);
    await sleep(seconds * 1_000);
    const after = await Promise.all([others.metrics(), ours.metrics()]);
    windows.push(windowOf(who, before, after));
    reportToStderr(shareLine(windows.at(-1)!));
  };
  for (let turn = 0; turn < TURNS; turn++) {
    await measure("with us, share: 10%", guarded);
    await steer(guarded, "pause");
    await measure("without us", guarded);
    if (turn === TURNS - 1) break;
    await steer(guarded, "resume");
    await sleep(seconds * 500);
  }
  await steer(free, "resume");
  await measure("with us, no guard", free);
  return windows;
}

type Pages = readonly [others: Metrics, ours: Metrics];

function windowOf(who: ShareWindow["who"], before: Pages, after: Pages): ShareWindow {
  const latency = "celery_load_task_latency_seconds";
  const labels = { outcome: "succeeded" };
  const grown = (name: string, of: 0 | 1, by = {}) =>
    after[of].sum(name, by) - before[of].sum(name, by);
  const tasks = grown(`${latency}_count`, 0, labels);
  const ours = grown("celery_load_tasks_published_total", 1);
  return {
    who,
    tasks,
    meanMs: (grown(`${latency}_sum`, 0, labels) / tasks) * 1_000,
    p95Ms: bucketQuantileMs(after[0], latency, labels, 0.95, before[0]),
    ourShare: ours / (ours + grown("celery_load_tasks_published_total", 0)),
  };
}

function shareLine({ who, meanMs, p95Ms, tasks, ourShare }: ShareWindow): string {
  return `${who}: others' latency ${meanMs.toFixed(1)} ms on the mean, p95 ${p95Ms.toFixed(1)} ms, of ${tasks} tasks; our share ${(ourShare * 100).toFixed(1)} %`;
}

export function shareText(windows: readonly ShareWindow[]): string {
  const of = (who: ShareWindow["who"]) =>
    windows.filter((each) => each.who === who).map(({ meanMs }) => meanMs);
  const [without, withUs] = [of("without us"), of("with us, share: 10%")];
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const noiseMs = Math.max(...without) - Math.min(...without);
  const moreMs = mean(withUs) - mean(without);
  return [
    ...windows.map(shareLine),
    `With us they wait ${moreMs.toFixed(1)} ms more; windows without us are ${noiseMs.toFixed(1)} ms apart: ${moreMs <= noiseMs ? "within the noise" : "MORE than the noise"}.`,
  ].join("\n");
}
