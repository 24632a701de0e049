import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../../src/errors.js";
import { CHECKOUT } from "../../../src/setup/checkout.js";
import { freePort } from "../../../src/setup/ports.js";
import { reportToStderr } from "../../../src/setup/report.js";
import { exitText, startServerProcess, tailOf } from "../../../src/setup/server-process.js";
import { startRedis } from "../../support/redis.js";
import { scratchFile } from "../../support/scratch.js";
import { startWorker } from "../../support/worker.js";
import type { Options } from "../options.js";
import { ensureLocust } from "../peers/environments.js";
import { type Command, daemonCommand } from "../peers/peers.js";
import { median } from "../statistics.js";

const USERS = 50;
const TASK_SECONDS = 0.1;
const SECONDS = 30;
/** Until all users are there. */
const BEGIN_SECONDS = 5;

export interface UsersRow {
  readonly generator: "locust" | "celery-load";
  /** As the worker has it. */
  readonly perSecond: number;
  readonly medianMs: number;
}

/** The recipe's users and ours, by turns, against one real worker: what both of them make of it. */
export async function users({ repetitions }: Options): Promise<readonly UsersRow[]> {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url(), concurrency: 2 * USERS });
  const rows: UsersRow[] = [];
  for (let turn = 0; turn < 2 * repetitions; turn++) {
    const generator = turn % 2 === 0 ? "locust" : "celery-load";
    const before = (await worker.recorded()).length;
    const medianMs =
      generator === "locust" ? await runLocust(redis.url()) : await runOurs(redis.url());
    const runs = (await worker.recorded()).slice(before);
    const fromMs = runs[0]!.startedMs + BEGIN_SECONDS * 1000;
    const untilMs = runs[0]!.startedMs + (SECONDS - 1) * 1000;
    const counted = runs.filter(({ startedMs }) => startedMs >= fromMs && startedMs < untilMs);
    const row: UsersRow = {
      generator,
      perSecond: (counted.length * 1000) / (untilMs - fromMs),
      medianMs,
    };
    reportToStderr(usersLine(row));
    rows.push(row);
  }
  return rows;
}

export function usersText(rows: readonly UsersRow[]): string {
  const of = (generator: UsersRow["generator"], read: (row: UsersRow) => number) =>
    median(rows.filter((row) => row.generator === generator).map(read));
  const ratio = (read: (row: UsersRow) => number) =>
    (of("celery-load", read) / of("locust", read)).toFixed(3);
  return [
    ...rows.map(usersLine),
    `ours / Locust's: rate × ${ratio(({ perSecond }) => perSecond)}, median latency × ${ratio(({ medianMs }) => medianMs)}`,
  ].join("\n");
}

function usersLine({ generator, perSecond, medianMs }: UsersRow): string {
  return `${generator}: ${perSecond.toFixed(1)} tasks a second, median ${medianMs.toFixed(1)} ms`;
}

async function runLocust(broker: string): Promise<number> {
  const file = await scratchFile("latencies.json");
  const here = join(CHECKOUT, "test", "bench", "peers");
  await run("Locust", {
    program: await ensureLocust(),
    args: [
      ...["-m", "locust", "--locustfile", join(here, "locust_user.py"), "--headless"],
      ...["--only-summary", "--loglevel", "ERROR", "--host", "none", "--run-time", `${SECONDS}s`],
      ...["--users", String(USERS), "--spawn-rate", String(USERS)],
    ],
    env: {
      ...{ BENCH_BROKER: broker, BENCH_BACKEND: broker, BENCH_RATE: "0" },
      ...{ BENCH_USERS: String(USERS), BENCH_WAIT: "0.1,0.5", BENCH_LATENCIES: file },
      ...{ BENCH_TASK: "tests.sleep", BENCH_ARGS: `[${TASK_SECONDS}]` },
    },
  });
  return median(JSON.parse(await readFile(file, "utf8")) as number[]);
}

async function runOurs(broker: string): Promise<number> {
  const profile = `{users: ${USERS}, spawnRate: ${USERS}/s, wait: [100ms, 500ms]}`;
  const output = await run(
    "celery-load",
    daemonCommand([
      ...["--broker", broker, "--task", "tests.sleep", "--args", `[${TASK_SECONDS}]`],
      ...["--rate", "max", "--set", `scenarios.quick.profile=${profile}`],
      ...["--listen", `127.0.0.1:${await freePort()}`, "--for", `${SECONDS}s`, "--json"],
    ]),
  );
  const report = JSON.parse(output) as { total: { latencySeconds: { p50: number } } };
  return report.total.latencySeconds.p50 * 1000;
}

/** Runs it to its end; returns what it wrote to stdout. @throws UserError when it fails */
async function run(name: string, { program, args, env }: Command): Promise<string> {
  const stdoutFile = await scratchFile(`${name}.stdout`);
  const stderrFile = await scratchFile(`${name}.stderr`);
  const server = await startServerProcess({
    ...{ name, program, args, stdoutFile, stderrFile, env: { ...process.env, ...env } },
  });
  const late = setTimeout(() => server.signal("SIGKILL", "group"), (SECONDS + 60) * 1000);
  const exit = await server.ended();
  clearTimeout(late);
  if (exit.code !== 0)
    throw new UserError(`${name} ended with ${exitText(exit)}.${tailOf(server)}`);
  return readFile(stdoutFile, "utf8");
}
