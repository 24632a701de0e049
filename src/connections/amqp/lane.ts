import type { PublishAnswer } from "../ports.js";
import type { Waiting } from "./confirm-wire.js";
import type { ChannelClosed, PublishChannel } from "./publish-channel.js";
import type { TaskMessage } from "./publish-frames.js";
import { type PublishPlace, type PublishRefusal, publishRefusal } from "./publish-refusal.js";

/** So long a refusal is the answer to what follows; then a message asks again. */
const ASK_AGAIN_MS = 5_000;

/** Opens a channel on the connection that is there. */
export type OpenChannel = (closed: ChannelClosed) => Promise<PublishChannel>;

/**
 * The way of all messages that the broker judges alike: those to one exchange and, where that has a name, with one
 * routing key. RabbitMQ refuses a message only by closing its channel, and drops what follows there; so each
 * way has a channel of its own, whose end harms no other, and is used once a message has been answered (`trials.ts`).
 */
export class Lane {
  readonly #place: PublishPlace;
  readonly #refused: () => void;
  #channel: PublishChannel | undefined;
  #open: OpenChannel | undefined;
  #isProven = false;
  #refusal: PublishRefusal | null = null;
  #refusedMs = 0;

  /** `refused` is called when the broker has closed the channel. */
  constructor(place: PublishPlace, refused: () => void) {
    this.#place = place;
    this.#refused = refused;
  }

  /** True when messages can be put. */
  get isProven(): boolean {
    return this.#isProven;
  }

  /** On a new connection. */
  async connect(open: OpenChannel): Promise<void> {
    this.disconnect();
    this.#open = open;
    await this.#openChannel();
  }

  disconnect(): void {
    this.#open = undefined;
    this.#channel = undefined;
    this.#isProven = false;
    this.#refusal = null;
  }

  /**
   * A message has been answered.
   * @throws when the connection is lost meanwhile
   */
  async prove(): Promise<void> {
    this.#refusal = null;
    if (this.#channel === undefined) await this.#openChannel();
    this.#isProven = this.#channel !== undefined;
  }

  /** The broker has closed the channel of one of its messages, with this error. */
  refuse(error: Error): PublishRefusal {
    const refusal = publishRefusal(error, this.#place);
    this.#isProven = false;
    // The size is a matter of the message, and not of the way.
    if (refusal.limitBytes === undefined) {
      this.#refusal = refusal;
      this.#refusedMs = performance.now();
    }
    return refusal;
  }

  /** What to answer without asking the broker; null: a message is to ask. */
  get refusal(): PublishRefusal | null {
    if (this.#refusal !== null && performance.now() - this.#refusedMs > ASK_AGAIN_MS) {
      this.#refusal = null;
    }
    return this.#refusal;
  }

  put(message: TaskMessage, answer: PublishAnswer, index: number): void {
    this.#channel!.put(message, answer, index);
  }

  flush(): void {
    this.#channel?.flush();
  }

  async #openChannel(): Promise<void> {
    const channel = await this.#open?.((lost, error) => {
      // Else it is one of a connection that is over.
      if (this.#channel === channel) this.#channel = undefined;
      this.#closed(lost, error);
    });
    this.#channel = channel;
  }

  /**
   * Which of several messages was refused is not told. The last one was, or came after that; those before it
   * may have been taken.
   */
  #closed(lost: readonly Waiting[], error: Error | undefined): void {
    if (this.#channel === undefined) this.#isProven = false;
    const last = lost.length - 1;
    const refusal = error !== undefined && last >= 0 ? this.refuse(error) : null;
    if (refusal !== null) this.#refused();
    for (const [at, { answer, index }] of lost.entries()) {
      if (refusal !== null && at === last) {
        answer(index, index + 1, refusal.outcome, refusal.reason);
      } else answer(index, index + 1, "unknown", "channel closed");
    }
  }
}
