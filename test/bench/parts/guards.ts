import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon, type TestDaemon } from "../../support/daemon.js";
import { startManagement } from "../../support/management.js";
import { startRabbitmq } from "../../support/rabbitmq.js";
import { startRedis } from "../../support/redis.js";
import { startWorker } from "../../support/worker.js";
import type { Options } from "../options.js";

/*
 * Does a guard fire in ten healthy minutes? On both brokers every guard that a load by itself has, with limits as one
 * would write them. (`share` is not among them: alone we have all of a queue.)
 */

const SECONDS = 600;
const SCRAPE_SECONDS = 5;
const GUARDS = [
  "name: growing, watch: backlogSlope",
  "name: failing, watch: failedShare, above: 5%",
  "name: slow, watch: latency, above: 2s",
  "name: deep, watch: queueLength, above: 1000",
  "name: unwatched, watch: scrapeAge, above: 1m",
];

export interface GuardRow {
  readonly broker: "redis" | "rabbitmq";
  readonly guard: string;
  readonly fired: number;
  /** Times that it was pending when it was looked at, and the nearest that its limit was. */
  readonly pending: number;
  readonly leastHeadroom: number;
  readonly seconds: number;
}

export async function guards(options: Options): Promise<GuardRow[]> {
  const seconds = options.seconds ?? SECONDS;
  await using redis = await startRedis({ args: ["--maxmemory", "200mb"] });
  await using rabbitmq = await startRabbitmq();
  const management = `http://guest:guest@127.0.0.1:${await startManagement(rabbitmq)}`;
  const backend = redis.url(1);
  await using _onRedis = await startWorker({ broker: redis.url() });
  await using _onRabbitmq = await startWorker({ broker: rabbitmq.url, backend });
  await using first = await start(`broker: "${redis.url()}", backend: "${redis.url()}"`);
  await using second = await start(
    `broker: "${rabbitmq.url}", backend: "${backend}", management: "${management}"`,
  );
  const rows = await Promise.all([
    follow("redis", first, seconds),
    follow("rabbitmq", second, seconds),
  ]);
  return rows.flat();
}

function start(connection: string): Promise<TestDaemon> {
  return startDaemon({
    configText: `
connections: { main: { ${connection} } }
tasks: { add: { name: tests.add, args: [1, 2] }, nap: { name: tests.sleep, args: [0.05] } }
scenarios: { steady: { profile: 20/s, arrival: poisson, mix: { add: 3, nap: 1 } } }
guards: [${GUARDS.map((guard) => `{ ${guard} }`).join(", ")}]
control: { listen: off }
`,
  });
}

async function follow(
  broker: GuardRow["broker"],
  daemon: TestDaemon,
  seconds: number,
): Promise<GuardRow[]> {
  const rows = new Map<string, GuardRow>();
  const untilMs = performance.now() + seconds * 1_000;
  while (performance.now() < untilMs) {
    await sleep(SCRAPE_SECONDS * 1_000);
    const page = await daemon.metrics();
    for (const { labels, value: fired } of page.select("celery_load_guard_fired_total")) {
      const guard = labels.guard!;
      const [headroom] = page.select("celery_load_guard_headroom_ratio", { guard });
      const { pending = 0, leastHeadroom = 1 } = rows.get(guard) ?? {};
      rows.set(guard, {
        ...{ broker, guard, fired, seconds },
        pending: pending + page.value("celery_load_guard_state", { guard, state: "pending" }),
        leastHeadroom: Math.min(leastHeadroom, headroom?.value ?? 1),
      });
    }
  }
  return [...rows.values()];
}

export function guardLine({ broker, guard, fired, pending, leastHeadroom, seconds }: GuardRow) {
  const times = pending === 0 ? "never pending" : `pending at ${pending} looks`;
  return `${fired === 0 ? "quiet" : "FIRED"}  ${guard} on ${broker}: fired ${fired} times in ${seconds} s, ${times}, least headroom ${leastHeadroom.toFixed(2)}`;
}
