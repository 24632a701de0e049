import "./dispose.js";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { loadConfig } from "../../src/config/load.js";
import { ConfigError } from "../../src/errors.js";
import { isAlive } from "../../src/setup/scratch.js";
import { startDaemon } from "./daemon.js";
import {
  destinationsOf,
  endFault,
  type FuzzTarget,
  goesNowhere,
  isOfTheFuture,
  isOpen,
  mayExpire,
} from "./fuzz-ends.js";
import { assertBalanced, type LedgerRow } from "./metrics.js";
import { scratchFile } from "./scratch.js";
import { ensureSerializers } from "./serializers.js";
import { configTextOf, runTasks, type TaskSettings } from "./task-runs.js";
import { waitUntil } from "./wait-until.js";
import { startWorker, type TestWorker } from "./worker.js";

/** How long a task may take to answer on a busy machine. */
const ANSWER_MS = 30_000;

/** What must not be in a worker's log: it dropped a message, or something broke outside of a task. */
const DROPPED =
  /Unrecoverable error|Can't decode message body|Received invalid task|unknown message|Refusing to deserialize|Couldn't convert ETA|Control command error|outside body/;

/** Sends generated tasks to one target and looks at what its worker makes of them. */
export class Fuzzer {
  readonly #target: FuzzTarget;
  #worker: TestWorker | undefined;
  /** Messages that wait in the worker for a time that does not come. */
  #held = { least: 0, most: 0 };
  #checkFile = "";

  constructor(target: FuzzTarget) {
    this.#target = target;
  }

  async start(): Promise<void> {
    this.#checkFile = await scratchFile("task.yml");
    await this.#startWorker();
  }

  async stop(): Promise<void> {
    await this.#worker?.[Symbol.asyncDispose]();
    this.#worker = undefined;
  }

  /** True for a task that the configuration accepts. */
  accepts(task: TaskSettings): boolean {
    writeFileSync(this.#checkFile, configTextOf([task], this.#target), { mode: 0o600 });
    try {
      loadConfig({ files: [this.#checkFile], env: {} });
      return true;
    } catch (error) {
      if (error instanceof ConfigError) return false;
      throw error;
    }
  }

  /**
   * Sends the tasks, once each, and waits until each has come to its end.
   * @throws Error with the tasks that have not, or with what is wrong with the worker
   */
  async check(tasks: readonly TaskSettings[]): Promise<void> {
    if (this.#worker === undefined) {
      await this.#target.clear();
      await this.#startWorker();
    }
    try {
      await this.#check(tasks);
    } catch (error) {
      // The next attempt, with fewer tasks, must not suffer from this one.
      await this.stop();
      throw error;
    }
  }

  /** Of tasks that `check` refuses the fewest, with the fewest keys, that it still refuses. */
  async smallest(tasks: readonly TaskSettings[]): Promise<readonly TaskSettings[]> {
    const fails = (some: readonly TaskSettings[]) => this.check(some).then(isFalse, isTrue);
    let least = tasks;
    while (least.length > 1) {
      const middle = Math.ceil(least.length / 2);
      const halves = [least.slice(0, middle), least.slice(middle)];
      const failing = (await fails(halves[0]!)) ? halves[0]! : halves[1]!;
      if (failing === halves[1] && !(await fails(failing))) return least; // it takes both
      least = failing;
    }
    let [task] = least as [TaskSettings];
    for (const key of Object.keys(task).filter((each) => each !== "name")) {
      const { [key]: _, ...without } = task;
      if (this.accepts(without as TaskSettings) && (await fails([without as TaskSettings]))) {
        task = without as TaskSettings;
      }
    }
    return [task];
  }

  async #startWorker(): Promise<void> {
    const { broker, backend, python } = this.#target;
    const { queues, topic, delayed } = destinationsOf(this.#target);
    this.#held = { least: 0, most: 0 };
    this.#worker = await startWorker({
      broker,
      backend,
      python,
      pool: "prefork", // the only one with time limits
      extraArgs: ["-E"],
      env: {
        PYTHONPATH: await ensureSerializers(python),
        CELERY_CONF: JSON.stringify({
          accept_content: ["json", "msgpack", "yaml"],
          // With a quorum queue a worker cannot fetch more for those that wait for their time.
          ...(delayed === null ? {} : { worker_prefetch_multiplier: 0 }),
        }),
        TASK_QUEUES: JSON.stringify([
          ...queues.map((name) => ({ name, exchange: [name, "direct"], routing_key: name })),
          { name: "topics", exchange: [topic, "topic"], routing_key: "fuzz.#" },
          ...(delayed === null
            ? []
            : [
                {
                  name: delayed.queue,
                  exchange: [delayed.exchange, "topic"],
                  routing_key: delayed.queue,
                  queue_arguments: { "x-queue-type": "quorum" },
                },
              ]),
        ]),
      },
    });
  }

  async #check(tasks: readonly TaskSettings[]): Promise<void> {
    const worker = this.#worker!;
    const logLength = worker.log().length;
    const runsBefore = (await worker.recorded()).length;
    const marked = tasks.map((task, mark) => ({ ...task, headers: { ...headersOf(task), mark } }));
    await using daemon = await startDaemon({ configText: configTextOf(marked, this.#target) });
    let open: string[] = [];
    let rows: LedgerRow[] = [];
    const haveEnded = async () => {
      if (this.#faultOfWorker(worker, logLength) !== undefined) return true; // told below
      const page = await daemon.metrics();
      assertBalanced(page);
      assert.equal(page.sum("celery_load_malformed_messages_total"), 0);
      const rowOf = new Map(page.ledger().map((row) => [row.scenario, row]));
      const marks = new Set((await worker.recorded()).slice(runsBefore).map(({ mark }) => mark));
      rows = tasks.map((_, index) => rowOf.get(`t${index}`)!);
      open = tasks.flatMap((task, index) => {
        const fault = endFault(task, rows[index]!, marks.has(index), this.#target);
        return fault === undefined ? [] : [`${fault}: ${JSON.stringify(task)}`];
      });
      return open.length === 0;
    };
    try {
      const hasEnded = daemon.exit.then(() => Promise.reject(new Error("the daemon has ended")));
      await Promise.race([waitUntil(haveEnded, ANSWER_MS, "the tasks"), hasEnded]);
      this.#checkWorker(worker, logLength);
      const waiting = tasks.filter(
        (task, index) =>
          isOfTheFuture(task) && isOpen(rows[index]!) && !goesNowhere(task, this.#target),
      );
      await this.#checkUnacknowledged(waiting);
      const { rows: answers } = await runTasks([{ name: "tests.add", args: [1, 2] }], this.#target);
      assert.equal(answers[0]!.outcomes.succeeded, 1, "the worker does not answer any more");
      this.#checkWorker(worker, logLength);
    } catch (error) {
      const lines = [...daemon.stderr().split("\n"), ...worker.log().slice(logLength).split("\n")];
      const telling = lines.filter(
        (line) => DROPPED.test(line) || /^fatal|"level":[56]0/.test(line),
      );
      const cause =
        error instanceof Error && error.cause !== undefined ? [String(error.cause)] : [];
      throw new Error(
        [String(error), ...cause, ...open.slice(0, 10), ...telling.slice(0, 10)].join("\n"),
      );
    }
  }

  /** The worker holds those that wait for their time, and nothing else. */
  async #checkUnacknowledged(waiting: readonly TaskSettings[]): Promise<void> {
    const isSure = (task: TaskSettings) => !mayExpire(task);
    this.#held.least += waiting.filter(isSure).length;
    this.#held.most += waiting.length;
    const { least, most } = this.#held;
    await waitUntil(
      async () => {
        const count = await this.#target.unacknowledged();
        if (count < least || count > most) throw new Error(`it holds ${count}`);
        return true;
      },
      ANSWER_MS,
      `the worker to hold ${least} to ${most} messages`,
    );
  }

  #checkWorker(worker: TestWorker, logLength: number): void {
    const fault = this.#faultOfWorker(worker, logLength);
    if (fault !== undefined) throw new Error(fault);
  }

  #faultOfWorker(worker: TestWorker, logLength: number): string | undefined {
    if (!isAlive(worker.pid)) return "the worker has ended";
    const lines = worker.log().slice(logLength).split("\n");
    const dropped = lines.find((line) => DROPPED.test(line));
    return dropped === undefined ? undefined : `the worker's log says: ${dropped}`;
  }
}

const isTrue = () => true;
const isFalse = () => false;

function headersOf(task: TaskSettings): Record<string, unknown> {
  return (task.headers ?? {}) as Record<string, unknown>;
}
