import { setTimeout as sleep } from "node:timers/promises";
import { reportToStderr } from "../../../src/setup/report.js";
import type { Options } from "../options.js";
import { type BrokerKind, PEERS, type Peer } from "../peers/peers.js";
import { firstAnswer, openStage, reading, type Stage, type Window, windowOf } from "../stage.js";
import { median, shuffled } from "../statistics.js";
import { rateText } from "../text.js";

const SECONDS = 4;

/** One run of one peer. */
export interface Sample extends Window {
  readonly broker: BrokerKind;
  readonly peer: string;
  readonly rate: number;
}

/** A peer at a rate, in medians over the repetitions. */
export interface Row {
  readonly broker: BrokerKind;
  readonly peer: string;
  readonly kind: Peer["kind"];
  readonly what: string;
  readonly rate: number;
  readonly perSecond: number;
  readonly cpuMsPerTask: number;
  /** Its CPU for each task divided by this daemon's in the same run: 4 is four times as much. */
  readonly timesOurs: number | null;
  readonly residentMiB: number;
}

export interface Comparison {
  readonly rows: readonly Row[];
  readonly samples: readonly Sample[];
}

/**
 * CPU for each task of every peer, one after another in new order in each repetition, so that a drift of the
 * machine hits all. The ratio is the result: absolute figures are the machine's.
 */
export async function compare(options: Options): Promise<Comparison> {
  const samples: Sample[] = [];
  for (const broker of ["redis", "rabbitmq"] as const) {
    const runs = runsOf(broker, options);
    if (runs.length === 0) continue;
    await using stage = await openStage(broker);
    for (let repetition = 1; repetition <= options.repetitions; repetition++) {
      for (const { peer, rate } of shuffled(runs)) {
        const window = await measure(stage, peer, rate, options);
        samples.push({ broker, peer: peer.name, rate, ...window });
        const cpu = window.cpuMsPerTask.toFixed(4);
        const perSecond = (window.tasks / window.seconds).toFixed(0);
        reportToStderr(
          `${repetition}/${options.repetitions} ${broker} ${peer.name} ${rateText(rate)}: ` +
            `${cpu} CPU ms a task at ${perSecond}/s (load ${window.machineLoad.toFixed(1)})`,
        );
      }
    }
  }
  return { rows: rowsOf(samples), samples };
}

interface Run {
  readonly peer: Peer;
  readonly rate: number;
}

function runsOf(broker: BrokerKind, options: Options): Run[] {
  if (!(options.brokers ?? [broker]).includes(broker)) return [];
  return PEERS.filter((peer) => peer.broker === broker)
    .filter(({ name }) => (options.peers ?? [name]).includes(name))
    .flatMap((peer) => (options.rates ?? peer.rates).map((rate) => ({ peer, rate })));
}

async function measure(stage: Stage, peer: Peer, rate: number, options: Options): Promise<Window> {
  const { broker, backend } = stage;
  const command = await peer.command({ broker, backend, rate });
  await stage.empty();
  await using worker = await stage.startWorker();
  await using generator = await stage.startGenerator(command);
  await firstAnswer(worker, generator);
  await sleep((options.warmUpSeconds ?? peer.warmUpSeconds) * 1000);
  const before = reading(stage, worker, generator);
  await sleep((options.seconds ?? SECONDS) * 1000);
  return windowOf(before, reading(stage, worker, generator));
}

function rowsOf(samples: readonly Sample[]): Row[] {
  const medianOf = (
    broker: string,
    peer: string,
    rate: number,
    read: (sample: Sample) => number,
  ) => {
    const own = samples.filter((s) => s.broker === broker && s.peer === peer && s.rate === rate);
    return own.length === 0 ? null : median(own.map(read));
  };
  const rates = [...new Set(samples.map(({ rate }) => rate))];
  // The ceiling last.
  rates.sort((a, b) => (a || Number.POSITIVE_INFINITY) - (b || Number.POSITIVE_INFINITY));
  return rates.flatMap((rate) =>
    PEERS.flatMap(({ broker, name: peer, kind, what }): Row[] => {
      const of = (read: (sample: Sample) => number) => medianOf(broker, peer, rate, read);
      const cpuMsPerTask = of((sample) => sample.cpuMsPerTask);
      if (cpuMsPerTask === null) return [];
      const ours = medianOf(broker, "celery-load", rate, (sample) => sample.cpuMsPerTask);
      return [
        {
          ...{ broker, peer, kind, what, rate, cpuMsPerTask },
          perSecond: of((sample) => sample.tasks / sample.seconds)!,
          timesOurs: ours === null ? null : cpuMsPerTask / ours,
          residentMiB: of((sample) => sample.residentMiB)!,
        },
      ];
    }),
  );
}

/** The table as Markdown. */
export function comparisonText({ rows }: Comparison): string {
  const lines = rows.map(
    (row) =>
      `| ${row.broker} | ${rateText(row.rate)} | ${row.peer}: ${row.what} | ${row.cpuMsPerTask.toFixed(4)} | ` +
      `${row.timesOurs === null ? "" : row.timesOurs.toFixed(2)} | ${row.perSecond.toFixed(0)} | ${row.residentMiB.toFixed(0)} |`,
  );
  return [
    "| broker | rate | generator | CPU ms a task | × celery-load | tasks a second | MiB |",
    "|---|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}
