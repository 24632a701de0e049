import type { EngineMessage } from "../engine/messages.js";

/** Between two lines that a connection is lost. */
const QUIET_MS = 1_000;

type News = Extract<EngineMessage, { type: "up" | "down" }>;

/** What is held back of one connection's role. */
interface Held {
  /** The last that was handed on. */
  told: News["type"];
  /** The last that was not; null: none. */
  latest: News | null;
  losses: number;
}

/**
 * Hands on what the engine says, but of a connection that comes and goes the first loss only, and after a second how
 * many more there were and how it stands.
 */
export class Flapping {
  readonly #write: (message: EngineMessage) => void;
  readonly #more: (news: News, losses: number) => void;
  readonly #held = new Map<string, Held>();

  /** `more`: this connection was lost so many times more, which were not written. */
  constructor(write: (message: EngineMessage) => void, more: (news: News, losses: number) => void) {
    this.#write = write;
    this.#more = more;
  }

  write(message: EngineMessage): void {
    if (message.type === "up" || message.type === "down") this.#hear(message);
    else this.#write(message);
  }

  #hear(news: News): void {
    const role = `${news.connection} ${news.role}`;
    const held = this.#held.get(role);
    if (held === undefined) {
      this.#write(news);
      if (news.type === "down") this.#wait(role);
    } else if (held.told === "down" && news.type === "up" && held.latest === null) {
      held.told = "up";
      this.#write(news);
    } else {
      // Further attempts that fail are no further losses.
      if (news.type === "down" && (held.latest?.type ?? held.told) === "up") held.losses++;
      held.latest = news;
    }
  }

  #wait(role: string): void {
    this.#held.set(role, { told: "down", latest: null, losses: 0 });
    setTimeout(() => this.#tell(role), QUIET_MS).unref();
  }

  #tell(role: string): void {
    const { told, latest, losses } = this.#held.get(role)!;
    this.#held.delete(role);
    if (latest === null) return;
    if (losses > 0) this.#more(latest, losses);
    if (latest.type === "down" || told === "down") this.#hear(latest);
  }
}
