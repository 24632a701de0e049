import { setTimeout as sleep } from "node:timers/promises";
import { reportToStderr } from "../../../src/setup/report.js";
import { bucketQuantileMs, startDaemon } from "../daemon.js";
import type { Options } from "../options.js";
import { loopCommand } from "../peers/peers.js";
import { openStage, type Stage } from "../stage.js";
import { median, shuffled } from "../statistics.js";
import { largestDeviation } from "./window-counts.js";

/*
 * How late starts are, against bare loops in the same run: a timer alone, and the ioredis loop. And whether
 * what the worker received within any second is what the plan had for it.
 */

const WARM_UP_SECONDS = 8;
const RATES = [1000, 5000];
const WHO = ["timer loop", "ioredis loop", "celery-load", "celery-load, scraped"] as const;
/** In steps of 0.1 ms up to 2 ms, then of 15 % up to 0.1 s. */
const BOUNDS_MS = Array.from({ length: 50 }, (_, index) =>
  index < 20 ? (index + 1) / 10 : 2 * 1.15 ** (index - 19),
);
/** Phases have every other bound of the latencies, from the first on. */
const BUCKETS_MS = BOUNDS_MS.flatMap((ms) => [ms, ms + 0.01]).map((ms) => Number(ms.toFixed(3)));

export interface PacingSample {
  readonly who: (typeof WHO)[number];
  readonly rate: number;
  /** Ours are upper bounds of buckets, 0.1 ms or 15 % too large at most. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Ours alone: the largest difference between received and planned tasks within any second, and the limit. */
  readonly deviation?: number;
  readonly allowed?: number;
  /** Share of the seconds that start at a task in which it was kept. */
  readonly keptShare?: number;
}

export async function pacing(options: Options): Promise<PacingSample[]> {
  await using stage = await openStage("redis");
  const samples: PacingSample[] = [];
  const runs = (options.rates ?? RATES).flatMap((rate) => WHO.map((who) => ({ who, rate })));
  for (let repetition = 0; repetition < options.repetitions; repetition++) {
    for (const { who, rate } of shuffled(runs)) {
      const sample = await measure(stage, who, rate, options.seconds ?? 15);
      samples.push(sample);
      reportToStderr(pacingLine(sample));
    }
  }
  return samples;
}

async function measure(
  stage: Stage,
  who: PacingSample["who"],
  rate: number,
  seconds: number,
): Promise<PacingSample> {
  await stage.empty();
  await using worker = await stage.startWorker({ notes: true });
  if (who === "timer loop" || who === "ioredis loop") {
    const load = { broker: stage.broker, rate };
    const command = loopCommand(who.split(" ")[0]!, load, 0, WARM_UP_SECONDS);
    await using generator = await stage.startGenerator(command);
    await sleep((WARM_UP_SECONDS + seconds) * 1000);
    const { lagMs } = JSON.parse(await generator.stop()) as { lagMs: number[] };
    return { who, rate, p50Ms: lagMs[0]!, p99Ms: lagMs[1]!, p999Ms: lagMs[2]! };
  }
  await using daemon = await startDaemon(stage, {
    profile: `${rate}/s`,
    seconds: WARM_UP_SECONDS + seconds,
    warmUpSeconds: WARM_UP_SECONDS,
    bucketsMs: BUCKETS_MS,
  });
  const isScraped = who === "celery-load, scraped";
  if (isScraped) {
    for (let second = 0; second < WARM_UP_SECONDS + seconds - 1; second++) {
      await daemon.metrics();
      await sleep(1000);
    }
  } else await sleep((WARM_UP_SECONDS + seconds) * 1000);
  const { page } = await daemon.hasStopped();
  await daemon.ended();
  const at = (q: number) =>
    bucketQuantileMs(page, "celery_load_task_phase_seconds", { phase: "dispatch" }, q);
  const received = Float64Array.from(await worker.notes(), ({ receivedMs }) => receivedMs).sort();
  const counts = largestDeviation(received.subarray(rate * WARM_UP_SECONDS), rate);
  return { who, rate, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), ...counts };
}

export function pacingLine(sample: PacingSample): string {
  const counts =
    sample.deviation === undefined
      ? ""
      : `; within any second ${sample.deviation} tasks from the plan at most (allowed ${sample.allowed}, kept in ${(sample.keptShare! * 100).toFixed(2)} %)`;
  const [p50, p99, p999] = [sample.p50Ms, sample.p99Ms, sample.p999Ms].map((ms) => ms.toFixed(2));
  return `${sample.who} at ${sample.rate}/s: lag p50 ${p50}, p99 ${p99}, p99.9 ${p999} ms${counts}`;
}

export function pacingText(samples: readonly PacingSample[]): string {
  const lines = [...new Set(samples.map(({ rate }) => rate))].flatMap((rate) =>
    WHO.map((who) => {
      const own = samples.filter((sample) => sample.who === who && sample.rate === rate);
      const of = (read: (sample: PacingSample) => number) => median(own.map(read)).toFixed(2);
      const cells = [of((s) => s.p50Ms), of((s) => s.p99Ms), of((s) => s.p999Ms)];
      const kept = own[0]?.keptShare === undefined ? "" : of((s) => s.keptShare! * 100);
      return `| ${rate}/s | ${who} | ${cells.join(" | ")} | ${kept} |`;
    }),
  );
  return [
    "| rate | | lag p50, ms | p99 | p99.9 | seconds with the planned count, % |",
    "|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}
