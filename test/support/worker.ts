import "./dispose.js";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startCeleryWorker } from "../../src/setup/celery-worker.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { type CeleryVersion, ensurePython } from "../../src/setup/python.js";
import { scratchFile } from "./scratch.js";

export interface WorkerOptions {
  readonly broker: string;
  /** Default: the broker. */
  readonly backend?: string;
  /** Default: current. */
  readonly python?: CeleryVersion;
  /** A Python with Celery of the test's own, instead of `python`; gevent needs one. */
  readonly interpreter?: string;
  /** Default: threads, which starts fastest. WorkerLostError and time limits need prefork. */
  readonly pool?: "prefork" | "threads" | "gevent" | "solo";
  /** Default: 4. */
  readonly concurrency?: number;
  /** Default: Celery's own queue, "celery". */
  readonly queues?: readonly string[];
  readonly extraArgs?: readonly string[];
  /** A variable that is undefined is not set. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** What the worker itself noted about one run of a task. */
export interface RecordedRun {
  readonly id: string;
  readonly name: string;
  /** The message's header of this name; null when it has none. */
  readonly mark: unknown;
  /** Unix time in ms by the worker's clock. */
  readonly startedMs: number;
  /** null when it never finished: it still runs, or its process was killed. */
  readonly endedMs: number | null;
  /** Celery's state: SUCCESS, FAILURE, RETRY, …; null when it never finished. */
  readonly state: string | null;
}

export interface TestWorker extends AsyncDisposable {
  readonly pid: number;
  /** Sends a signal to the main process, or to it and its pool processes. */
  signal(signal: NodeJS.Signals, options?: { group: boolean }): void;
  /** Warm shutdown: running tasks end first. SIGKILL after 10 s. */
  stop(): Promise<void>;
  log(): string;
  /** Every run of a task so far, in the order in which they started; one id may run more than once. */
  recorded(): Promise<RecordedRun[]>;
}

/**
 * Starts a Celery worker with the tasks of tasks.py and waits until it takes tasks.
 * @throws UserError with the end of its log when it does not come up
 */
export async function startWorker(options: WorkerOptions): Promise<TestWorker> {
  const python = options.interpreter ?? (await ensurePython(options.python ?? "current"));
  const recordFile = options.env?.RECORD_FILE ?? (await scratchFile("record.ndjson"));
  await writeFile(recordFile, "", { flag: "a" });
  const worker = await startCeleryWorker({
    python,
    directory: join(CHECKOUT, "test", "support"),
    application: "tasks",
    pool: options.pool ?? "threads",
    concurrency: options.concurrency ?? 4,
    logFile: await scratchFile("worker.log"),
    args: [
      ...(options.queues === undefined ? [] : ["--queues", options.queues.join(",")]),
      // Two workers of one broker need two names.
      ...["--hostname", `test-${process.pid}-${nextNumber()}@%h`],
      ...(options.extraArgs ?? []),
    ],
    env: {
      ...process.env,
      CELERY_BROKER_URL: options.broker,
      CELERY_RESULT_BACKEND: options.backend ?? options.broker,
      RECORD_FILE: recordFile,
      ...options.env,
    },
  });
  return {
    pid: worker.pid,
    signal: (signal, { group } = { group: false }) =>
      worker.signal(signal, group ? "group" : "process"),
    async stop() {
      await worker.stop(10_000);
    },
    log: () => worker.output(),
    recorded: async () => readRecord(await readFile(recordFile, "utf8")),
    async [Symbol.asyncDispose]() {
      await worker.stop(0);
    },
  };
}

let workers = 0;

function nextNumber(): number {
  workers += 1;
  return workers;
}

/** A line when a run starts, {run, id, name, startedMs}, and one when it ends, {run, endedMs, state}. */
function readRecord(text: string): RecordedRun[] {
  const runs = new Map<string, RecordedRun>();
  for (const line of text.split("\n")) {
    // The last line may be half written.
    if (!line.endsWith("}")) continue;
    const { run, ...fields } = JSON.parse(line) as { run: string } & Partial<RecordedRun>;
    const started = runs.get(run) ?? {
      id: "",
      name: "",
      mark: null,
      startedMs: 0,
      endedMs: null,
      state: null,
    };
    runs.set(run, { ...started, ...fields });
  }
  return [...runs.values()];
}
