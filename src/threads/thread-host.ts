import { randomBytes } from "node:crypto";
import { EventEmitter, on } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { MessagePort, Worker } from "node:worker_threads";
import type { NumberedReading } from "../celery/events/clock-reading.js";
import type { TaskReports } from "../celery/events/task-reports.js";
import { idPrefix } from "../celery/messages/task-id.js";
import type {
  Control,
  EngineMessage,
  EnginePlan,
  EngineStart,
  MainMessage,
  SnapshotKind,
} from "../engine/messages.js";
import type { Beginning } from "../engine/pacing.js";
import { messageOf } from "../errors.js";
import { createLayout, type Layout } from "../ledger/layout.js";
import { type Half, ledgerBytes, openLedger, type SharedLedger } from "../ledger/snapshot.js";
import { createStageLayout, type StageLayout } from "../ledger/stage-rows.js";
import { stagesOf } from "../plan/profile.js";
import { type Share, within } from "../plan/share.js";
import { CodeHost } from "./code-host.js";
import { takeEngineThread } from "./spare-thread.js";

/** How long a scrape waits for the engine's copy before it reads the live memory instead: 1 s. */
const SNAPSHOT_WAITS = 10;
const SNAPSHOT_WAIT_MS = 100;
const IN_FLIGHT_MS = 5_000;

/** The main thread's hand on a thread of the engine: starts it, asks for snapshots, stops it, notices its death. */
export class ThreadHost {
  readonly #worker: Worker;
  readonly #layout: Layout;
  readonly #ledger: SharedLedger;
  readonly #replies = new EventEmitter();
  /** By module of the plan. */
  readonly #code: readonly CodeHost[];
  #nextSnapshot = 1;
  #queue: Promise<unknown> = Promise.resolve();
  #isOver = false;
  readonly #startedSeconds = process.hrtime()[0];

  /** The start that the ids of its tasks share. */
  readonly idPrefix = idPrefix(randomBytes(6));

  /** The counts by stage, as they are written: final when it has ended. */
  readonly stageCells: Float64Array;
  readonly stageLayout: StageLayout;

  /** Resolves when every scenario has stopped, or it was terminated; rejects when the thread dies before. */
  readonly ended: Promise<void>;

  constructor(
    plan: EnginePlan,
    thread: Share,
    shared: Pick<EngineStart, "exceptions" | "gates" | "today">,
    onMessage: (message: EngineMessage) => void,
  ) {
    this.#layout = createLayout(plan.dimensions);
    const memory = new SharedArrayBuffer(ledgerBytes(this.#layout));
    this.#ledger = openLedger(this.#layout, memory);
    // Until the thread counts them itself, which it does from there on.
    this.#ledger.live.cells[this.#layout.engine("startsToday")] = shared.today.starts;
    this.stageLayout = createStageLayout(
      plan.scenarios.map(({ profile }) => stagesOf(profile).length),
    );
    const stageMemory = new SharedArrayBuffer(this.stageLayout.cellCount * 8);
    this.stageCells = new Float64Array(stageMemory);
    const { idPrefix } = this;
    const start: EngineStart = { plan, memory, stageMemory, thread, idPrefix, ...shared };
    this.#worker = takeEngineThread();
    this.#worker.postMessage(start);
    const share = within(plan.segment, thread);
    this.#code = plan.modules.map(
      (module, index) =>
        new CodeHost(
          { module, data: plan.data, seed: plan.seed, share },
          (port) => this.#give(index, port),
          (news) => onMessage({ type: "codeNews", module: index, news }),
        ),
    );
    this.ended = new Promise((resolve, reject) => {
      this.#worker.on("message", (message: EngineMessage) => {
        if (message.type === "snapshot") this.#replies.emit("snapshot", message.id);
        else if (message.type === "inFlight") this.#replies.emit("inFlight", message);
        else if (message.type === "ended") {
          this.#isOver = true;
          void this.#closeCode().then(resolve);
        } else onMessage(message);
      });
      this.#worker.on("error", (error) => this.#died(error, reject));
      this.#worker.on("exit", (code) => {
        if (this.#isOver) void this.#closeCode().then(resolve);
        else this.#died(new Error(`it exited with ${code}`), reject);
      });
    });
  }

  /**
   * A consistent reading.
   * Readings follow one another: the engine must not copy anew while one is taken over.
   */
  snapshot(kind: SnapshotKind): Promise<Half> {
    const reading = this.#queue.then(() => this.#read(kind));
    this.#queue = reading;
    return reading;
  }

  /** What it counts, as it is written: with the fine tables of the phases, which no snapshot has. */
  get live(): Half {
    return this.#ledger.live;
  }

  /** Starts of today by this thread, those of before included; it counts them once a second. */
  get startsToday(): number {
    return this.#ledger.live.cells[this.#layout.engine("startsToday")]!;
  }

  /** How long ago the engine last looked at itself, in milliseconds; it does so once a second. */
  turnAgeMs(): number {
    const lastTurn = this.#ledger.live.cells[this.#layout.engine("lastTurnSeconds")]!;
    return (process.hrtime()[0] - (lastTurn || this.#startedSeconds)) * 1000;
  }

  /** Ids of what is in flight, by connection; none when it does not answer in time. */
  async idsInFlight(): Promise<readonly (readonly string[])[]> {
    if (this.#isOver) return [];
    const id = this.#nextSnapshot++;
    this.#send({ type: "listInFlight", id });
    const signal = AbortSignal.timeout(IN_FLIGHT_MS);
    try {
      for await (const [answer] of on(this.#replies, "inFlight", { signal })) {
        if (answer.id === id) return answer.ids;
      }
    } catch {
      // The thread is busy or dead.
    }
    return [];
  }

  openOptional(): void {
    this.#send({ type: "openOptional" });
  }

  begin(hrtimeMs: number, beginnings: readonly Beginning[]): void {
    this.#send({ type: "begin", hrtimeMs, beginnings });
  }

  control(control: Control): void {
    this.#send({ type: "control", control });
  }

  stop(): void {
    this.#send({ type: "stop" });
  }

  abort(): void {
    this.#send({ type: "abort" });
  }

  /** What workers say of its tasks; the memory moves over. */
  report(connection: number, reports: TaskReports): void {
    const message: MainMessage = { type: "taskReports", connection, reports };
    this.#worker.postMessage(message, [reports.numbers.buffer as ArrayBuffer]);
  }

  /** What the clocks of workers showed. */
  readClocks(connection: number, readings: readonly NumberedReading[]): void {
    this.#send({ type: "clockReadings", connection, readings });
  }

  /** Whatever it does: what it has counted until then stays, and what is in flight stays in flight. */
  async terminate(): Promise<void> {
    this.#isOver = true;
    await Promise.all([this.#closeCode(), this.#worker.terminate()]);
  }

  async #read(kind: SnapshotKind): Promise<Half> {
    const cellCount = kind === "whole" ? this.#layout.cellCount : this.#layout.fineAt;
    if (this.#isOver) return copyOf(this.#ledger.live, cellCount);
    const id = this.#nextSnapshot++;
    let isAnswered = false;
    const answer = new Promise<void>((resolve) => {
      const onReply = (answered: number) => {
        if (answered !== id) return;
        isAnswered = true;
        this.#replies.off("snapshot", onReply);
        resolve();
      };
      this.#replies.on("snapshot", onReply);
    });
    this.#send({ type: "snapshot", id, kind });
    // In short waits: when this process was stopped meanwhile, one timer is over and not all.
    for (let wait = 0; wait < SNAPSHOT_WAITS && !isAnswered && !this.#isOver; wait++) {
      await Promise.race([answer, sleep(SNAPSHOT_WAIT_MS)]);
    }
    if (isAnswered) return copyOf(this.#ledger.snapshot, cellCount);
    // The thread is busy or dead: the live memory may be written while it is read, and is still true.
    this.#replies.removeAllListeners("snapshot");
    return copyOf(this.#ledger.live, cellCount);
  }

  /** A thread that is gone takes its port with it. */
  #give(module: number, port: MessagePort): void {
    const message: MainMessage = { type: "code", module, port };
    if (!this.#isOver) this.#worker.postMessage(message, [port]);
  }

  /** What it has counted is told before. Never rejects. */
  async #closeCode(): Promise<void> {
    await Promise.all(this.#code.map((host) => host.close()));
  }

  #send(message: MainMessage): void {
    this.#worker.postMessage(message);
  }

  /** Of a defect, or for want of memory: nobody sends its part any more, which must not go unnoticed. */
  #died(cause: unknown, reject: (error: unknown) => void): void {
    this.#isOver = true;
    void this.#closeCode();
    const message = `a thread of the engine has died, and what it had in flight is not accounted for: ${messageOf(cause)}`;
    reject(new Error(message, { cause }));
  }
}

/** A private copy: the engine may write the shared memory while a page is made of this one. */
function copyOf({ cells, states, entries }: Half, cellCount: number): Half {
  return { cells: cells.slice(0, cellCount), states: states.slice(), entries: entries.slice() };
}
