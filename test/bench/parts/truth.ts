import type { EndReport } from "../../../src/reports/end-report.js";
import { reportToStderr } from "../../../src/setup/report.js";
import { type DaemonLoad, startDaemon } from "../daemon.js";
import { openStage, type Stage } from "../stage.js";
import { quantile } from "../statistics.js";
import type { Note } from "../worker/notes.js";

/*
 * Are the latencies that the daemon reports those that its tasks had? The fake worker notes when it wrote
 * each answer; the message carries the planned time. Answers take from 5 ms to a second, so that the
 * percentiles lie far apart.
 */

const LOADS: readonly (Pick<DaemonLoad, "profile" | "arrival" | "seconds"> & { name: string })[] = [
  { name: "50/s constant", profile: "50/s", seconds: 40 },
  { name: "50/s stepped", profile: "{ steps: [20/s for 20s, 80/s for 20s] }", seconds: 40 },
  { name: "50/s poisson", profile: "50/s", arrival: "poisson", seconds: 40 },
  { name: "1000/s constant", profile: "1000/s", seconds: 20 },
  { name: "1000/s stepped", profile: "{ steps: [500/s for 10s, 1500/s for 10s] }", seconds: 20 },
  { name: "1000/s poisson", profile: "1000/s", arrival: "poisson", seconds: 20 },
];
const QUANTILES = { p50: 0.5, p99: 0.99, p999: 0.999, max: 1 } as const;

export interface TruthRow {
  readonly load: string;
  readonly tasks: number;
  readonly quantile: keyof typeof QUANTILES;
  readonly notedMs: number;
  readonly reportedMs: number;
  /** Within 1 ms or one per cent, whichever is more. */
  readonly holds: boolean;
  /** The daemon itself said that it was held up, so that what it reports is its own delay as well. */
  readonly wasSaturated: boolean;
}

export async function truth(): Promise<TruthRow[]> {
  await using stage = await openStage("redis");
  const rows: TruthRow[] = [];
  for (const load of LOADS) {
    const compared = await compareLatencies(stage, load);
    rows.push(...compared);
    for (const row of compared) reportToStderr(truthLine(row));
  }
  return rows;
}

async function compareLatencies(stage: Stage, load: (typeof LOADS)[number]): Promise<TruthRow[]> {
  await stage.empty();
  await using worker = await stage.startWorker({ hold: "pareto:5", notes: true });
  await using daemon = await startDaemon(stage, { ...load, tellsPlan: true });
  const { wasSaturated } = await daemon.hasStopped();
  const report = reportOf(await daemon.ended());
  const noted = latencies(await worker.notes());
  if (report.total.outcomes.succeeded !== noted.length) {
    throw new Error(`${report.total.outcomes.succeeded} succeeded, ${noted.length} were answered`);
  }
  return Object.entries(QUANTILES).map(([name, q]) => {
    const notedMs = quantile(noted, q);
    const reportedMs = report.total.latencySeconds[name as keyof typeof QUANTILES]! * 1000;
    const holds = Math.abs(reportedMs - notedMs) <= Math.max(1, notedMs / 100);
    const quantileName = name as keyof typeof QUANTILES;
    return {
      wasSaturated,
      load: load.name,
      tasks: noted.length,
      quantile: quantileName,
      notedMs,
      reportedMs,
      holds,
    };
  });
}

/** From the planned time to the answer, sorted. */
export function latencies(notes: readonly Note[]): Float64Array {
  return Float64Array.from(notes, ({ plannedMs, answeredMs }) => answeredMs - plannedMs).sort();
}

/** The last line that the daemon prints with --json. */
export function reportOf(output: string): EndReport {
  const line = output
    .trim()
    .split("\n")
    .findLast((text) => text.startsWith("{"));
  if (line === undefined) throw new Error(`The daemon printed no report:\n${output.slice(-2000)}`);
  return JSON.parse(line) as EndReport;
}

export function truthLine(row: TruthRow): string {
  const difference = row.reportedMs - row.notedMs;
  return (
    `${verdict(row.holds, row.wasSaturated)}  ${row.load.padEnd(16)} ${row.quantile.padEnd(4)} of ${row.tasks}: ` +
    `worker ${row.notedMs.toFixed(2)} ms, reported ${row.reportedMs.toFixed(2)} ms (${difference > 0 ? "+" : ""}${difference.toFixed(2)})`
  );
}

/** "holds", "FAILS", or "VOID" when the daemon itself said that it was held up. */
export function verdict(holds: boolean, wasSaturated: boolean): string {
  return holds ? "holds" : wasSaturated ? "VOID " : "FAILS";
}
