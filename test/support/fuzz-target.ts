import "./dispose.js";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { loadConfig } from "../../src/config/load.js";
import { ConfigError } from "../../src/errors.js";
import type { CeleryVersion } from "../../src/setup/python.js";
import { startDaemon } from "./daemon.js";
import { assertBalanced, type LedgerRow } from "./metrics.js";
import { scratchFile } from "./scratch.js";
import { ensureSerializers } from "./serializers.js";
import type { Destinations } from "./task-arbitrary.js";
import { configTextOf, runTasks, type TaskSettings } from "./task-runs.js";
import { waitUntil } from "./wait-until.js";
import { startWorker, type TestWorker } from "./worker.js";

/** A broker with a worker that gets whatever the generator makes. */
export interface FuzzTarget {
  readonly python: CeleryVersion;
  readonly broker: string;
  readonly backend: string;
  readonly isRedis: boolean;
  /** Messages that workers have and have not acknowledged. */
  unacknowledged(): Promise<number>;
  /** Forgets all messages, without a worker. */
  clear(): Promise<void>;
}

/** How long a task may take to answer on a busy machine. */
const ANSWER_MS = 30_000;

/** What must not be in a worker's log: it dropped a message, or something broke outside of a task. */
const DROPPED =
  /Unrecoverable error|Can't decode message body|Received invalid task|unknown message|Refusing to deserialize|Couldn't convert ETA|Control command error|outside body: (?!SoftTimeLimit)/;

export function destinationsOf({ python, isRedis }: FuzzTarget): Destinations {
  return {
    queues: ["celery", "wärteschlange", "l".repeat(255)],
    topic: "fuzz.topic",
    delayed: isRedis || python === "debian" ? null : { exchange: "fuzz.quorum", queue: "quorum" },
  };
}

/** Sends generated tasks to one target and looks at what its worker makes of them. */
export class Fuzzer {
  readonly #target: FuzzTarget;
  readonly #destinations: Destinations;
  #worker: TestWorker | undefined;
  /** Messages that wait in the worker for a time that does not come. */
  #held = { least: 0, most: 0 };
  #checkFile = "";

  constructor(target: FuzzTarget) {
    this.#target = target;
    this.#destinations = destinationsOf(target);
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

  async #startWorker(): Promise<void> {
    const { broker, backend, python } = this.#target;
    const { queues, topic, delayed } = this.#destinations;
    this.#held = { least: 0, most: 0 };
    this.#worker = await startWorker({
      broker,
      backend,
      python,
      pool: "prefork", // the only one with time limits
      extraArgs: ["-E"],
      env: {
        PYTHONPATH: await ensureSerializers(python),
        CELERY_CONF: JSON.stringify({ accept_content: ["json", "msgpack", "yaml"] }),
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
      const page = await daemon.metrics();
      assertBalanced(page);
      assert.equal(page.sum("celery_load_malformed_messages_total"), 0);
      const rowOf = new Map(page.ledger().map((row) => [row.scenario, row]));
      const marks = new Set((await worker.recorded()).slice(runsBefore).map(({ mark }) => mark));
      rows = tasks.map((_, index) => rowOf.get(`t${index}`)!);
      open = tasks.flatMap((task, index) => {
        const fault = this.#faultOf(task, rows[index]!, marks.has(index));
        return fault === undefined ? [] : [`${fault}: ${JSON.stringify(task)}`];
      });
      return open.length === 0;
    };
    try {
      const hasEnded = daemon.exit.then(() => Promise.reject(new Error("the daemon has ended")));
      await Promise.race([waitUntil(haveEnded, ANSWER_MS, "the tasks"), hasEnded]);
      hasEnded.catch(() => {}); // from now on it may
      const waiting = tasks.filter(
        (task, index) => isOfTheFuture(task) && isOpen(rows[index]!) && !this.#goesNowhere(task),
      );
      await this.#checkUnacknowledged(waiting);
      await this.#checkWorker(worker, logLength);
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

  /** Why a task has not come to an end that can be accounted for; undefined when it has. */
  #faultOf(task: TaskSettings, row: LedgerRow, hasRun: boolean): string | undefined {
    const answers = row.outcomes.succeeded! + row.outcomes.failed! + row.outcomes.revoked!;
    if (row.planned === 0 || row.publishing > 0) return "not sent yet";
    if (row.dropped > 0 || answers > 0) return undefined;
    if (this.#goesNowhere(task)) {
      const isLeft = this.#target.isRedis && task.exchange === undefined;
      return isLeft === (row.publishFailed === 0)
        ? undefined
        : "not as it should be without a queue";
    }
    if (row.publishFailed > 0) return "the broker did not take it";
    if (isOfTheFuture(task)) return undefined; // the worker holds it, which is counted
    if (hasRun && (task.ignoreResult === true || losesRetry(task, this.#target))) return undefined;
    // The signal may come while the worker stores the result.
    if (task.softTimeLimit === "1ms" || task.softTimeLimit === "30ms") return undefined;
    // RabbitMQ drops what has expired, and a worker stores no result for it if none is wanted.
    if (mayExpire(task) && (!this.#target.isRedis || task.ignoreResult === true)) return undefined;
    return hasRun ? "it ran and gave no result" : "no sign of it";
  }

  #goesNowhere({ queue = "celery", exchange, routingKey = queue }: TaskSettings): boolean {
    const { queues, topic, delayed } = this.#destinations;
    if (exchange === undefined)
      return ![...queues, "topics", delayed?.queue].includes(queue as string);
    // RabbitMQ's # stands for no word, too; kombu's on Redis does not.
    const bound = this.#target.isRedis ? /^fuzz\./ : /^fuzz(\.|$)/;
    if (exchange === topic) return !bound.test(String(routingKey));
    if (exchange === delayed?.exchange) return routingKey !== delayed?.queue;
    return !(exchange === routingKey && queues.includes(exchange as string));
  }

  async #checkWorker(worker: TestWorker, logLength: number): Promise<void> {
    process.kill(worker.pid, 0); // throws when it is gone
    const { rows } = await runTasks([{ name: "tests.add", args: [1, 2] }], this.#target);
    if (rows[0]!.outcomes.succeeded !== 1) throw new Error("The worker does not answer any more");
    const dropped = worker
      .log()
      .slice(logLength)
      .split("\n")
      .find((line) => DROPPED.test(line));
    if (dropped !== undefined) throw new Error(`The worker's log says: ${dropped}`);
  }
}

function headersOf(task: TaskSettings): Record<string, unknown> {
  return (task.headers ?? {}) as Record<string, unknown>;
}

/** True while no result has come. */
function isOpen({ published, outcomes }: LedgerRow): boolean {
  return published > outcomes.succeeded! + outcomes.failed! + outcomes.revoked!;
}

function isOfTheFuture({ eta }: TaskSettings): boolean {
  return /^(2400|9998)/.test(String(eta ?? ""));
}

function mayExpire({ expires }: TaskSettings): boolean {
  return expires === "0.4ms" || expires === "20ms";
}

/**
 * Celery before 5.2.7 cannot retry a task that expires, and none on Redis one that came by a topic
 * exchange: its producers take an exchange that they have not declared for a direct one.
 */
function losesRetry({ name, expires, exchange }: TaskSettings, target: FuzzTarget): boolean {
  if (name !== "tests.retry") return false;
  if (target.python === "debian" && expires !== "none") return true;
  return target.isRedis && exchange !== undefined;
}
