import { hrtimeMs } from "../clock.js";
import type {
  Control,
  EngineMessage,
  EnginePlan,
  EngineStart,
  SnapshotKind,
} from "../engine/messages.js";
import type { Beginning } from "../engine/pacing.js";
import { createLayout, type Layout } from "../ledger/layout.js";
import type { Half } from "../ledger/snapshot.js";
import { mergeStageCells } from "../ledger/stage-rows.js";
import type { TaskListener } from "../observer/task-events.js";
import { JointNews } from "./joint-news.js";
import { ThreadHost } from "./thread-host.js";

export interface EngineOptions {
  readonly onMessage: (message: EngineMessage) => void;
  /** What the load needs is connected, or was waited for: what is to be done before elapsed time starts. */
  readonly beforeBegin: () => Promise<Begin>;
  /** What its threads start with, besides the plan. */
  readonly shared: Pick<EngineStart, "exceptions" | "gates" | "today">;
}

/** How an engine begins to plan. */
export interface Begin {
  /** When elapsed time starts, on the clock that threads share (`clock.ts hrtimeMs`). */
  readonly zeroMs: number;
  /** Where each scenario is then. */
  readonly beginnings: readonly Beginning[];
}

/**
 * The engine of one plan: one thread, or several that share it (`threads`) and are one for everybody else. Each has
 * connections, task ids and a ledger of its own; nothing on the hot path is common to them.
 */
export class Engine {
  readonly layout: Layout;
  readonly #threads: readonly ThreadHost[];
  readonly #options: EngineOptions;
  readonly #news: JointNews;
  /** null: elapsed time has not begun. */
  #zeroMs: number | null = null;

  /** Resolves when every scenario has stopped; rejects when a thread dies before. */
  readonly ended: Promise<void>;

  constructor(plan: EnginePlan, options: EngineOptions) {
    this.layout = createLayout(plan.dimensions);
    this.#options = options;
    this.#news = new JointNews(plan.threads);
    this.#threads = Array.from({ length: plan.threads }, (_, index) => {
      const share = { index, of: plan.threads };
      return new ThreadHost(plan, share, options.shared, (message) =>
        this.#receive(index, message),
      );
    });
    this.ended = Promise.all(this.#threads.map(({ ended }) => ended)).then(() => {});
  }

  /** Who may be told what events of workers say: each thread of its own tasks, known by the start of their ids. */
  listeners(connection: number): TaskListener[] {
    return this.#threads.map((thread) => ({
      idPrefix: thread.idPrefix,
      report: (reports) => thread.report(connection, reports),
      readClocks: (readings) => thread.readClocks(connection, readings),
    }));
  }

  /** A consistent reading of each thread, private. */
  readings(kind: SnapshotKind): Promise<Half[]> {
    return Promise.all(this.#threads.map((thread) => thread.snapshot(kind)));
  }

  /**
   * What each thread counts, as it is written: each number is true, two of them need not be of the same moment. It costs
   * the engine nothing, and has the fine tables of the phases.
   */
  live(): Half[] {
    return this.#threads.map(({ live }) => live);
  }

  /** Ids of what is in flight on a connection, the oldest of each thread first. */
  async idsInFlight(connection: number): Promise<string[]> {
    const ids = await Promise.all(this.#threads.map((thread) => thread.idsInFlight()));
    return ids.flatMap((byConnection) => byConnection[connection] ?? []);
  }

  /** The counts by stage (`ledger/stage-rows.ts`) of all threads; final when the engine has ended. */
  stageCells(): Float64Array {
    const [{ stageLayout }] = this.#threads as [ThreadHost];
    return mergeStageCells(
      stageLayout,
      this.#threads.map(({ stageCells }) => stageCells),
    );
  }

  /** Starts of today by all threads, those of before included; up to a second old. */
  startsToday(): number {
    return this.#threads.reduce((sum, thread) => sum + thread.startsToday, 0);
  }

  /** How long ago each of the threads has looked at itself, at most, in milliseconds. */
  turnAgeMs(): number {
    return Math.max(...this.#threads.map((thread) => thread.turnAgeMs()));
  }

  /** When elapsed time began, on the clock that threads share; null before. */
  get zeroMs(): number | null {
    return this.#zeroMs;
  }

  /** Milliseconds since it began to plan; 0 before. */
  elapsedMs(): number {
    return this.#zeroMs === null ? 0 : Math.max(0, hrtimeMs() - this.#zeroMs);
  }

  /** Has an order done by every thread. Before the beginning there is nothing to be done: it is where they begin. */
  control(control: Control): void {
    if (this.#zeroMs === null) return;
    for (const thread of this.#threads) thread.control(control);
  }

  stop(): void {
    for (const thread of this.#threads) thread.stop();
  }

  abort(): void {
    for (const thread of this.#threads) thread.abort();
  }

  async terminate(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #receive(thread: number, message: EngineMessage): void {
    if (!this.#news.isNews(thread, message)) return;
    if (message.type === "ready") void this.#begin(message);
    else this.#options.onMessage(message);
  }

  async #begin(ready: EngineMessage): Promise<void> {
    for (const thread of this.#threads) thread.openOptional();
    const { zeroMs, beginnings } = await this.#options.beforeBegin();
    this.#zeroMs = zeroMs;
    for (const thread of this.#threads) thread.begin(zeroMs, beginnings);
    this.#options.onMessage(ready);
  }
}
