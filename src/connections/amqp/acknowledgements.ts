import type { Channel, Message } from "amqplib";

/** How long what has been read waits for company: 50 frames a second at most, however many messages there are. */
const GATHER_MS = 20;

/** Acknowledges the messages of one channel when they have been read, many at once. */
export class Acknowledgements {
  readonly #channel: Channel;
  #lastTag = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.on("close", () => this.stop());
  }

  /** The messages up to this delivery tag have been read. */
  read(tag: number): void {
    if (this.#isOver) return;
    this.#lastTag = tag;
    this.#timer ??= setTimeout(() => this.#send(), GATHER_MS);
  }

  /** What has not been acknowledged yet never is: the broker delivers it again, if it still has it. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #send(): void {
    this.#timer = undefined;
    // amqplib wants a message and reads its tag, which is all that is known of those that go past it.
    const last = { fields: { deliveryTag: this.#lastTag } } as Message;
    this.#channel.ack(last, true);
  }
}
