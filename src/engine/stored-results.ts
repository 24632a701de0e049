import type { Connection } from "../connections/ports.js";
import { messageOf } from "../errors.js";
import type { EngineMessage } from "./messages.js";
import type { TaskLife } from "./task-life.js";

/** Results removed in one go: fewer would not keep up with 100,000 a second, more would hold the backend up. */
const FORGET_AT_ONCE = 2_000;

/** What the result backend keeps of our tasks: looks up what was missed, and removes what has been read. */
export class StoredResults {
  readonly #life: TaskLife;
  readonly #say: (message: EngineMessage) => void;
  #connections: readonly Connection[] = [];
  /** Connections whose results may have been missed and not been looked up yet. */
  readonly #missed = new Set<number>();
  /** Connections whose results are being removed. */
  readonly #forgetting = new Map<number, Promise<void>>();

  constructor(life: TaskLife, say: (message: EngineMessage) => void) {
    this.#life = life;
    this.#say = say;
  }

  connect(connections: readonly Connection[]): void {
    this.#connections = connections;
  }

  /** The stream of a connection's results was away. */
  missed(connection: number): void {
    if (this.#life.idsInFlight(connection).length > 0) this.#missed.add(connection);
  }

  everySecond(): void {
    for (const connection of this.#missed) void this.#lookUp(connection);
    for (const index of this.#connections.keys()) void this.forget(index);
  }

  /** Removes the results of the tasks that have ended, some at a time. Never rejects: a failure is said. */
  forget(connection: number): Promise<void> {
    const running = this.#forgetting.get(connection);
    if (running !== undefined) return running;
    const removed = this.#forgetAll(connection)
      // It costs nothing but memory of the backend: the results expire by themselves.
      .catch((error) => this.#say({ type: "forgetFailed", connection, cause: messageOf(error) }))
      .finally(() => this.#forgetting.delete(connection));
    this.#forgetting.set(connection, removed);
    return removed;
  }

  async #forgetAll(connection: number): Promise<void> {
    for (;;) {
      const ended = this.#life.takeEnded(connection, FORGET_AT_ONCE);
      if (ended === null) return;
      await this.#connections[connection]!.results.forget(ended.ids, ended.chords);
      if (ended.ids.length < FORGET_AT_ONCE) return; // what has ended meanwhile waits for company
    }
  }

  async #lookUp(connection: number): Promise<void> {
    this.#missed.delete(connection);
    const ids = this.#life.idsInFlight(connection);
    let count = 0;
    try {
      await this.#connections[connection]!.results.lookUp(ids, (id, text) => {
        if (this.#life.recovered(id, text)) count++;
      });
    } catch (error) {
      this.#missed.add(connection);
      this.#say({ type: "lookUpFailed", connection, cause: messageOf(error) });
    }
    if (count > 0) this.#say({ type: "recovered", connection, count });
  }
}
