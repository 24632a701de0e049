import type { PublishOutcome } from "../ports.js";
import type { TaskMessage } from "./publish-frames.js";

/** The messages of one connection that the broker has not answered yet, on all its channels. */
export class Unanswered {
  /** Ids that the broker has returned as unroutable; their confirm follows. */
  readonly #returned = new Set<string>();
  #count = 0;
  #lastAnswerMs = 0;

  /** A message was written. */
  sent(): void {
    if (this.#count === 0) this.#lastAnswerMs = performance.now();
    this.#count++;
  }

  returned(id: string): void {
    this.#returned.add(id);
  }

  /** A message was confirmed: what that says of it. */
  confirmed(message: TaskMessage, isTaken: boolean): [PublishOutcome, string] {
    this.#count--;
    this.#lastAnswerMs = performance.now();
    const wasReturned = this.#returned.size > 0 && this.#returned.delete(message.id);
    if (!isTaken) return ["refused", "message nacked"];
    return wasReturned ? ["unroutable", missing(message)] : ["accepted", ""];
  }

  /** No confirm will come for a message. */
  lost(message: TaskMessage): void {
    this.#count--;
    this.#returned.delete(message.id);
  }

  /** For how long, in milliseconds, the broker has owed answers and given none; `isExcused` begins anew. */
  silentMs(isExcused: boolean): number {
    const nowMs = performance.now();
    if (isExcused || this.#count === 0) this.#lastAnswerMs = nowMs;
    return nowMs - this.#lastAnswerMs;
  }
}

function missing({ exchange, routingKey }: TaskMessage): string {
  if (exchange === "") return `there is no queue "${routingKey}"`;
  return `no queue is bound to exchange "${exchange}" for "${routingKey}"`;
}
