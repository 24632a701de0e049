import type { FromCode, MadePayload } from "../scripts/messages.js";
import type { CodeListener, CodePort } from "./code-port.js";

/** So many are made ahead. */
const AHEAD = 1_000;
/** But no more than this, as far as they are there. */
const MOST_CHARACTERS = 8 * 1024 * 1024;

/**
 * The arguments of an entry's starts that a function of the user's makes, in its own thread and ahead of the starts: none
 * waits for it. One that is not there when it is due is dropped as any lateness of our own.
 */
export class PayloadSource implements CodeListener {
  readonly #port: CodePort;
  readonly #entry: number;
  #made: MadePayload[] = [];
  #at = 0;
  #characters = 0;
  #asked = 0;

  constructor(port: CodePort, entry: number) {
    this.#port = port;
    this.#entry = entry;
    port.listen(this);
  }

  get has(): boolean {
    return this.#at < this.#made.length;
  }

  /**
   * `args, kwargs` of the next start, as JSON text; only when it `has` them.
   * @throws {Error} with what the function threw
   */
  take(): string {
    const made = this.#made[this.#at++]!;
    if (typeof made === "string") this.#characters -= made.length;
    if (this.#at * 2 > this.#made.length && this.#at > 64) {
      this.#made = this.#made.slice(this.#at);
      this.#at = 0;
    }
    this.#ask();
    if (typeof made !== "string") throw new Error(`the payload function failed: ${made.fault}`);
    return made;
  }

  renewed(): void {
    this.#asked = 0;
  }

  heard(message: FromCode): void {
    if (message.type === "ready") this.#ask();
    if (message.type !== "made" || message.entry !== this.#entry) return;
    for (const each of message.made) {
      this.#made.push(each);
      if (typeof each === "string") this.#characters += each.length;
    }
    this.#asked -= message.made.length;
    this.#ask();
  }

  /** Half of them at once. */
  #ask(): void {
    const ahead = this.#made.length - this.#at + this.#asked;
    if (ahead > AHEAD / 2 || this.#characters > MOST_CHARACTERS || !this.#port.isReady) return;
    this.#asked += AHEAD - ahead;
    this.#port.say({ type: "make", entry: this.#entry, count: AHEAD - ahead });
  }
}
