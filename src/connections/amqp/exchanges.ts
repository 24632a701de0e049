import type { ChannelModel } from "amqplib";
import { hasExchange } from "./passive.js";

/** A missing exchange is looked for again this often. */
const RECHECK_MS = 5_000;

/**
 * Which of the exchanges that we publish to exist. To publish to one that does not closes the channel with
 * everything on it, so each is asked for beforehand, passively and on a channel of its own: to declare one
 * would change the deployment.
 */
export class Exchanges {
  readonly #names = new Set<string>();
  readonly #existing = new Set<string>();
  #checkedMs = 0;

  /** The exchange will be published to. */
  add(name: string): void {
    if (name !== "") this.#names.add(name);
  }

  /** True when a message to it reaches the broker's routing. */
  exists(name: string): boolean {
    return name === "" || this.#existing.has(name);
  }

  /** Asks for all of them, on a new connection. */
  async check(model: ChannelModel): Promise<void> {
    this.#existing.clear();
    await this.#ask(model, [...this.#names]);
  }

  /**
   * Asks again for those that were missing, now and then.
   * @throws when the connection is lost meanwhile
   */
  async recheck(model: ChannelModel, nowMs: number): Promise<void> {
    const missing = [...this.#names].filter((name) => !this.#existing.has(name));
    if (missing.length > 0 && nowMs - this.#checkedMs >= RECHECK_MS) {
      await this.#ask(model, missing);
    }
  }

  async #ask(model: ChannelModel, names: readonly string[]): Promise<void> {
    this.#checkedMs = performance.now();
    for (const name of names) {
      if (await hasExchange(model, name)) this.#existing.add(name);
    }
  }
}
