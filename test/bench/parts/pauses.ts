import { setTimeout as sleep } from "node:timers/promises";
import type { Metrics } from "../../support/metrics.js";
import { startDaemon } from "../daemon.js";
import { openStage, type Stage } from "../stage.js";
import { latencies } from "./truth.js";

/*
 * A worker, a broker or the generator stands still for three seconds. A client that never waits goes on
 * sending, so that every task planned meanwhile is slow, and is to be counted so: as many as such a client that
 * only listens to the results, a process of its own beside the daemon, has seen. While the generator itself
 * stands still nothing is slow but itself: its starts are dropped as `saturated` and the gauge says so.
 */

const RATES = [50, 1000];
const PAUSED = ["worker", "broker", "generator"] as const;
const PAUSE_MS = 3_000;
const SLOW_MS = 100;
/** Latencies so close to the limit may fall on either side of it: the two clocks are read apart. */
const CLOSE_MS = 2;

export interface PauseRow {
  readonly paused: (typeof PAUSED)[number];
  readonly rate: number;
  /** By the daemon's bucket. */
  readonly reportedSlow: number;
  /** By the witness: its result came more than 100 ms after the planned time. */
  readonly seenSlow: number;
  /** Of those that the witness saw, how many lie within 2 ms of the limit. */
  readonly close: number;
  /** By the worker's notes: answered so late. The way from there is the broker's. */
  readonly notedSlow: number;
  readonly droppedSaturated: number;
  readonly droppedOtherwise: number;
  /** Milliseconds from the end of the pause to `generator_saturated`; null: it was never set. */
  readonly saturatedAfterMs: number | null;
  readonly causes: readonly string[];
  readonly planned: number;
  readonly holds: boolean;
}

export async function pauses(): Promise<PauseRow[]> {
  await using stage = await openStage("redis");
  const rows: PauseRow[] = [];
  for (const rate of RATES) {
    for (const paused of PAUSED) rows.push(await pause(stage, paused, rate));
  }
  return rows;
}

export async function pause(
  stage: Stage,
  paused: PauseRow["paused"],
  rate: number,
): Promise<PauseRow> {
  await stage.empty();
  await using worker = await stage.startWorker({ hold: "5", notes: true });
  await using witness = await stage.startWitness();
  const load = { profile: `${rate}/s`, seconds: 14, tellsPlan: true };
  await using daemon = await startDaemon(stage, load);
  const signal = async (name: NodeJS.Signals) => {
    if (paused === "broker") await stage.signalBroker(name);
    else (paused === "worker" ? worker : daemon).signal(name);
  };
  await sleep(5_000);
  await signal("SIGSTOP");
  await sleep(PAUSE_MS);
  await signal("SIGCONT");
  const { causes, afterMs } = await watchSaturation(() => daemon.metrics(), 2_500);
  const { page } = await daemon.hasStopped();
  await daemon.ended();
  const seen = latencies(await witness.notes());
  const noted = latencies(await worker.notes());
  const above = (ms: number, of = seen) => of.filter((latency) => latency > ms).length;

  const reportedSlow = slowOf(page);
  const seenSlow = above(SLOW_MS);
  const close = above(SLOW_MS - CLOSE_MS) - above(SLOW_MS + CLOSE_MS);
  const dropped = page.sum("celery_load_tasks_dropped_total");
  const droppedSaturated = page.sum("celery_load_tasks_dropped_total", { reason: "saturated" });
  const isOurs = paused === "generator";
  // The generator sees answers late that had come while it stood still: 5 ms of tasks, and what it reads first.
  const isCounted = isOurs
    ? reportedSlow - seenSlow <= Math.ceil(rate * 0.01) + close && droppedSaturated > 0
    : Math.abs(reportedSlow - seenSlow) <= close && dropped === 0;
  return {
    ...{ paused, rate, reportedSlow, seenSlow, close, droppedSaturated, causes },
    notedSlow: above(SLOW_MS, noted),
    droppedOtherwise: dropped - droppedSaturated,
    saturatedAfterMs: afterMs,
    planned: page.sum("celery_load_tasks_planned_total"),
    holds: isCounted && isOurs === (afterMs !== null),
  };
}

/** Succeeded tasks whose latency is above the limit, which is one of the default buckets. */
function slowOf(page: Metrics): number {
  const name = "celery_load_task_latency_seconds";
  const labels = { outcome: "succeeded" };
  return (
    page.sum(`${name}_count`, labels) -
    page.sum(`${name}_bucket`, { ...labels, le: String(SLOW_MS / 1000) })
  );
}

/** Scrapes ten times a second, until it says that the generator is saturated or the time is over. */
export async function watchSaturation(
  metrics: () => Promise<Metrics>,
  timeoutMs: number,
): Promise<{ causes: readonly string[]; afterMs: number | null }> {
  const beganMs = performance.now();
  while (performance.now() - beganMs < timeoutMs) {
    const page = await metrics();
    const set = page.select("celery_load_generator_saturated").filter(({ value }) => value === 1);
    const causes = set.map(({ labels }) => labels.cause!);
    if (causes.length > 0) return { causes, afterMs: performance.now() - beganMs };
    await sleep(100);
  }
  return { causes: [], afterMs: null };
}

export function pauseLine(row: PauseRow): string {
  const flag =
    row.saturatedAfterMs === null
      ? "not saturated"
      : `saturated (${row.causes.join(", ")}) ${row.saturatedAfterMs.toFixed(0)} ms after it`;
  return (
    `${row.holds ? "holds" : "FAILS"}  ${row.paused} paused 3 s at ${row.rate}/s: ${row.reportedSlow} reported above 100 ms, ` +
    `${row.seenSlow} by the witness (${row.close} within 2 ms of it), ${row.notedSlow} by the worker's notes; of ${row.planned} planned ` +
    `${row.droppedSaturated} dropped as saturated, ${row.droppedOtherwise} otherwise; ${flag}`
  );
}
