import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../../src/errors.js";
import { reportToStderr } from "../../../src/setup/report.js";
import type { Metrics } from "../../support/metrics.js";
import { bucketQuantileMs, type RunningDaemon, startDaemon } from "../daemon.js";
import type { Options } from "../options.js";
import { residentMiB } from "../process-tree.js";
import { firstAnswer, openStage, type Stage } from "../stage.js";
import { median, quantile } from "../statistics.js";

/*
 * What it costs to be steered: how long an order takes to reach the wire at 1,000/s, by the worker's notes, with a state
 * file; and 1,000 orders a minute beside none, and beside as many dry runs, which cost the machine the same requests and
 * order nothing: dispatch lag, memory, and how long a scrape takes. `--seconds 600` is the long form.
 */

const RATE = 1_000;
const WARM_UP_SECONDS = 8;
/** Pauses, and as many resumptions. */
const TURNS = 25;
const ORDERS_A_MINUTE = 1_000;
const SECONDS = 60;
/** Dispatch lag is read off them; in steps of 0.1 ms up to 2 ms, then of 15 %. Phases have every other one. */
const BUCKETS_MS = Array.from({ length: 50 }, (_, index) =>
  index < 20 ? (index + 1) / 10 : 2 * 1.15 ** (index - 19),
).flatMap((ms) => [ms, ms + 0.01].map((each) => Number(each.toFixed(3))));

/** Milliseconds from the moment at which an order is sent. */
export interface Reaction {
  /** To the last task that the worker received, of a pause. */
  readonly pause: { readonly medianMs: number; readonly mostMs: number };
  /** To the first task, of a resumption. */
  readonly resume: { readonly medianMs: number; readonly mostMs: number };
}

export interface Phase {
  /** How many requests of which kind were answered. */
  readonly asked: string;
  readonly dispatchP50Ms: number;
  readonly dispatchP99Ms: number;
  readonly scrapeMedianMs: number;
  readonly scrapeP99Ms: number;
  /** Resident memory at most, of each third: it goes up and down with V8's collections. */
  readonly largestMiB: readonly number[];
}

export interface ControlResult {
  readonly seconds: number;
  readonly reaction: Reaction;
  readonly without: Phase;
  readonly withDryRuns: Phase;
  readonly withOrders: Phase;
}

type Asking = "nothing" | "dryRuns" | "orders";

export async function control(options: Options): Promise<ControlResult> {
  await using stage = await openStage("redis");
  const seconds = options.seconds ?? SECONDS;
  const reaction = await measureReaction(stage);
  await stage.empty();
  await using worker = await stage.startWorker();
  await using daemon = await startDaemon(stage, {
    ...{ profile: `${RATE}/s`, seconds: 3 * seconds + 120, bucketsMs: BUCKETS_MS, control: true },
  });
  await firstAnswer(worker, daemon);
  await sleep(WARM_UP_SECONDS * 1_000);
  const without = await measurePhase(daemon, seconds, "nothing");
  const withDryRuns = await measurePhase(daemon, seconds, "dryRuns");
  const withOrders = await measurePhase(daemon, seconds, "orders");
  return { seconds, reaction, without, withDryRuns, withOrders };
}

async function measureReaction(stage: Stage): Promise<Reaction> {
  await using worker = await stage.startWorker({ notes: true });
  await using daemon = await startDaemon(stage, {
    profile: `${RATE}/s`,
    seconds: 300,
    control: true,
  });
  await firstAnswer(worker, daemon);
  await sleep(WARM_UP_SECONDS * 1_000);
  const turns: { pausedMs: number; resumedMs: number; endMs: number }[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const pausedMs = Date.now();
    await order(daemon, "POST", "scenarios/bench/pause", {});
    await sleep(400);
    const resumedMs = Date.now();
    await order(daemon, "POST", "scenarios/bench/resume", {});
    await sleep(400);
    turns.push({ pausedMs, resumedMs, endMs: Date.now() });
  }
  daemon.signal("SIGKILL");
  const received = Float64Array.from(await worker.notes(), ({ receivedMs }) => receivedMs).sort();
  const within = (fromMs: number, toMs: number) =>
    received.filter((ms) => ms > fromMs && ms < toMs);
  const pauses = turns.map(
    ({ pausedMs, resumedMs }) => (within(pausedMs, resumedMs).at(-1) ?? pausedMs) - pausedMs,
  );
  const resumes = turns.map(
    ({ resumedMs, endMs }) => (within(resumedMs, endMs)[0] ?? endMs) - resumedMs,
  );
  const of = (values: number[]) => ({ medianMs: median(values), mostMs: Math.max(...values) });
  return { pause: of(pauses), resume: of(resumes) };
}

async function measurePhase(
  daemon: RunningDaemon,
  seconds: number,
  asking: Asking,
): Promise<Phase> {
  const before = await daemon.metrics();
  const untilMs = performance.now() + seconds * 1_000;
  let isOver = false;
  const ordering =
    asking === "nothing" ? Promise.resolve(0) : ask(daemon, asking === "dryRuns", () => isOver);
  const scrapes: number[] = [];
  const resident: number[] = [];
  while (performance.now() < untilMs) {
    const beganMs = performance.now();
    await daemon.metrics();
    scrapes.push(performance.now() - beganMs);
    resident.push(residentMiB(daemon.pid));
    await sleep(Math.max(0, 1_000 - (performance.now() - beganMs)));
  }
  isOver = true;
  const orders = await ordering;
  const after = await daemon.metrics();
  const at = (q: number) => dispatchMs(before, after, q);
  const sorted = Float64Array.from(scrapes).sort();
  const phase = {
    asked: `${orders} ${asking === "dryRuns" ? "dry runs" : "orders"}`,
    ...{ dispatchP50Ms: at(0.5), dispatchP99Ms: at(0.99) },
    ...{ scrapeMedianMs: median(scrapes), scrapeP99Ms: quantile(sorted, 0.99) },
    largestMiB: [0, 1, 2].map((third) =>
      Math.max(
        ...resident.slice((third * resident.length) / 3, ((third + 1) * resident.length) / 3),
      ),
    ),
  };
  reportToStderr(phaseLine(phase));
  return phase;
}

/** Rates next to the planned one, so that the load is the same. Returns how many were followed. */
async function ask(
  daemon: RunningDaemon,
  isDryRun: boolean,
  isOver: () => boolean,
): Promise<number> {
  const path = `scenarios/bench${isDryRun ? "?dryRun=true" : ""}`;
  const beganMs = performance.now();
  let orders = 0;
  while (!isOver()) {
    await order(daemon, "PATCH", path, { rate: `${RATE + (orders % 5) - 2}/s` });
    orders++;
    await sleep(Math.max(0, beganMs + (orders * 60_000) / ORDERS_A_MINUTE - performance.now()));
  }
  return orders;
}

async function order(
  { control }: RunningDaemon,
  method: string,
  path: string,
  body: object,
): Promise<void> {
  const response = await fetch(`${control}/api/v1/${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new UserError(`${method} ${path}: ${response.status} ${text}`);
}

/** A quantile of what was dispatched between two pages: the upper bound of its bucket. */
function dispatchMs(before: Metrics, after: Metrics, q: number): number {
  return bucketQuantileMs(
    after,
    "celery_load_task_phase_seconds",
    { phase: "dispatch" },
    q,
    before,
  );
}

function phaseLine(phase: Phase): string {
  const { asked, dispatchP50Ms, dispatchP99Ms, scrapeMedianMs, scrapeP99Ms } = phase;
  const [p50, p99, median, scrapeP99] = [dispatchP50Ms, dispatchP99Ms, scrapeMedianMs, scrapeP99Ms];
  const ms = [p50!, p99!].map((each) => each.toFixed(2));
  return (
    `${asked}: dispatch lag p50 ${ms[0]}, p99 ${ms[1]} ms; a scrape takes ${median!.toFixed(1)} ms (p99 ${scrapeP99!.toFixed(1)}); ` +
    `memory in its thirds ${phase.largestMiB.map((mib) => mib.toFixed(0)).join(", ")} MiB at most`
  );
}

export function controlText({
  seconds,
  reaction,
  without,
  withDryRuns,
  withOrders,
}: ControlResult): string {
  const { pause, resume } = reaction;
  const of = ({ medianMs, mostMs }: Reaction["pause"]) =>
    `${medianMs.toFixed(0)} ms (${mostMs.toFixed(0)} at most)`;
  return [
    `At ${RATE}/s with a state file, from the order to the wire: the last task before a pause ${of(pause)}, the first after a resumption ${of(resume)}; ${TURNS} of each.`,
    `${seconds} s each, ${RATE}/s:`,
    `- ${phaseLine(without)}`,
    `- ${phaseLine(withDryRuns)}`,
    `- ${phaseLine(withOrders)}`,
  ].join("\n");
}
