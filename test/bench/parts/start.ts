import { createClock } from "../../../src/clock.js";
import { PEERS } from "../peers/peers.js";
import { firstAnswer, openStage } from "../stage.js";
import { median } from "../statistics.js";

/** How long from the start of the process, on all cores, to the first task that the worker receives. */

const RATE = 1000;
const RUNS = 10;

export interface StartResult {
  /** Milliseconds, sorted. */
  readonly firstTaskMs: readonly number[];
  readonly medianMs: number;
}

export async function start(): Promise<StartResult> {
  await using stage = await openStage("redis");
  const peer = PEERS.find(({ name, broker }) => name === "celery-load" && broker === "redis")!;
  const firstTaskMs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    await stage.empty();
    await using worker = await stage.startWorker({ notes: true });
    const { broker, backend } = stage;
    const command = await peer.command({ broker, backend, rate: RATE });
    const clock = createClock();
    const startedMs = clock.unixMs(clock.nowMs());
    await using generator = await stage.startGenerator(command, null);
    await firstAnswer(worker, generator);
    firstTaskMs.push((await worker.notes())[0]!.receivedMs - startedMs);
  }
  firstTaskMs.sort((a, b) => a - b);
  return { firstTaskMs, medianMs: median(firstTaskMs) };
}

export function startText({ firstTaskMs, medianMs }: StartResult): string {
  const [least, most] = [firstTaskMs[0]!, firstTaskMs.at(-1)!].map((ms) => ms.toFixed(0));
  return `start to first task: median ${medianMs.toFixed(0)} ms of ${firstTaskMs.length} (${least} to ${most}), the first being due 1 ms after the connections`;
}
