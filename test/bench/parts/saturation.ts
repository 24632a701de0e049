import { setTimeout as sleep } from "node:timers/promises";
import { reportToStderr } from "../../../src/setup/report.js";
import { startDaemon } from "../daemon.js";
import type { Options } from "../options.js";
import { CEILING, PEERS } from "../peers/peers.js";
import { firstAnswer, openStage, reading, type Stage, windowOf } from "../stage.js";
import { watchSaturation } from "./pauses.js";

/*
 * Past what this machine lets it send the daemon says so, with the cause; at half of that it never does. The
 * broker and the worker may be the limit before the generator is: then starts are dropped as `in_flight` or
 * `backpressure`, and it is not saturated.
 */

const PAST = [1.5, 4] as const;

export interface PastRow {
  readonly rate: number;
  /** Milliseconds from the first planned task to the gauge; null: not within 10 s. */
  readonly saturatedAfterMs: number | null;
  readonly causes: readonly string[];
  readonly dropped: Readonly<Record<string, number>>;
  readonly planned: number;
}

export interface SaturationResult {
  /** Tasks a second in a closed loop. */
  readonly ceiling: number;
  readonly past: readonly PastRow[];
  readonly half: {
    readonly rate: number;
    readonly seconds: number;
    readonly scrapes: number;
    /** Seconds after the start at which a scrape had the gauge at 1. */
    readonly alarms: readonly number[];
    readonly causes: readonly string[];
    readonly dropped: number;
    readonly planned: number;
  };
}

export async function saturation(options: Options): Promise<SaturationResult> {
  await using stage = await openStage("redis");
  const ceiling = await ceilingOf(stage);
  reportToStderr(`closed loop: ${ceiling.toFixed(0)}/s`);
  const past: PastRow[] = [];
  for (const times of PAST) {
    const row = await runPast(stage, Math.round(ceiling * times));
    past.push(row);
    reportToStderr(pastLine(row));
  }
  const half = await runHalf(stage, Math.round(ceiling / 2), options.seconds ?? 600);
  return { ceiling, past, half };
}

/** Tasks a second of the daemon in a closed loop, after its warm-up. */
export async function ceilingOf(stage: Stage): Promise<number> {
  const peer = PEERS.find(({ name, broker }) => name === "celery-load" && broker === "redis")!;
  await stage.empty();
  await using worker = await stage.startWorker();
  const load = { broker: stage.broker, backend: stage.backend, rate: CEILING };
  await using generator = await stage.startGenerator(await peer.command(load));
  await firstAnswer(worker, generator);
  await sleep(peer.warmUpSeconds * 1000);
  const before = reading(stage, worker, generator);
  await sleep(5_000);
  const { tasks, seconds } = windowOf(before, reading(stage, worker, generator));
  return tasks / seconds;
}

async function runPast(stage: Stage, rate: number): Promise<PastRow> {
  await stage.empty();
  await using _worker = await stage.startWorker();
  await using daemon = await startDaemon(stage, {
    profile: `${rate}/s`,
    seconds: 60,
    maxInFlight: 100_000,
  });
  while ((await daemon.metrics()).sum("celery_load_tasks_planned_total") === 0) await sleep(20);
  const { causes, afterMs } = await watchSaturation(() => daemon.metrics(), 10_000);
  await sleep(1_000);
  const page = await daemon.metrics();
  const dropped = page.select("celery_load_tasks_dropped_total");
  return {
    rate,
    causes,
    saturatedAfterMs: afterMs,
    dropped: Object.fromEntries(dropped.map(({ labels, value }) => [labels.reason!, value])),
    planned: page.sum("celery_load_tasks_planned_total"),
  };
}

async function runHalf(stage: Stage, rate: number, seconds: number) {
  await stage.empty();
  await using _worker = await stage.startWorker();
  await using daemon = await startDaemon(stage, { profile: `${rate}/s`, seconds });
  const causes = new Set<string>();
  const alarms: number[] = [];
  let scrapes = 0;
  const beganMs = performance.now();
  while (performance.now() < beganMs + seconds * 1000) {
    await sleep(1_000);
    const page = await daemon.metrics();
    const set = page.select("celery_load_generator_saturated").filter(({ value }) => value === 1);
    scrapes++;
    if (set.length > 0) alarms.push(Math.round((performance.now() - beganMs) / 1000));
    for (const { labels } of set) causes.add(labels.cause!);
  }
  const page = await daemon.metrics();
  return {
    ...{ rate, seconds, scrapes, alarms, causes: [...causes] },
    dropped: page.sum("celery_load_tasks_dropped_total"),
    planned: page.sum("celery_load_tasks_planned_total"),
  };
}

function pastLine(row: PastRow): string {
  const when =
    row.saturatedAfterMs === null
      ? "not saturated within 10 s"
      : `saturated (${row.causes.join(", ")}) after ${row.saturatedAfterMs.toFixed(0)} ms`;
  return `at ${row.rate}/s: ${when}; of ${row.planned} planned dropped: ${JSON.stringify(row.dropped)}`;
}

export function saturationText({ ceiling, past, half }: SaturationResult): string {
  return [
    `closed loop: ${ceiling.toFixed(0)}/s`,
    ...past.map(pastLine),
    `${half.seconds} s at half, ${half.rate}/s: saturated in ${half.alarms.length} of ${half.scrapes} scrapes` +
      `${half.alarms.length > 0 ? ` (${half.causes.join(", ")}; after ${half.alarms.join(", ")} s)` : ""}; of ${half.planned} planned ${half.dropped} dropped`,
  ].join("\n");
}
