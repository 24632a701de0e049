import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../src/setup/ports.js";
import { serverReady } from "../../src/setup/server-process.js";
import { Metrics } from "../support/metrics.js";
import { scratchFile } from "../support/scratch.js";
import { daemonCommand } from "./peers/peers.js";
import type { Generator, Stage } from "./stage.js";

/** What the daemon is to do, in the words of its configuration. */
export interface DaemonLoad {
  /** YAML of a profile: `50/s`, `{ steps: [20/s for 5s] }`. */
  readonly profile: string;
  readonly arrival?: "even" | "poisson";
  readonly seconds: number;
  readonly warmUpSeconds?: number;
  readonly maxInFlight?: number;
  /** Milliseconds, ascending; default: the daemon's own. */
  readonly bucketsMs?: readonly number[];
  /** Put the planned time into each message: the fake worker notes it. */
  readonly tellsPlan?: boolean;
  /** It takes orders, and keeps them in a state file. */
  readonly control?: boolean;
  /** How many tasks share the rate; default 1. */
  readonly tasks?: number;
}

export interface RunningDaemon extends Generator {
  readonly url: string;
  /** Where it takes orders, when it does. */
  readonly control: string;
  metrics(): Promise<Metrics>;
  /** Waits until every scenario has stopped, which is before the process ends. */
  hasStopped(): Promise<{ page: Metrics; wasSaturated: boolean }>;
}

/** Starts the daemon on its core; after its scenario it answers for 3 s more, and prints its report. */
export async function startDaemon(stage: Stage, load: DaemonLoad): Promise<RunningDaemon> {
  const [port, controlPort] = [await freePort(), await freePort()];
  const [url, control] = [port, controlPort].map((each) => `http://127.0.0.1:${each}`) as [
    string,
    string,
  ];
  const orders =
    load.control === true
      ? `control: { listen: "127.0.0.1:${controlPort}" }\nstate: { file: ${await scratchFile("state.json")} }`
      : "";
  const file = await scratchFile("load.yml");
  await writeFile(file, `${configuration(stage, load, port)}${orders}\n`, { mode: 0o600 });
  const generator = await stage.startGenerator(daemonCommand([file, "--json"]));
  const metrics = async () => {
    generator.mustRun();
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(10_000) });
    return new Metrics(await response.text());
  };
  await serverReady(generator.server, async () => (await fetch(`${url}/healthz`)).ok, 20_000);
  return {
    ...generator,
    ...{ url, control, metrics },
    async hasStopped() {
      let wasSaturated = false;
      for (;;) {
        const page = await metrics();
        wasSaturated ||= isSaturated(page);
        if (page.value("celery_load_scenario_state", { state: "stopped" }) === 1) {
          return { page, wasSaturated };
        }
        await sleep(250);
      }
    },
    [Symbol.asyncDispose]: () => generator[Symbol.asyncDispose](),
  };
}

function configuration(stage: Stage, load: DaemonLoad, port: number): string {
  const args = load.tellsPlan === true ? '["{{ planned }}", 2]' : "[1, 2]";
  const names = Array.from({ length: load.tasks ?? 1 }, (_, index) => `task${index}`);
  const buckets = load.bucketsMs?.map((ms) => `${ms}ms`).join(", ");
  return `
connections: { main: { broker: "${stage.broker}", backend: "${stage.backend}" } }
tasks:
${names.map((name) => `  ${name}: { name: bench.${name}, args: ${args} }`).join("\n")}
scenarios:
  bench:
    profile: ${load.profile}
    arrival: ${load.arrival ?? "even"}
    mix: [${names.join(", ")}]
    duration: ${load.seconds}s
    warmup: ${load.warmUpSeconds ?? 0}s
    maxInFlight: ${load.maxInFlight ?? 10_000}
limits: { series: 1000000 }
${buckets === undefined ? "" : `buckets: [${buckets}]`}
server: { listen: "127.0.0.1:${port}", linger: 3s }
`;
}

/** Does the daemon say that it is the bottleneck itself, or has it dropped a start for that? */
function isSaturated(page: Metrics): boolean {
  return (
    page.sum("celery_load_generator_saturated") > 0 ||
    page.sum("celery_load_tasks_dropped_total", { reason: "saturated" }) > 0
  );
}

/** The quantile of a histogram with these labels, of what it has counted since `before`: the upper bound of its bucket, in ms. */
export function bucketQuantileMs(
  page: Metrics,
  name: string,
  labels: Readonly<Record<string, string>>,
  q: number,
  before?: Metrics,
): number {
  const buckets = page.select(`${name}_bucket`, labels).map((sample) => ({
    le: Number(sample.labels.le!.replace("+Inf", "Infinity")),
    count: sample.value - (before?.value(`${name}_bucket`, sample.labels) ?? 0),
  }));
  const total = Math.max(...buckets.map(({ count }) => count));
  const rank = Math.max(1, Math.ceil(q * total));
  return Math.min(...buckets.filter(({ count }) => count >= rank).map(({ le }) => le)) * 1000;
}
