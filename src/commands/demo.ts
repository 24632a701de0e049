import { join } from "node:path";
import { EXIT, messageOf } from "../errors.js";
import { startCeleryWorker } from "../setup/celery-worker.js";
import { CHECKOUT, cachePath, explainCacheError } from "../setup/checkout.js";
import { hasLabels, parseExpositionText, type Sample } from "../setup/exposition-text.js";
import { freePort, freePortFrom } from "../setup/ports.js";
import { findPrometheus, startPrometheusServer } from "../setup/prometheus.js";
import { ensurePython } from "../setup/python.js";
import { ensureRedis, startRedisServer } from "../setup/redis.js";
import { makeScratchDirectory } from "../setup/scratch.js";
import {
  exitText,
  type ServerProcess,
  serverReady,
  startServerProcess,
  tailOf,
} from "../setup/server-process.js";
import { receiveSignals } from "../signals.js";
import type { Streams } from "./streams.js";

export interface DemoOptions {
  /** Ends by itself after this time with everything up; null = when it is told to. */
  readonly forMs: number | null;
  /** Where the daemon listens on 127.0.0.1; the next free port when it is taken. */
  readonly port: number;
}

/**
 * Broker, worker, daemon, and Prometheus when it is installed, on this machine, from nothing.
 * Ctrl-C or the death of one of them stops all; a second Ctrl-C kills them. Nothing stays but
 * what is in the cache.
 * @returns 0 when it was told to end, 1 when one of the servers ended by itself or was killed
 * @throws UserError when something cannot be installed, written or started
 */
export async function runDemo(options: DemoOptions, streams: Streams): Promise<number> {
  const signals = listenForSignals();
  const servers: ServerProcess[] = [];
  try {
    const start = startServers(options, streams, servers, signals.stopping);
    const addresses = await Promise.race([start, signals.first.then(() => null)]);
    if (addresses === null) {
      start.catch(() => {}); // It ends with an error, as what it waits for is stopped.
      return EXIT.ok;
    }
    streams.stdout(guide(addresses));
    return await watch(options, streams, addresses, servers, signals.first);
  } catch (error) {
    throw explainCacheError(error);
  } finally {
    await stopServers(servers, signals.second, streams);
    signals.stopListening();
  }
}

interface Addresses {
  readonly daemon: string;
  /** Where orders are taken, and the page has its controls. */
  readonly control: string;
  readonly prometheus: string | null;
}

/** Adds each server to `servers` as soon as it runs, the broker first. */
async function startServers(
  options: DemoOptions,
  streams: Streams,
  servers: ServerProcess[],
  isStopping: () => boolean,
): Promise<Addresses> {
  const report = (line: string) => streams.stderr(`${line}\n`);
  const startNext = (line: string) => {
    if (isStopping()) throw new Error("The demo was told to stop");
    report(`demo: starting ${line}`);
  };
  const onSpawn = (server: ServerProcess) => servers.push(server);
  const directory = await makeScratchDirectory("demo");
  const python = await ensurePython("current", report);
  const redis = await ensureRedis(report);

  const redisPort = await freePort();
  startNext(`Redis on port ${redisPort}`);
  const redisLog = cachePath("demo", "redis.log");
  await startRedisServer(redis, { port: redisPort, directory, logFile: redisLog, onSpawn });

  const url = `redis://127.0.0.1:${redisPort}/0`;
  const env = { ...streams.env, CELERY_BROKER_URL: url, CELERY_RESULT_BACKEND: url };
  startNext("a Celery worker with 4 processes");
  await startCeleryWorker({
    python,
    directory: join(CHECKOUT, "demo"),
    application: "app",
    pool: "prefork",
    concurrency: 4,
    logFile: cachePath("demo", "worker.log"),
    args: ["-E"],
    env,
    onSpawn,
  });

  const port = await freePortFrom(options.port);
  const daemon = `127.0.0.1:${port}`;
  const control = `127.0.0.1:${await freePortFrom(port + 1)}`;
  startNext(`the daemon on ${daemon}`);
  await startDaemon({ daemon, control }, env, streams, onSpawn);

  const prometheus = await findPrometheus();
  if (prometheus === null) return { daemon, control, prometheus };
  const prometheusPort = await freePort();
  startNext(`Prometheus on port ${prometheusPort}`);
  const logFile = cachePath("demo", "prometheus.log");
  await startPrometheusServer(prometheus, {
    ...{ port: prometheusPort, directory, logFile, target: daemon, onSpawn },
  });
  return { daemon, control, prometheus: `127.0.0.1:${prometheusPort}` };
}

async function startDaemon(
  { daemon: address, control }: Pick<Addresses, "daemon" | "control">,
  env: NodeJS.ProcessEnv,
  streams: Streams,
  onSpawn: (server: ServerProcess) => void,
): Promise<ServerProcess> {
  const logFile = cachePath("demo", "daemon.log");
  const daemon = await startServerProcess({
    name: "The daemon",
    program: process.execPath,
    args: [
      join(CHECKOUT, "dist", "src", "main.js"),
      ...["run", join(CHECKOUT, "demo", "load.yml")],
      ...["--set", `server.listen=${address}`, "--control", control, "--log-level", "warn"],
    ],
    env,
    onSpawn,
    // On a terminal its output goes there, status line and all.
    ...(streams.isTerminal ? {} : { stdoutFile: logFile, stderrFile: logFile }),
  });
  try {
    await serverReady(daemon, async () => (await get(`http://${address}/readyz`)).ok, 30_000);
  } catch (error) {
    await daemon.stop(0);
    throw error;
  }
  return daemon;
}

/** What to look at, in the order in which one would. */
function guide({ daemon, control, prometheus }: Addresses): string {
  const lines = [
    "",
    "The demo is running: a shop's tasks at 10/s, 30/s and 60/s, 30 s each, again and again.",
    "",
    `  the live page        http://${control}/`,
    `  metrics              http://${daemon}/metrics`,
  ];
  if (prometheus === null) {
    lines.push(
      "  Prometheus           install it (prometheus.io/download) and start again: its graphs, too",
    );
  } else {
    for (const [title, query] of GRAPHS) {
      lines.push(`  ${title.padEnd(20)} ${graphUrl(prometheus, query)}`);
    }
  }
  lines.push(
    `  worker's log         ${cachePath("demo", "worker.log")}`,
    "",
    "Ctrl-C stops all of it.",
  );
  return `${lines.join("\n")}\n\n`;
}

const GRAPHS: readonly (readonly [title: string, query: string])[] = [
  ["rate by task", "sum by (task) (rate(celery_load_tasks_published_total[30s]))"],
  [
    "p95 latency by task",
    "histogram_quantile(0.95, sum by (le, task) (rate(celery_load_task_latency_seconds_bucket[30s])))",
  ],
  ["outcomes", "sum by (outcome) (rate(celery_load_task_outcomes_total[30s]))"],
];

function graphUrl(prometheus: string, query: string): string {
  const search = new URLSearchParams({
    "g0.expr": query,
    "g0.tab": "0",
    "g0.range_input": "5m",
  });
  return `http://${prometheus}/graph?${search}`;
}

const STATUS_EVERY_MS = 10_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Until somebody says stop, the time is over, or a server ends. */
async function watch(
  options: DemoOptions,
  streams: Streams,
  addresses: Addresses,
  servers: readonly ServerProcess[],
  stop: Promise<void>,
): Promise<number> {
  const timers: NodeJS.Timeout[] = [];
  if (!streams.isTerminal) {
    const startedMs = performance.now();
    const print = async () => {
      const seconds = Math.round((performance.now() - startedMs) / 1000);
      streams.stdout(`${seconds} s: ${await status(addresses.daemon)}\n`);
    };
    timers.push(setInterval(print, STATUS_EVERY_MS));
  }
  const { forMs } = options;
  const timeOver = new Promise<void>((resolve) => {
    if (forMs !== null) timers.push(setTimeout(resolve, Math.min(forMs, LONGEST_TIMER_MS)));
  });
  try {
    const ends = servers.map((server) => server.ended().then(() => server));
    const ended = await Promise.race([stop, timeOver, ...ends]);
    if (ended === undefined) return EXIT.ok;
    const how = exitText(await ended.ended());
    streams.stderr(`\ndemo: ${ended.name} ended (${how}).${tailOf(ended)}\n`);
    return EXIT.failed;
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

/** The daemon's numbers in one line, or why there are none. Never rejects. */
async function status(daemon: string): Promise<string> {
  try {
    const response = await get(`http://${daemon}/metrics`);
    const samples = parseExpositionText(await response.text());
    const outcomes = (outcome: string) => sum(samples, "task_outcomes_total", { outcome });
    return [
      `${sum(samples, "target_rate")}/s wanted`,
      `planned ${sum(samples, "tasks_planned_total")}`,
      `succeeded ${outcomes("succeeded")}`,
      `failed ${outcomes("failed")}`,
      `timed out ${outcomes("timed_out")}`,
      `in flight ${sum(samples, "tasks_in_flight")}`,
      `dropped ${sum(samples, "tasks_dropped_total")}`,
    ].join(", ");
  } catch (error) {
    return `no answer from http://${daemon}/metrics: ${messageOf(error)}`;
  }
}

function sum(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter((sample) => sample.name === `celery_load_${name}` && hasLabels(sample, labels))
    .reduce((total, sample) => total + sample.value, 0);
}

function get(url: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(5000) });
}

/** Long enough for the daemon's gracefulStop in demo/load.yml. */
const STOP_MS = 8000;

/**
 * The daemon first, so that the worker still answers what is in flight and its ledger closes; then
 * the others, each started last stopped first; Redis last, as a worker without broker does not end.
 */
async function stopServers(
  servers: readonly ServerProcess[],
  kill: Promise<void>,
  streams: Streams,
): Promise<void> {
  if (servers.length === 0) return;
  streams.stderr("\ndemo: stopping\n");
  const killAll = kill.then(() => Promise.all(servers.map((server) => server.stop(0))));
  const isDaemon = (server: ServerProcess) => server.name === "The daemon";
  const inTurn = [
    ...servers.filter(isDaemon),
    ...servers.filter((server) => !isDaemon(server)).reverse(),
  ];
  const stopInTurn = async () => {
    for (const server of inTurn) await server.stop(STOP_MS);
  };
  await Promise.race([stopInTurn(), killAll]);
}

/** One Ctrl-C can arrive by different ways: from the terminal, from npm and from scripts/demo.mjs. */
const SAME_STOP_MS = 500;

function listenForSignals() {
  let firstMs: number | null = null;
  let onFirst = () => {};
  let onSecond = () => {};
  const first = new Promise<void>((resolve) => {
    onFirst = resolve;
  });
  const second = new Promise<void>((resolve) => {
    onSecond = resolve;
  });
  const stopListening = receiveSignals(({ meaning }) => {
    if (meaning === "nothing") return;
    const isSecond = firstMs !== null && performance.now() - firstMs > SAME_STOP_MS;
    firstMs ??= performance.now();
    onFirst();
    if (isSecond || meaning === "endAtOnce") onSecond();
  });
  return {
    /** Settles at the first signal. */
    first,
    /** Settles at the second, or at one that asks for an end at once. */
    second,
    stopping: () => firstMs !== null,
    stopListening,
  };
}
