import type { ConfirmChannel } from "amqplib";
import type { PublishOutcome } from "../ports.js";
import type { TaskMessage } from "./publish-frames.js";

/** Called once for every message. */
export type AmqpAnswer = (outcome: PublishOutcome, reason: string) => void;

/** Publishes one message on a channel. */
export type AmqpWrite = (channel: ConfirmChannel, message: TaskMessage, answer: AmqpAnswer) => void;

/**
 * RabbitMQ tells its `max_message_size` only by closing the channel of a message that is larger, and drops
 * what was published there after it. So what is larger than all that was answered on this connection
 * goes alone over a channel of its own, which can be closed without harm to others; and when the limit is
 * known, what is larger is not sent at all.
 */
export class LargeMessages {
  readonly #main: ConfirmChannel;
  readonly #open: () => Promise<ConfirmChannel>;
  readonly #write: AmqpWrite;
  readonly #waiting: { readonly message: TaskMessage; readonly answer: AmqpAnswer }[] = [];
  /** The channel for messages that may be too large. */
  #own: ConfirmChannel | undefined;
  /** Up to this size no message is too large. */
  #safeBytes = 0;
  #limitBytes = Number.POSITIVE_INFINITY;
  #isBusy = false;
  #isClosed = false;

  /** `main` is for all other messages; `open` makes a channel that hands its error to `learn()`. */
  constructor(main: ConfirmChannel, open: () => Promise<ConfirmChannel>, write: AmqpWrite) {
    this.#main = main;
    this.#open = open;
    this.#write = write;
  }

  isSafe({ content }: TaskMessage): boolean {
    return content.length <= this.#safeBytes;
  }

  publish(message: TaskMessage, answer: AmqpAnswer): void {
    this.#waiting.push({ message, answer });
    if (!this.#isBusy) void this.#publishWaiting();
  }

  /** Takes the limit from the error that closed our channel; false when it is another error. */
  learn(error: Error): boolean {
    const limit = LIMIT.exec(error.message)?.[1];
    if (limit === undefined) return false;
    this.#limitBytes = Number(limit);
    this.#safeBytes = this.#limitBytes;
    this.#own = undefined;
    return true;
  }

  /** The connection is lost: what still waits has not been written. */
  close(): void {
    this.#isClosed = true;
  }

  async #publishWaiting(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#publishOne(next.message, next.answer);
    }
    this.#isBusy = false;
  }

  async #publishOne(message: TaskMessage, answer: AmqpAnswer): Promise<void> {
    const bytes = message.content.length;
    if (this.#isClosed) answer("notWritten", "");
    else if (bytes > this.#limitBytes) answer("tooLarge", this.#reason(bytes));
    else if (this.isSafe(message)) this.#write(this.#main, message, answer);
    else await this.#tryOne(message, answer);
  }

  async #tryOne(message: TaskMessage, answer: AmqpAnswer): Promise<void> {
    const bytes = message.content.length;
    try {
      this.#own ??= await this.#open();
    } catch {
      answer("notWritten", ""); // the connection is lost, which its link reports
      return;
    }
    const channel = this.#own;
    await new Promise<void>((resolve) => {
      this.#write(channel, message, (outcome, reason) => {
        if (bytes > this.#limitBytes) answer("tooLarge", this.#reason(bytes));
        else answer(outcome, reason);
        // Any answer of the broker says that it has taken the message as such.
        if (ANSWERED.includes(outcome)) this.#safeBytes = Math.max(this.#safeBytes, bytes);
        resolve();
      });
    });
  }

  #reason(bytes: number): string {
    return `message of ${bytes} bytes; RabbitMQ takes ${this.#limitBytes} at most (max_message_size)`;
  }
}

const ANSWERED: readonly PublishOutcome[] = ["accepted", "refused", "unroutable"];

/** `rabbit_channel.erl check_msg_size`, in the words of RabbitMQ 3.8 to 4. */
const LIMIT = /message size \d+ (?:is )?larger than (?:configured )?max size (\d+)/;
