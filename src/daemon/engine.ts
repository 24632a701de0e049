import { hrtimeMs } from "../clock.js";
import type { EngineMessage, EnginePlan } from "../engine/messages.js";
import { createLayout, type Layout } from "../ledger/layout.js";
import type { TaskListener } from "../observer/task-events.js";
import { LedgerView } from "../readings/ledger-view.js";
import { EngineHost } from "./engine-host.js";
import { JointNews } from "./joint-news.js";

export interface EngineOptions {
  readonly onMessage: (message: EngineMessage) => void;
  /** What the load needs is connected, or was waited for: what is to be done before the plan's clock starts. */
  readonly beforeBegin: () => Promise<void>;
}

/**
 * The engine: one thread, or several that share the plan (`threads`) and are one for everybody else. Each has
 * connections, task ids and a ledger of its own; nothing on the hot path is common to them.
 */
export class Engine {
  readonly #threads: readonly EngineHost[];
  readonly #layout: Layout;
  readonly #options: EngineOptions;
  readonly #news: JointNews;

  /** Resolves when every scenario has stopped; rejects when a thread dies before. */
  readonly ended: Promise<void>;

  constructor(plan: EnginePlan, options: EngineOptions) {
    this.#layout = createLayout(plan.dimensions);
    this.#options = options;
    this.#news = new JointNews(plan.threads);
    this.#threads = Array.from({ length: plan.threads }, (_, index) => {
      const share = { index, of: plan.threads };
      return new EngineHost(plan, share, (message) => this.#receive(index, message));
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

  /** A consistent reading. `isScrape` leaves out the fine tables and restarts what counts "since the last scrape". */
  async snapshot(isScrape: boolean): Promise<LedgerView> {
    const halves = await Promise.all(this.#threads.map((thread) => thread.snapshot(isScrape)));
    return new LedgerView(this.#layout, ...halves);
  }

  /** The counts by stage (`ledger/stage-rows.ts`) of all threads; final when the engine has ended. */
  stageCells(): Float64Array {
    const [first, ...others] = this.#threads.map(({ stageCells }) => stageCells);
    const cells = first!.slice();
    for (const other of others) {
      for (let cell = 0; cell < cells.length; cell++) cells[cell]! += other[cell]!;
    }
    return cells;
  }

  /** How long ago each of the threads has looked at itself, at most, in milliseconds. */
  turnAgeMs(): number {
    return Math.max(...this.#threads.map((thread) => thread.turnAgeMs()));
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
    await this.#options.beforeBegin();
    const now = hrtimeMs();
    for (const thread of this.#threads) thread.begin(now);
    this.#options.onMessage(ready);
  }
}
