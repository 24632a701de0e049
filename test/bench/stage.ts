import { existsSync, readFileSync, statSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../src/errors.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import {
  type ServerProcess,
  serverReady,
  startServerProcess,
  tailOf,
} from "../../src/setup/server-process.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { GENERATOR_CORE, pinnedCommand, pinTree, SERVER_CORE } from "./cores.js";
import type { BrokerKind, Command } from "./peers/peers.js";
import { cpuSeconds, residentMiB } from "./process-tree.js";
import { type Note, readNotes } from "./worker/notes.js";

/**
 * A broker on the servers' core, and what is run around it. One broker serves a whole part of the benchmark;
 * worker and generator are new for every measurement.
 */
export interface Stage extends AsyncDisposable {
  readonly broker: string;
  readonly backend: string;
  readonly brokerPid: number;
  /** Sends a signal to the broker. */
  signalBroker(signal: NodeJS.Signals): Promise<void>;
  /** Removes all that the broker holds. */
  empty(): Promise<void>;
  startWorker(options?: { hold?: string; notes?: boolean }): Promise<FakeWorker>;
  /** A client that never waits and notes when each result comes to it, on the generator's core. Redis only. */
  startWitness(): Promise<Witness>;
  /** `core`: the only one that it may use; null for all. Default: the generator's. */
  startGenerator(command: Command, core?: number | null): Promise<Generator>;
}

export interface FakeWorker extends AsyncDisposable {
  readonly pid: number;
  signal(signal: NodeJS.Signals): void;
  /** Tasks that it has answered. */
  answered(): number;
  /** Ends it and returns what it noted. */
  notes(): Promise<Note[]>;
}

export interface Witness extends AsyncDisposable {
  /** Ends it and returns what it noted. */
  notes(): Promise<Note[]>;
}

export interface Generator extends AsyncDisposable {
  readonly pid: number;
  readonly server: ServerProcess;
  signal(signal: NodeJS.Signals): void;
  /** Ends it by SIGTERM, or waits for its own end; returns what it wrote to stdout. */
  stop(): Promise<string>;
  ended(): Promise<string>;
  /** @throws UserError with the end of its output when it has ended */
  mustRun(): void;
}

/** @throws UserError when the broker cannot be started */
export async function openStage(kind: BrokerKind): Promise<Stage> {
  return kind === "redis" ? redisStage() : rabbitmqStage();
}

async function redisStage(): Promise<Stage> {
  const redis = await startRedis();
  await pinTree(redis.pid, SERVER_CORE);
  return {
    broker: redis.url(),
    backend: redis.url(),
    brokerPid: redis.pid,
    signalBroker: (signal) => redis.kill(signal),
    async empty() {
      const client = redis.cli();
      await client.flushall();
      client.disconnect();
    },
    startWorker: (options) => startFakeWorker(redis.url(), options),
    startWitness: () => startWitness(redis.url()),
    startGenerator,
    [Symbol.asyncDispose]: () => redis.stop(),
  };
}

async function rabbitmqStage(): Promise<Stage> {
  const rabbitmq = await startRabbitmq();
  await pinTree(rabbitmq.pid, SERVER_CORE);
  return {
    broker: rabbitmq.url,
    backend: "rpc://",
    brokerPid: rabbitmq.pid,
    signalBroker: (signal) => rabbitmq.kill(signal),
    async empty() {
      const channel = await (await rabbitmq.client()).createChannel();
      await channel.deleteQueue("celery");
      await channel.close();
    },
    startWorker: (options) => startFakeWorker(rabbitmq.url, options),
    startWitness: () => Promise.reject(new UserError("There is no witness of RabbitMQ's replies.")),
    startGenerator,
    [Symbol.asyncDispose]: () => rabbitmq[Symbol.asyncDispose](),
  };
}

async function startFakeWorker(
  broker: string,
  { hold = "0", notes = false }: { hold?: string; notes?: boolean } = {},
): Promise<FakeWorker> {
  const file = join(CHECKOUT, "dist", "test", "bench", "worker", "fake-worker.js");
  const tally = await scratchFile("tally");
  const notesFile = await scratchFile("notes");
  const args = [file, broker, tally, hold, ...(notes ? [notesFile] : [])];
  const worker = await start("The fake worker", { program: process.execPath, args }, SERVER_CORE);
  await serverReady(worker, () => statSync(tally).size === 8, 20_000);
  return {
    pid: worker.pid,
    signal: (signal) => worker.signal(signal),
    answered: () => readFileSync(tally).readDoubleLE(0),
    async notes() {
      await worker.stop(30_000);
      return readNotes(notesFile);
    },
    async [Symbol.asyncDispose]() {
      await worker.stop(0);
    },
  };
}

async function startWitness(backend: string): Promise<Witness> {
  const file = join(CHECKOUT, "dist", "test", "bench", "worker", "witness.js");
  const notesFile = await scratchFile("seen");
  const args = [file, backend, notesFile];
  const witness = await start("The witness", { program: process.execPath, args }, GENERATOR_CORE);
  await serverReady(witness, () => existsSync(notesFile), 20_000);
  return {
    async notes() {
      await witness.stop(30_000);
      return readNotes(notesFile);
    },
    async [Symbol.asyncDispose]() {
      await witness.stop(0);
    },
  };
}

async function startGenerator(
  command: Command,
  core: number | null = GENERATOR_CORE,
): Promise<Generator> {
  const generator = await start("The generator", command, core);
  const output = async () => {
    await generator.ended();
    return generator.output();
  };
  return {
    pid: generator.pid,
    server: generator,
    signal: (signal) => generator.signal(signal),
    async stop() {
      generator.signal("SIGTERM");
      return output();
    },
    ended: output,
    mustRun() {
      if (generator.exit() !== null) throw new UserError(`It ended too early.${tailOf(generator)}`);
    },
    async [Symbol.asyncDispose]() {
      await generator.stop(0);
    },
  };
}

async function start(name: string, command: Command, core: number | null): Promise<ServerProcess> {
  const { program, args } = core === null ? command : await pinnedCommand(core, command);
  const output = await scratchFile("output");
  return startServerProcess({
    name,
    program,
    args,
    cwd: CHECKOUT,
    env: { ...process.env, ...command.env },
    stdoutFile: output,
    stderrFile: output,
  });
}

/** What was used between two moments. */
export interface Window {
  readonly seconds: number;
  readonly tasks: number;
  /** CPU milliseconds of the generator for each task that the worker answered. */
  readonly cpuMsPerTask: number;
  readonly brokerCpuMsPerTask: number;
  readonly workerCpuMsPerTask: number;
  /** Of the generator, at the end. */
  readonly residentMiB: number;
  /** Processes that were ready to run on this machine, on average over the last minute. */
  readonly machineLoad: number;
}

/** Reads all counts at a moment; two readings make a window. */
export function reading(stage: Stage, worker: FakeWorker, generator: Generator) {
  generator.mustRun();
  return {
    atMs: performance.now(),
    answered: worker.answered(),
    generator: cpuSeconds(generator.pid),
    broker: cpuSeconds(stage.brokerPid),
    worker: cpuSeconds(worker.pid),
    residentMiB: residentMiB(generator.pid),
  };
}
export type Reading = ReturnType<typeof reading>;

/** @throws UserError when no task was answered in between */
export function windowOf(from: Reading, to: Reading): Window {
  const tasks = to.answered - from.answered;
  if (tasks <= 0) throw new UserError("No task was answered in the window that was measured.");
  const each = (role: "generator" | "broker" | "worker") =>
    ((to[role] - from[role]) * 1000) / tasks;
  return {
    seconds: (to.atMs - from.atMs) / 1000,
    tasks,
    cpuMsPerTask: each("generator"),
    brokerCpuMsPerTask: each("broker"),
    workerCpuMsPerTask: each("worker"),
    residentMiB: to.residentMiB,
    machineLoad: loadavg()[0]!,
  };
}

/** Waits for the first answer. @throws UserError when none comes, with the end of the generator's output */
export async function firstAnswer(worker: FakeWorker, generator: Generator): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (worker.answered() === 0) {
    generator.mustRun();
    if (performance.now() > deadlineMs) throw new UserError("It got no answer within 30 s.");
    await sleep(20);
  }
}
