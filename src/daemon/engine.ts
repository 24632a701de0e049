import type { TaskReports } from "../celery/task-reports.js";
import { hrtimeMs } from "../clock.js";
import type { EngineMessage, EnginePlan } from "../engine/messages.js";
import { LedgerView } from "../exposition/ledger-view.js";
import { createLayout, type Layout } from "../ledger/layout.js";
import { EngineHost } from "./engine-host.js";

/**
 * The engine: one thread, or several that share the plan (`threads`) and are one for everybody else. Each has
 * connections, task ids and a ledger of its own; nothing on the hot path is common to them.
 */
export class Engine {
  readonly #threads: readonly EngineHost[];
  readonly #layout: Layout;
  readonly #onMessage: (message: EngineMessage) => void;
  /** By what several threads say, those that have said it. */
  readonly #said = new Map<string, Set<number>>();

  /** Resolves when every scenario has stopped; rejects when a thread dies before. */
  readonly ended: Promise<void>;

  constructor(plan: EnginePlan, onMessage: (message: EngineMessage) => void) {
    this.#layout = createLayout(plan.dimensions);
    this.#onMessage = onMessage;
    this.#threads = Array.from({ length: plan.threads }, (_, index) => {
      const share = { index, of: plan.threads };
      return new EngineHost(plan, share, (message) => this.#receive(index, message));
    });
    this.ended = Promise.all(this.#threads.map(({ ended }) => ended)).then(() => {});
  }

  /** Who may be told what events of workers say: each thread of its own tasks, known by the start of their ids. */
  listeners(connection: number): { idPrefix: string; report: (reports: TaskReports) => void }[] {
    return this.#threads.map((thread) => ({
      idPrefix: thread.idPrefix,
      report: (reports) => thread.report(connection, reports),
    }));
  }

  /** A consistent reading. `isScrape` restarts what counts "since the last scrape". */
  async snapshot(isScrape: boolean): Promise<LedgerView> {
    const halves = await Promise.all(this.#threads.map((thread) => thread.snapshot(isScrape)));
    return new LedgerView(this.#layout, ...halves);
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

  /** What is true of the engine once it is of all its threads is passed on then, and only then. */
  #receive(thread: number, message: EngineMessage): void {
    switch (message.type) {
      case "ready":
        if (!this.#allSay("ready", thread)) return;
        this.#begin();
        break;
      case "scenario":
        if (!this.#allSay(`${message.scenario} is ${message.state}`, thread)) return;
        break;
      case "stage":
        if (!this.#allSay(`${message.scenario} in stage ${message.stage}`, thread)) return;
        this.#said.delete(`${message.scenario} in stage ${message.stage}`); // it may come again
        break;
      case "up":
        if (!this.#allSay(`${message.connection} ${message.role}`, thread)) return;
        break;
      case "down":
        this.#said.get(`${message.connection} ${message.role}`)?.delete(thread);
        break;
      case "blocked":
        if (message.isBlocked) {
          if (!this.#allSay(`${message.connection} is blocked`, thread)) return;
        } else if (!this.#said.delete(`${message.connection} is blocked`)) return;
        break;
      case "clockStep":
        if (thread > 0) return; // all see the same clock
        break;
      default:
        break;
    }
    this.#onMessage(message);
  }

  #begin(): void {
    const now = hrtimeMs();
    for (const thread of this.#threads) thread.begin(now);
  }

  /** True when the others have said it, too. */
  #allSay(what: string, thread: number): boolean {
    const said = this.#said.get(what) ?? new Set();
    this.#said.set(what, said);
    said.add(thread);
    return said.size === this.#threads.length;
  }
}
