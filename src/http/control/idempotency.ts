import { HttpProblem, type Reply } from "./problem.js";

const KEPT_MS = 10 * 60_000;
const MOST_KEPT = 1_000;

interface Given {
  /** Of the request that the key came with first. */
  readonly fingerprint: string;
  readonly atMs: number;
  /** null: it is still being done. */
  reply: Reply | null;
}

/**
 * Replies by `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): who did not hear the answer to an order
 * asks again, and the order is given once.
 */
export class Replies {
  readonly #given = new Map<string, Given>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * The reply that was made for the key before, or a new one, which is kept.
   * @throws {HttpProblem} 422 when the key belongs to another request, 409 while its reply is being made
   */
  async once(key: string, fingerprint: string, make: () => Promise<Reply>): Promise<Reply> {
    this.#forget(MOST_KEPT);
    const before = this.#given.get(key);
    if (before === undefined) return this.#make(key, fingerprint, make);
    if (before.fingerprint !== fingerprint) {
      const message = "is that of another request: take a new one for each order";
      throw new HttpProblem(422, `this Idempotency-Key ${message}`, {
        errors: [{ path: "Idempotency-Key", message }],
      });
    }
    if (before.reply === null) {
      const detail = "the first request with this Idempotency-Key is still being done: ask again";
      throw new HttpProblem(409, detail, { headers: { "Retry-After": "1" } });
    }
    const headers = { ...before.reply.headers, "Idempotency-Replayed": "true" };
    return { ...before.reply, headers };
  }

  async #make(key: string, fingerprint: string, make: () => Promise<Reply>): Promise<Reply> {
    this.#forget(MOST_KEPT - 1);
    const given: Given = { fingerprint, atMs: this.#nowMs(), reply: null };
    this.#given.set(key, given);
    try {
      given.reply = await make();
      return given.reply;
    } catch (error) {
      this.#given.delete(key); // nobody knows what became of it: it may be tried again
      throw error;
    }
  }

  /** The oldest are the first. What is still being done stays: it must not be done twice. */
  #forget(most: number): void {
    const oldestMs = this.#nowMs() - KEPT_MS;
    for (const [key, { atMs, reply }] of this.#given) {
      if (atMs >= oldestMs && this.#given.size <= most) break;
      if (reply !== null) this.#given.delete(key);
    }
  }
}
