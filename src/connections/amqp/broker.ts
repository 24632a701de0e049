import { type ChannelModel, type ConfirmChannel, IllegalOperationError } from "amqplib";
import { compileAmqpMessage } from "../../celery/amqp-message.js";
import { parseAmqpUrl } from "../../celery/amqp-url.js";
import type { TaskMessageSpec } from "../../celery/message.js";
import { messageOf } from "../../errors.js";
import type {
  BrokerOptions,
  BrokerPart,
  MessageTemplate,
  PublishAnswer,
  PublishOutcome,
} from "../ports.js";
import { ConfirmWire } from "./confirm-wire.js";
import { Exchanges } from "./exchanges.js";
import { fieldTable } from "./field-table.js";
import { LargeMessages } from "./large-messages.js";
import { AmqpLink } from "./link.js";
import { PublishFrames, type TaskMessage } from "./publish-frames.js";
import type { Tap } from "./tap.js";

/** A confirm that takes longer than this will not come, unless the broker has blocked us. */
const CONFIRM_DEADLINE_MS = 30_000;

/**
 * Publishes to RabbitMQ as py-amqp does (`kombu/transport/pyamqp.py`): to the anonymous exchange with
 * the queue as routing key, or to the exchange that the task names, but on a confirm channel and
 * `mandatory`, so that the fate of every message is known. It declares nothing: a queue declared with other
 * arguments than the workers' would close the channel with everything on it.
 */
export function openAmqpBroker(options: BrokerOptions): BrokerPart {
  const publisher = new AmqpPublisher(options);
  publisher.link.open();
  return {
    publisher,
    checkLiveness: (isLate) => publisher.checkUp(isLate),
    close: () => publisher.link.close(),
  };
}

class AmqpPublisher {
  readonly link: AmqpLink;
  readonly #options: BrokerOptions;
  #channel: ConfirmChannel | undefined;
  /** Publishes on the channel past amqplib. */
  #wire: ConfirmWire | undefined;
  #large: LargeMessages | undefined;
  /** Ids that the broker has returned as unroutable; their confirm follows. */
  readonly #returned = new Set<string>();
  readonly #exchanges = new Exchanges();
  #model: ChannelModel | undefined;
  #unanswered = 0;
  #lastAnswerMs = 0;

  constructor(options: BrokerOptions) {
    this.#options = options;
    const { events } = options;
    this.link = new AmqpLink(
      parseAmqpUrl(options.url),
      `${options.clientName}:publish`,
      {
        prepare: async (model, tap) => {
          const channel = await this.#openChannel(model);
          this.link.watch(channel);
          const wire = tap && this.#takeOver(model, channel, tap);
          const large = new LargeMessages(
            channel,
            async () => {
              const own = await this.#openChannel(model);
              this.link.watch(own, (error) => large.learn(error));
              return own;
            },
            (own, message, answer) => {
              this.#write(own, message, (_from, _to, ...what) => answer(...what), 0);
              this.#wire?.flush();
            },
          );
          await this.#exchanges.check(model);
          this.#model = model;
          this.#channel = channel;
          this.#wire = wire;
          this.#large = large;
        },
        up: (downMs) => events.up("broker", downMs),
        down: (cause, isConfiguration) => {
          this.#model = undefined;
          this.#channel = undefined;
          this.#wire = undefined;
          this.#large?.close();
          this.#returned.clear();
          events.down("broker", cause, isConfiguration);
        },
        blocked: (isBlocked) => events.blocked(isBlocked),
      },
      options.client,
    );
  }

  get ready(): boolean {
    return this.link.isUp;
  }

  get isBlocked(): boolean {
    return this.link.isBlocked;
  }

  template(spec: TaskMessageSpec, fixedBody: string | null): MessageTemplate {
    this.#exchanges.add(spec.exchange);
    const frames = new PublishFrames(compileAmqpMessage(spec, this.#options.replyTo, fixedBody));
    return {
      // Each message is published by itself and knows its way.
      destination: "",
      render: (fill) => frames.fill(fill),
      sizeOf: (message) => (message as TaskMessage).byteLength,
    };
  }

  publish(_: string, messages: readonly unknown[], answer: PublishAnswer): void {
    if (this.#unanswered === 0) this.#lastAnswerMs = performance.now();
    for (let index = 0; index < messages.length; index++) {
      this.#publishOne(messages[index] as TaskMessage, answer, index);
    }
    this.#wire?.flush();
  }

  /** Once a second. */
  checkUp(isLate: boolean): void {
    const nowMs = performance.now();
    this.#checkDeadline(isLate, nowMs);
    if (this.#model === undefined || this.isBlocked) return;
    // A connection that fails here reports it by itself.
    this.#exchanges.recheck(this.#model, nowMs).catch(() => {});
  }

  /** amqplib has no deadline for confirms; a broker that gives none any more is as good as gone. */
  #checkDeadline(isLate: boolean, nowMs: number): void {
    if (isLate || this.isBlocked || this.#unanswered === 0) this.#lastAnswerMs = nowMs;
    if (nowMs - this.#lastAnswerMs > CONFIRM_DEADLINE_MS) {
      this.link.fail(`no confirm for ${CONFIRM_DEADLINE_MS / 1000} s`);
    }
  }

  async #openChannel(model: ChannelModel): Promise<ConfirmChannel> {
    const channel = await model.createConfirmChannel();
    channel.on("return", ({ properties }) => this.#returned.add(properties.correlationId));
    return channel;
  }

  #takeOver(model: ChannelModel, channel: ConfirmChannel, tap: Tap): ConfirmWire | undefined {
    const tapped = tap.take(model, channel, {
      confirmed: (tag, isMultiple, isTaken) => wire?.confirmed(tag, isMultiple, isTaken),
      returned: (id) => this.#returned.add(id),
    });
    const wire =
      tapped &&
      new ConfirmWire(tapped, ({ message, answer, index }, isTaken) =>
        answer(index, index + 1, ...this.#confirmed(message, isTaken)),
      );
    channel.on("close", () => wire?.close());
    return wire;
  }

  #publishOne(message: TaskMessage, answer: PublishAnswer, index: number): void {
    const channel = this.#channel;
    if (channel === undefined || !this.ready) answer(index, index + 1, "notWritten", "");
    else if (!this.#exchanges.exists(message.exchange)) {
      const reason = `there is no exchange "${message.exchange}"`;
      answer(index, index + 1, "unroutable", reason);
    } else if (this.#large!.isSafe(message)) this.#write(channel, message, answer, index);
    else this.#large!.publish(message, (...what) => answer(index, index + 1, ...what));
  }

  #write(
    channel: ConfirmChannel,
    message: TaskMessage,
    answer: PublishAnswer,
    index: number,
  ): void {
    if (channel === this.#channel && this.#wire !== undefined) {
      if (this.#wire.isWritable) {
        this.#wire.put(message, answer, index);
        this.#unanswered++;
      } else answer(index, index + 1, "notWritten", "");
      return;
    }
    const { exchange, routingKey, content, properties } = message.toAmqp();
    try {
      channel.publish(
        exchange,
        routingKey,
        content,
        { ...properties, headers: fieldTable(properties.headers), mandatory: true },
        (error: Error | null) => {
          const isTaken = error ? (/nacked/.test(error.message) ? false : null) : true;
          answer(index, index + 1, ...this.#confirmed(message, isTaken));
        },
      );
      this.#unanswered++;
    } catch (error) {
      // Thrown before anything is written: the channel is closed, or the headers cannot be encoded.
      if (error instanceof IllegalOperationError) answer(index, index + 1, "notWritten", "");
      else answer(index, index + 1, "invalid", messageOf(error));
    }
  }

  /** What the broker says of a message; null: its channel was closed without a word. */
  #confirmed(message: TaskMessage, isTaken: boolean | null): [PublishOutcome, string] {
    this.#unanswered--;
    this.#lastAnswerMs = performance.now();
    const wasReturned = this.#returned.size > 0 && this.#returned.delete(message.id);
    if (isTaken === null) return ["unknown", "channel closed"];
    if (!isTaken) return ["refused", "message nacked"];
    return wasReturned ? ["unroutable", missing(message)] : ["accepted", ""];
  }
}

function missing({ exchange, routingKey }: TaskMessage): string {
  if (exchange === "") return `there is no queue "${routingKey}"`;
  return `no queue is bound to exchange "${exchange}" for "${routingKey}"`;
}
