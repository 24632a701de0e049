import type { PublishAnswer, PublishOutcome } from "../ports.js";
import type { OpenChannel, Way } from "./lane.js";
import type { PublishChannel } from "./publish-channel.js";
import type { TaskMessage } from "./publish-frames.js";
import type { PublishRefusal } from "./publish-refusal.js";

interface Trial {
  readonly way: Way;
  readonly message: TaskMessage;
  readonly answer: PublishAnswer;
  readonly index: number;
}

/** What became of a message that went alone: the broker's answer, or the error with which it closed the channel. */
type TrialResult = readonly [outcome: PublishOutcome, reason: string] | Error;

/**
 * Messages that the broker may refuse: the first on its way, and those that are larger than all that were answered on
 * this connection (RabbitMQ does not tell its `max_message_size` otherwise). They go one after another over a
 * channel of their own, which can be closed without harm to others and shows which message was refused.
 */
export class Trials {
  readonly #openChannel: OpenChannel;
  readonly #waiting: Trial[] = [];
  #channel: PublishChannel | undefined;
  #isBusy = false;
  #isClosed = false;
  /** Up to this size no message is too large. */
  #safeBytes = 0;
  #limitBytes = Number.POSITIVE_INFINITY;
  #channelClosed: (error: Error | undefined) => void = () => {};

  constructor(openChannel: OpenChannel) {
    this.#openChannel = openChannel;
  }

  /**
   * Beforehand, so that a limit of channels is found at once.
   * @throws when the connection is lost meanwhile
   */
  async open(): Promise<PublishChannel> {
    const channel: PublishChannel = await this.#openChannel((_lost, error) => {
      if (this.#channel === channel) this.#channel = undefined;
      this.#channelClosed(error);
    });
    this.#channel = channel;
    return channel;
  }

  /** Not too large. */
  isSafe({ content }: TaskMessage): boolean {
    return content.length <= this.#safeBytes;
  }

  publish(way: Way, message: TaskMessage, answer: PublishAnswer, index: number): void {
    this.#waiting.push({ way, message, answer, index });
    if (!this.#isBusy) void this.#publishWaiting();
  }

  /** What the broker lets a user do it remembers for a channel; a new one is told what holds now. */
  renew(): void {
    if (!this.#isBusy) this.#channel?.close();
    this.#channel = undefined;
  }

  /** The connection is lost: what still waits has not been written. */
  close(): void {
    this.#isClosed = true;
  }

  async #publishWaiting(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#publishOne(next);
    }
    this.#isBusy = false;
  }

  async #publishOne(trial: Trial): Promise<void> {
    const { way, message, answer, index } = trial;
    const say = (outcome: PublishOutcome, reason: string) =>
      answer(index, index + 1, outcome, reason);
    const bytes = message.content.length;
    const refusal = way.refusal;
    if (this.#isClosed) say("notWritten", "");
    else if (bytes > this.#limitBytes) say("tooLarge", this.#tooLarge(bytes));
    else if (refusal !== null) say(refusal.outcome, refusal.reason);
    else if (way.isProven && this.isSafe(message)) {
      way.put(message, answer, index);
      way.flush();
    } else await this.#tryOne(way, message, say);
  }

  async #tryOne(
    way: Way,
    message: TaskMessage,
    say: (outcome: PublishOutcome, reason: string) => void,
  ): Promise<void> {
    let channel: PublishChannel;
    try {
      channel = this.#channel ?? (await this.open());
    } catch {
      say("notWritten", ""); // the connection is lost, which its link reports
      return;
    }
    const verdict = await this.#verdictOn(channel, way.isProven ? message : way.trialOf(message));
    if (this.#channel !== channel) channel.close(); // renewed meanwhile
    if (verdict instanceof Error) {
      const { outcome, reason, limitBytes } = way.refuse(verdict);
      if (limitBytes !== undefined) this.#learn(limitBytes);
      say(outcome, limitBytes === undefined ? reason : this.#tooLarge(message.content.length));
      return;
    }
    // Any answer of the broker says that it has taken the message as such.
    const isAnswered = ANSWERED.includes(verdict[0]);
    if (isAnswered) this.#safeBytes = Math.max(this.#safeBytes, message.content.length);
    const refusal = isAnswered ? way.judge(...verdict) : null;
    if (refusal !== null) say(refusal.outcome, refusal.reason);
    else say(...verdict);
    if (!isAnswered || refusal !== null) return;
    await way.prove().catch(() => {}); // the connection is lost, which its link reports
  }

  #verdictOn(channel: PublishChannel, message: TaskMessage): Promise<TrialResult> {
    return new Promise((resolve) => {
      this.#channelClosed = (error) => resolve(error ?? ["unknown", "channel closed"]);
      channel.put(message, (_from, _to, ...verdict) => resolve(verdict), 0);
      channel.flush();
    });
  }

  #learn(limitBytes: NonNullable<PublishRefusal["limitBytes"]>): void {
    this.#limitBytes = limitBytes;
    this.#safeBytes = limitBytes;
  }

  #tooLarge(bytes: number): string {
    return `message of ${bytes} bytes; RabbitMQ takes ${this.#limitBytes} at most (max_message_size)`;
  }
}

const ANSWERED: readonly PublishOutcome[] = ["accepted", "refused", "unroutable"];
