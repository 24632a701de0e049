import type { EngineMessage } from "../engine/messages.js";

/**
 * What the threads of an engine say, as the news of one: what is true of the engine only when it is of all its
 * threads is news when the last one says so.
 */
export class JointNews {
  readonly #threads: number;
  /** By what is said, the threads that have said it. */
  readonly #said = new Map<string, Set<number>>();

  constructor(threads: number) {
    this.#threads = threads;
  }

  /** True when this message of a thread is news of the engine. */
  isNews(thread: number, message: EngineMessage): boolean {
    switch (message.type) {
      case "ready":
        return this.#allSay("ready", thread);
      case "scenario":
        return this.#onceAllSay(`${message.scenario} is ${message.state}`, thread);
      case "stage":
        return this.#onceAllSay(`${message.scenario} in stage ${message.stage}`, thread);
      case "up":
        return this.#allSay(`${message.connection} ${message.role}`, thread);
      case "down":
        this.#said.get(`${message.connection} ${message.role}`)?.delete(thread);
        return true;
      case "blocked":
        if (message.isBlocked) return this.#allSay(`${message.connection} is blocked`, thread);
        return this.#forget(`${message.connection} is blocked`);
      case "clockStep":
        return thread === 0; // all see the same clock
      default:
        return true;
    }
  }

  #allSay(what: string, thread: number): boolean {
    const said = this.#said.get(what) ?? new Set();
    this.#said.set(what, said);
    said.add(thread);
    return said.size === this.#threads;
  }

  /** Of what may come again. */
  #onceAllSay(what: string, thread: number): boolean {
    return this.#allSay(what, thread) && this.#forget(what);
  }

  /** True when all had said it. */
  #forget(what: string): boolean {
    const wasSaid = this.#said.get(what)?.size === this.#threads;
    this.#said.delete(what);
    return wasSaid;
  }
}
