import { setTimeout as sleep } from "node:timers/promises";
import { reportToStderr } from "../../../src/setup/report.js";
import { startDaemon } from "../daemon.js";
import type { Options } from "../options.js";
import { residentMiB } from "../process-tree.js";
import { firstAnswer, openStage, type Reading, reading, type Stage, windowOf } from "../stage.js";
import { slope } from "../statistics.js";

/*
 * Does the cost grow with the work? CPU for each task from ten thousand to five million tasks, and from 100 to
 * 100,000 in flight; memory over all of them.
 */

const RATE = 20_000;
const MARKS = [10_000, 100_000, 300_000, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000];
/** Tasks in flight are the rate times how long the worker holds each. */
const IN_FLIGHT_RATE = 5_000;
const HOLDS_MS = [20, 200, 2_000, 20_000];

export interface MemoryResult {
  readonly rate: number;
  /** From one mark to the next. */
  readonly byTasks: readonly { tasks: number; cpuMsPerTask: number; residentMiB: number }[];
  /** After the first million tasks; by a straight line through a sample each second. */
  readonly slopeMiBPerHour: number;
  readonly largestMiB: number;
  readonly byInFlight: readonly { inFlight: number; cpuMsPerTask: number; residentMiB: number }[];
}

export async function memory(options: Options): Promise<MemoryResult> {
  await using stage = await openStage("redis");
  const rate = options.rates?.[0] ?? RATE;
  const long = await runLong(stage, rate);
  const byInFlight: MemoryResult["byInFlight"][number][] = [];
  for (const holdMs of HOLDS_MS) byInFlight.push(await runHeld(stage, holdMs));
  return { rate, ...long, byInFlight };
}

async function runLong(stage: Stage, rate: number) {
  await stage.empty();
  await using worker = await stage.startWorker();
  const seconds = MARKS.at(-1)! / rate + 30;
  await using daemon = await startDaemon(stage, { profile: `${rate}/s`, seconds });
  await firstAnswer(worker, daemon);
  const byTasks: MemoryResult["byTasks"][number][] = [];
  const resident: [seconds: number, mib: number][] = [];
  let before: Reading = reading(stage, worker, daemon);
  for (const mark of MARKS) {
    while (worker.answered() < mark) {
      await sleep(100);
      daemon.mustRun();
      if (mark > 1_000_000) resident.push([performance.now() / 1000, residentMiB(daemon.pid)]);
    }
    const now = reading(stage, worker, daemon);
    const { cpuMsPerTask, residentMiB: mib } = windowOf(before, now);
    byTasks.push({ tasks: mark, cpuMsPerTask, residentMiB: mib });
    reportToStderr(
      `${mark} tasks: ${cpuMsPerTask.toFixed(4)} CPU ms a task, ${mib.toFixed(0)} MiB`,
    );
    before = now;
  }
  const all = [...resident.map(([, mib]) => mib), ...byTasks.map((row) => row.residentMiB)];
  return { byTasks, slopeMiBPerHour: slope(resident) * 3600, largestMiB: Math.max(...all) };
}

async function runHeld(stage: Stage, holdMs: number) {
  await stage.empty();
  await using worker = await stage.startWorker({ hold: String(holdMs) });
  await using daemon = await startDaemon(stage, {
    profile: `${IN_FLIGHT_RATE}/s`,
    seconds: 120,
    maxInFlight: 200_000,
  });
  await firstAnswer(worker, daemon);
  // V8's warm-up, and as long again as a task lasts: now they end as fast as they start.
  await sleep(8_000 + holdMs);
  const before = reading(stage, worker, daemon);
  await sleep(8_000);
  const window = windowOf(before, reading(stage, worker, daemon));
  const inFlight = (await daemon.metrics()).sum("celery_load_tasks_in_flight");
  const row = {
    inFlight,
    cpuMsPerTask: window.cpuMsPerTask,
    residentMiB: window.residentMiB,
  };
  reportToStderr(heldLine(row));
  return row;
}

function heldLine(row: MemoryResult["byInFlight"][number]): string {
  return `${row.inFlight} in flight at ${IN_FLIGHT_RATE}/s: ${row.cpuMsPerTask.toFixed(4)} CPU ms a task, ${row.residentMiB.toFixed(0)} MiB`;
}

export function memoryText(result: MemoryResult): string {
  const { rate, byTasks, slopeMiBPerHour, largestMiB, byInFlight } = result;
  return [
    `| tasks so far, at ${rate}/s | CPU ms a task since the row above | MiB |`,
    "|---|---|---|",
    ...byTasks.map(
      (row) => `| ${row.tasks} | ${row.cpuMsPerTask.toFixed(4)} | ${row.residentMiB.toFixed(0)} |`,
    ),
    "",
    `After the first million: ${slopeMiBPerHour.toFixed(1)} MiB an hour by a straight line, ${largestMiB.toFixed(0)} MiB at most.`,
    "",
    ...byInFlight.map(heldLine),
  ].join("\n");
}
