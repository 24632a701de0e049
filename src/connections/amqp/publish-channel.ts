import { type ChannelModel, type ConfirmChannel, IllegalOperationError } from "amqplib";
import { messageOf } from "../../errors.js";
import type { PublishAnswer } from "../ports.js";
import { ConfirmWire, type Waiting } from "./confirm-wire.js";
import { fieldTable } from "./field-table.js";
import type { TaskMessage } from "./publish-frames.js";
import type { Tap } from "./tap.js";
import type { Unanswered } from "./unanswered.js";

/** What the channels of one connection have in common. */
export interface Session {
  readonly model: ChannelModel;
  /** There when messages may be published past amqplib. */
  readonly tap: Tap | undefined;
  readonly unanswered: Unanswered;
  /** A listener of ours has thrown: the connection is of no use any more. */
  fail(cause: string): void;
}

/**
 * The channel is closed: by the broker with its error, else by us or with the whole connection. `lost` are the
 * messages that had no confirm, in their order; whoever opened the channel answers them.
 */
export type ChannelClosed = (lost: readonly Waiting[], error: Error | undefined) => void;

/** One confirm channel: publishes `mandatory`, and answers for each message what its confirm says. */
export class PublishChannel {
  readonly #channel: ConfirmChannel;
  readonly #unanswered: Unanswered;
  /** Publishes past amqplib. */
  readonly #wire: ConfirmWire | undefined;
  readonly #lost: Waiting[] = [];

  /** @throws when the connection is lost meanwhile */
  static async open(session: Session, closed: ChannelClosed): Promise<PublishChannel> {
    return new PublishChannel(await session.model.createConfirmChannel(), session, closed);
  }

  private constructor(channel: ConfirmChannel, session: Session, closed: ChannelClosed) {
    const { model, tap, unanswered, fail } = session;
    this.#channel = channel;
    this.#unanswered = unanswered;
    const tapped = tap?.take(model, channel, {
      confirmed: (tag, isMultiple, isTaken) => this.#wire?.confirmed(tag, isMultiple, isTaken),
      returned: (id) => unanswered.returned(id),
    });
    this.#wire =
      tapped && new ConfirmWire(tapped, (waiting, isTaken) => this.#answered(waiting, isTaken));
    let closeError: Error | undefined;
    channel.on("return", ({ properties }) => unanswered.returned(properties.correlationId));
    channel.on("error", (error: Error) => {
      closeError = error;
    });
    channel.on("handler-error", (error: Error) => fail(error.message));
    // amqplib's own listener, which gives up what is without a confirm, came before.
    channel.on("close", () => {
      this.#wire?.close();
      closed(this.#lost, closeError);
    });
  }

  /** Past amqplib the message goes out at the next flush. */
  put(message: TaskMessage, answer: PublishAnswer, index: number): void {
    if (this.#wire === undefined) this.#publish({ message, answer, index });
    else if (this.#wire.isWritable) {
      this.#wire.put(message, answer, index);
      this.#unanswered.sent();
    } else answer(index, index + 1, "notWritten", "");
  }

  flush(): void {
    this.#wire?.flush();
  }

  close(): void {
    // When it is closed already there is nothing to do.
    this.#channel.close().catch(() => {});
  }

  #publish(waiting: Waiting): void {
    const { message, answer, index } = waiting;
    const { exchange, routingKey, content, properties } = message.toAmqp();
    const options = {
      ...properties,
      headers: fieldTable(properties.headers),
      mandatory: true,
    };
    try {
      this.#channel.publish(exchange, routingKey, content, options, (error: Error | null) => {
        const isNack = error !== null && /nacked/.test(error.message);
        this.#answered(waiting, error === null ? true : isNack ? false : null);
      });
      this.#unanswered.sent();
    } catch (error) {
      // Thrown before anything is written: the channel is closed, or the headers cannot be encoded.
      if (error instanceof IllegalOperationError) answer(index, index + 1, "notWritten", "");
      else answer(index, index + 1, "invalid", messageOf(error));
    }
  }

  /** Null: the channel was closed without a word on this message. */
  #answered(waiting: Waiting, isTaken: boolean | null): void {
    const { message, answer, index } = waiting;
    if (isTaken === null) {
      this.#unanswered.lost(message);
      this.#lost.push(waiting);
    } else answer(index, index + 1, ...this.#unanswered.confirmed(message, isTaken));
  }
}
