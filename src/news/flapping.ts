import type { EngineMessage, MessageOf } from "../engine/messages.js";

/** Between two lines that a connection is lost. */
const QUIET_MS = 1_000;

type News = MessageOf<"up" | "down">;

/** What is held back of one connection's role. */
interface Held<Of> {
  /** The last that was handed on. */
  told: News["type"];
  /** The last that was not, and of whom; null: none. */
  latest: { readonly news: News; readonly of: Of } | null;
  losses: number;
}

/**
 * Hands on what the engine says, but of a connection that comes and goes the first loss only, and after a second how
 * many more there were and how it stands. `Of` is whose news it is.
 */
export class Flapping<Of> {
  readonly #write: (message: EngineMessage, of: Of) => void;
  readonly #more: (news: News, losses: number, of: Of) => void;
  readonly #held = new Map<string, Held<Of>>();

  /** `more`: this connection was lost so many times more, which were not written. */
  constructor(
    write: (message: EngineMessage, of: Of) => void,
    more: (news: News, losses: number, of: Of) => void,
  ) {
    this.#write = write;
    this.#more = more;
  }

  write(message: EngineMessage, of: Of): void {
    if (message.type === "up" || message.type === "down") this.#hear(message, of);
    else this.#write(message, of);
  }

  #hear(news: News, of: Of): void {
    const role = `${news.connection} ${news.role}`;
    const held = this.#held.get(role);
    if (held === undefined) {
      this.#write(news, of);
      if (news.type === "down") this.#wait(role);
    } else if (held.told === "down" && news.type === "up" && held.latest === null) {
      held.told = "up";
      this.#write(news, of);
    } else {
      // Further attempts that fail are no further losses.
      if (news.type === "down" && (held.latest?.news.type ?? held.told) === "up") held.losses++;
      held.latest = { news, of };
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
    const { news, of } = latest;
    if (losses > 0) this.#more(news, losses, of);
    if (news.type === "down" || told === "down") this.#hear(news, of);
  }
}
