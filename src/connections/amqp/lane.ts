import type { PublishAnswer, PublishOutcome } from "../ports.js";
import type { Waiting } from "./confirm-wire.js";
import type { ChannelClosed, PublishChannel } from "./publish-channel.js";
import type { TaskMessage } from "./publish-frames.js";
import {
  type PublishPlace,
  type PublishRefusal,
  publishRefusal,
  RecentRefusal,
} from "./publish-refusal.js";

/** Opens a channel on the connection that is there. */
export type OpenChannel = (closed: ChannelClosed) => Promise<PublishChannel>;

/** What messages of one destination go over, once one of them has been answered (`trials.ts`). */
export interface Way {
  /** True when messages can be put. */
  readonly isProven: boolean;
  /** What to answer without asking the broker; null: a message is to ask. */
  readonly refusal: PublishRefusal | null;
  /** What to send of a message that is to ask. */
  trialOf(message: TaskMessage): TaskMessage;
  /** The broker has closed the channel of one of its messages, with this error. */
  refuse(error: Error): PublishRefusal;
  /** It has answered one: what is wrong with the way; null: nothing. */
  judge(outcome: PublishOutcome, reason: string): PublishRefusal | null;
  /**
   * Nothing is wrong with it.
   * @throws when the connection is lost meanwhile
   */
  prove(): Promise<void>;
  put(message: TaskMessage, answer: PublishAnswer, index: number): void;
  flush(): void;
}

/**
 * The way of all messages that the broker judges alike: those to one exchange and, where that has a name, with one
 * routing key. RabbitMQ refuses a message only by closing its channel, and drops what follows there; so each
 * way has a channel of its own, whose end harms no other.
 */
export class Lane implements Way {
  readonly #place: PublishPlace;
  readonly #refused: () => void;
  #channel: PublishChannel | undefined;
  #open: OpenChannel | undefined;
  #isProven = false;
  readonly #refusal = new RecentRefusal();

  /** `refused` is called when the broker has closed the channel. */
  constructor(place: PublishPlace, refused: () => void) {
    this.#place = place;
    this.#refused = refused;
  }

  get isProven(): boolean {
    return this.#isProven;
  }

  get refusal(): PublishRefusal | null {
    return this.#refusal.current;
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
    this.#refusal.clear();
  }

  trialOf(message: TaskMessage): TaskMessage {
    return message;
  }

  /** Any answer will do: each message that has no queue comes back. */
  judge(): null {
    return null;
  }

  async prove(): Promise<void> {
    this.#refusal.clear();
    if (this.#channel === undefined) await this.#openChannel();
    this.#isProven = this.#channel !== undefined;
  }

  refuse(error: Error): PublishRefusal {
    const refusal = publishRefusal(error, this.#place);
    this.#isProven = false;
    // The size is a matter of the message, and not of the way.
    if (refusal.limitBytes === undefined) this.#refusal.set(refusal);
    return refusal;
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
